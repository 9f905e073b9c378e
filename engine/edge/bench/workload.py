"""The workload: the shop's ``CreateOrder`` with two items and an address, all five fields."""

from collections.abc import Iterator

from engine.core.ids import uuid7
from engine.core.routing import partition_of
from engine.edge.bench.wire import packed

PER_WRITE = 64
"""Commands in one write to a socket."""

_DATA = (
    b'{"customer_id":"c-%d","items":[{"product_id":"p-1","quantity":2,"unit_price":"12.50"},'
    b'{"product_id":"p-2","quantity":1,"unit_price":"4.20"}],"shipping_address":{"street":'
    b'"59 rue de l\'Abbaye","city":"Reims","postal_code":"51100","country":"France"}}'
)
_META = b'{"user":"bench"}'
_CUSTOMERS = 1000


def entry(number: int, unix_ms: int) -> tuple[bytes, ...]:
    """The fields of one command: a new order of one of a thousand customers."""
    id = uuid7(unix_ms).encode()
    data = _DATA % (number % _CUSTOMERS)
    return (b"id", id, b"type", b"CreateOrder", b"aggregate", b"order-%d" % number, b"data", data, b"meta", _META)


def packets(key: str, numbers: range, unix_ms: int) -> Iterator[tuple[bytes, int]]:
    """Writes that add commands to one stream: the bytes, and how many are in them."""
    for run in _runs(numbers):
        adds = (packed(b"XADD", key.encode(), b"*", *entry(n, unix_ms)) for n in run)
        yield b"".join(adds), len(run)


def spread(key_of: list[str], numbers: range, unix_ms: int) -> Iterator[tuple[bytes, int]]:
    """Writes that add commands each to its own partition's stream."""
    for run in _runs(numbers):
        adds = []
        for number in run:
            key = key_of[partition_of(f"order-{number}", len(key_of))]
            adds.append(packed(b"XADD", key.encode(), b"*", *entry(number, unix_ms)))
        yield b"".join(adds), len(adds)


def _runs(numbers: range) -> Iterator[range]:
    for start in range(0, len(numbers), PER_WRITE):
        yield numbers[start : start + PER_WRITE]
