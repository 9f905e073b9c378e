"""Ids that carry a time: stream ids of Redis and UUIDv7 of the SDK."""

import re
import secrets
from functools import lru_cache
from uuid import UUID

_UUID7 = re.compile(
    "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-7[0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}"
)

CLOCK_LIMIT_MS = 60_000
"""A stream id further in the future than this was not made by Redis's own clock."""


def uuid7(unix_ms: int) -> str:
    """A new UUIDv7 (RFC 9562, section 5.7) of a time in milliseconds since 1970.

    48 bits of time, then the version, then 74 random bits: two ids of one millisecond
    do not sort, which nothing here asks of them.
    """
    value = (unix_ms & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(UUID(int=value))


@lru_cache(maxsize=1024)
def uuid7_ms(text: str) -> int | None:
    """The time in a UUIDv7, in milliseconds since 1970; None for any other id.

    The ids of a batch are asked twice: whether they may be unknown, and whether they are too old.
    """
    if _UUID7.fullmatch(text) is None:
        return None
    return int(text[:8] + text[9:13], 16)


def stream_ms(stream_id: str) -> int:
    """The millisecond part of a stream id ``<ms>-<seq>``."""
    return int(stream_id.partition("-")[0])


def stream_order(stream_id: str) -> tuple[int, int]:
    """A stream id as a pair that compares as Redis compares it."""
    ms, _, seq = stream_id.partition("-")
    return int(ms), int(seq or 0)


def just_below(stream_id: str) -> str:
    """The greatest stream id below another: where a reader starts that wants it next."""
    ms, seq = stream_order(stream_id)
    if seq > 0:
        return f"{ms}-{seq - 1}"
    return f"{ms - 1}-{2**64 - 1}" if ms > 0 else "0-0"


def just_above(stream_id: str) -> str:
    """The least stream id above another."""
    ms, seq = stream_order(stream_id)
    return f"{ms}-{seq + 1}" if seq < 2**64 - 1 else f"{ms + 1}-0"
