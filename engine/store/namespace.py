"""What a namespace is made of: its format, and how many partitions it has, for ever."""

import secrets
from typing import NamedTuple

from engine.core.errors import NotFound, Unfit
from engine.store.connection import Connection
from engine.store.keys import Keys

FORMAT = 1
"""The version of the keys and entries described in ARCHITECTURE.md."""


SECRET_BYTES = 16


class Facts(NamedTuple):
    """What is fixed when a namespace is created."""

    partitions: int
    secret: bytes


async def create(control: Connection, keys: Keys, partitions: int) -> None:
    """Create the namespace, unless it exists."""
    await control.call("HSETNX", keys.meta(), "format", FORMAT)
    await control.call("HSETNX", keys.meta(), "partitions", partitions)
    await control.call("HSETNX", keys.meta(), "secret", secrets.token_hex(SECRET_BYTES))


async def read(control: Connection, keys: Keys, expected: int | None) -> Facts:
    """What is fixed of a namespace that this release can serve.

    Raises `NotFound` when there is no such namespace, and `Unfit` when its format, or the
    number of partitions that was set explicitly, is another.
    """
    format_found, partitions, secret = await control.call(
        "HMGET", keys.meta(), "format", "partitions", "secret"
    )
    if format_found is None or partitions is None or secret is None:
        raise NotFound(
            f"there is no namespace {keys.namespace!r} here yet: `semel init` creates it, "
            f"as does starting `semel run`"
        )
    if int(format_found) != FORMAT:
        raise Unfit(
            f"the namespace {keys.namespace!r} has format {int(format_found)}, this release of "
            f"semel speaks format {FORMAT}: use the release that wrote it, or another namespace"
        )
    if expected is not None and int(partitions) != expected:
        raise Unfit(
            f"the namespace {keys.namespace!r} has {int(partitions)} partitions, the setting says "
            f"{expected}: the number is fixed at creation. Leave `partitions` out, or use "
            f"another namespace"
        )
    return Facts(int(partitions), secret)
