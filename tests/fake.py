"""fakeredis behind a TCP port, so that the store speaks to it as to any server.

It knows nothing of durability, clusters or memory, but it catches a store that leans on
one server's manners. Three of its own are mended here: it hangs up after every error
reply, takes ``#!lua`` for a syntax error, and has no INFO.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from threading import Thread
from typing import Any

from fakeredis import TcpFakeServer
from fakeredis._clients._tcp_server import TCPFakeRequestHandler
from fakeredis._helpers import SimpleError
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
