"""A server that says what a test wants said: every command has one answer."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial

import anyio
import hiredis
from anyio.abc import SocketAttribute, SocketStream

FINE = b"+OK\r\n"


@asynccontextmanager
async def answering(answers: Mapping[str, str]) -> AsyncIterator[str]:
    """Where it is. Errors begin with ``-``; commands without an answer are answered OK."""
    raw = {name.encode(): f"{answer}\r\n".encode() for name, answer in answers.items()}
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(SocketAttribute.local_port)  # noqa: S610 -- not Django's
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, partial(_answer, raw))
        yield f"redis://127.0.0.1:{port}"
        tasks.cancel_scope.cancel()


async def _answer(answers: Mapping[bytes, bytes], client: SocketStream) -> None:
    requests = hiredis.Reader()
    async with client:
        async for packet in client:
            requests.feed(packet)
            while (request := requests.gets()) is not False:
                await client.send(answers.get(request[0], FINE))
