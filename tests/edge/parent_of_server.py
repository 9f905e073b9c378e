"""A process that has an embedded server and waits to be killed: ``DIRECTORY PORT``."""

import sys
from pathlib import Path

import anyio

from engine.edge.server import embedded_server


async def main(data: str, port: str) -> None:
    async with embedded_server(data=Path(data), port=int(port)) as server:
        print(server.pid, flush=True)  # noqa: T201 - the test reads it
        await anyio.sleep_forever()


anyio.run(main, sys.argv[1], sys.argv[2])
