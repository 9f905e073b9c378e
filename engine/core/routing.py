"""Aggregate ids and the partition each belongs to.

An aggregate's partition is ``CRC16(aggregate id) mod partitions``, with the CRC16
(XMODEM: polynomial 0x1021, initial value 0) that Redis Cluster uses for its slots, taken
over the whole id in UTF-8. Any client in any language can compute it.
"""

from binascii import crc_hqx

ID_LENGTH_LIMIT = 200
"""Characters in an aggregate's or a command's id: a key name must stay a name."""

_FORBIDDEN = ("{", "}", "/")
"""Braces would move the key to another slot; ``/`` marks the engine's own ids."""


def partition_of(aggregate: str, partitions: int) -> int:
    """The partition of an aggregate id; ``partitions`` is a power of two.

    CPython's ``crc_hqx`` is the XMODEM CRC16, in C.
    """
    return crc_hqx(aggregate.encode(), 0) % partitions


def kind_of(aggregate: str) -> str:
    """The kind of an aggregate id: what stands before its first hyphen."""
    return aggregate.partition("-")[0]


def id_fault(text: str) -> str | None:
    """Why a text cannot be an id of a command or an aggregate; None when it can."""
    if not text:
        return "is empty"
    if len(text) > ID_LENGTH_LIMIT:
        return f"has {len(text)} characters; at most {ID_LENGTH_LIMIT} are allowed"
    if not text.isprintable() or " " in text:
        return "has a space or a character that cannot be printed"
    for character in _FORBIDDEN:
        if character in text:
            return f"contains {character!r}, which clients may not use in an id"
    return None


def aggregate_fault(aggregate: str) -> str | None:
    """Why a text cannot be an aggregate id ``<kind>-<key>``; None when it can."""
    fault = id_fault(aggregate)
    if fault is not None:
        return fault
    kind, hyphen, key = aggregate.partition("-")
    if not (kind and hyphen and key):
        return "is not of the form <kind>-<key>, such as order-42"
    return None
