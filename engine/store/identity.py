"""Which server a connection leads to, and whether it is still the one that it was."""

from collections.abc import Mapping
from typing import Any

from engine.core.errors import Lost, NotNow, Refused
from engine.store.connection import Connection

UNIDENTIFIED = "unidentified"
"""What a server is called by users who may not ask: clients need no more."""


async def server_of(connection: Connection) -> str:
    """The name of the server that a connection leads to."""
    return _name_of(await _info(connection))


async def require_server(connection: Connection, server: str) -> None:
    """Raise `Lost` if a connection does not lead to this server, able to take writes."""
    info = await _info(connection)
    if info.get("role", "master") != "master":
        raise Lost("the server is a replica now")
    if _name_of(info) != server:
        raise Lost("the server is not the one that this session began on")


async def _info(connection: Connection) -> dict[str, str]:
    """What a server says of itself; nothing, where this user may not ask."""
    try:
        text: Any = await connection.call("INFO", "server", "replication")
    except NotNow:
        raise
    except Refused:
        return {}
    lines = (line.partition(":") for line in text.decode().splitlines())
    return {name: value for name, _, value in lines}


def _name_of(info: Mapping[str, str]) -> str:
    """A server's name: another one has another, and so does a restarted or a promoted one."""
    return f"{info['master_replid']} {info['run_id']}" if info else UNIDENTIFIED
