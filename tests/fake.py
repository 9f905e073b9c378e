"""fakeredis behind a TCP port, so that the store speaks to it as to any server.

It knows nothing of durability, clusters or memory, but it catches a store that leans on
one server's manners. Four of its own are mended here: it hangs up after every error
reply, takes ``#!lua`` for a syntax error, and has neither INFO nor XSETID.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from threading import Thread
from typing import Any

from fakeredis import TcpFakeServer
from fakeredis import _msgs as msgs
from fakeredis._clients._tcp_server import TCPFakeRequestHandler
from fakeredis._commands import Key, command
from fakeredis._helpers import OK, SimpleError
from fakeredis.commands_mixins.streams_mixin import StreamsCommandsMixin
from fakeredis.model import StreamEntryKey, XStream
from redis.exceptions import ResponseError

_INFO = """\
# Server
redis_version:7.4.0
redis_mode:standalone
run_id:{run_id}
# Replication
role:master
master_replid:{run_id}
""".replace("\n", "\r\n")

_OWN_CODE = re.compile(r"[A-Z]{4,} ")


class _Handler(TCPFakeRequestHandler):
    """One client's connection."""

    def setup(self) -> None:
        super().setup()
        client: Any = self.current_client
        client.read_response = partial(_reply_of, client.read_response)
        self._socket: Any = client.get_socket()
        self._process = self._socket._process_command
        self._socket._process_command = self._command

    def _command(self, fields: list[bytes]) -> None:
        match [fields[0].upper(), *fields[1:]]:
            case [b"INFO", *_]:
                run_id = f"{id(self.server):040x}"
                self._socket.put_response(_INFO.format(run_id=run_id).encode())
            case [b"SCRIPT", action, script] if action.upper() == b"LOAD":
                sha = hashlib.sha1(script, usedforsecurity=False).hexdigest().encode()
                self.server.fake_server.script_cache[sha] = _plain(script)
                self._socket.put_response(sha)
            case [b"EVAL", script, *rest]:
                self._process([b"EVAL", _plain(script), *rest])
            case _:
                self._process(fields)


@command(name="XSETID", fixed=(Key(XStream), bytes), repeat=(bytes,), flags=msgs.FLAG_DO_NOT_CREATE)
def _xsetid(_socket: Any, key: Any, last: bytes, *options: bytes) -> Any:
    """XSETID as Valkey 9.1 has it, without ENTRIESADDED."""
    if key.value is None:
        raise SimpleError("ERR no such key")
    stream, last_id = key.value, StreamEntryKey.parse_str(last)
    if last_id < stream.max_deleted_id or (stream._ids and last_id < max(stream._ids)):
        raise SimpleError("ERR The ID specified in XSETID is smaller than what the stream has had")
    stream._last_id = last_id
    match options:
        case [name, deleted] if name.upper() == b"MAXDELETEDID":
            stream._max_deleted_id = StreamEntryKey.parse_str(deleted)
    key.updated()
    return OK


_commands: Any = StreamsCommandsMixin
_commands._xsetid = _xsetid


def _plain(script: bytes) -> bytes:
    return b"--" + script if script.startswith(b"#!") else script


def _reply_of(read: Any) -> Any:
    """A reply, error replies included, each in one line: a raised one ends the connection."""
    try:
        return read()
    except ResponseError as error:
        text = " ".join(str(error).splitlines())
        return SimpleError(text) if _OWN_CODE.match(text) else type(error)(text)


@contextmanager
def fake_server() -> Iterator[str]:
    """A fake Redis in threads of this process; gives its URL."""
    with TcpFakeServer(("127.0.0.1", 0), server_version=(7, 4)) as server:
        server.RequestHandlerClass = _Handler
        thread = Thread(target=server.serve_forever, args=(0.05,), name="fakeredis")
        thread.start()
        try:
            yield f"redis://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
