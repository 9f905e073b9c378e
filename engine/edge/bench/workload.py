"""The workload: the shop's ``CreateOrder`` with two items and an address, all five fields."""

from collections.abc import Iterator, Sequence

from engine.core.ids import uuid7
from engine.core.routing import partition_of
from engine.edge.bench.wire import Packet, packed

PER_WRITE = 64
"""Commands in one write to a socket."""

SOCKETS = 8
"""Sockets written to side by side: enough that the server never waits for us."""

_DATA = (
    b'{"customer_id":"c-%d","items":[{"product_id":"p-1","quantity":2,"unit_price":"12.50"},'
    b'{"product_id":"p-2","quantity":1,"unit_price":"4.20"}],"shipping_address":{"street":'
    b'"59 rue de l\'Abbaye","city":"Reims","postal_code":"51100","country":"France"}}'
)
_META = b'{"user":"bench"}'
_CUSTOMERS = 1000


def order(number: int) -> str:
    """The aggregate id of one order."""
    return f"order-{number}"


def entry(number: int, unix_ms: int) -> tuple[bytes, ...]:
    """The fields of one command: a new order of one of a thousand customers."""
    return (
        b"id", uuid7(unix_ms).encode(), b"type", b"CreateOrder",
        b"aggregate", order(number).encode(), b"data", _DATA % (number % _CUSTOMERS),
        b"meta", _META,
    )  # fmt: skip


def packets(keys: Sequence[str], numbers: range, unix_ms: int) -> Iterator[Packet]:
    """Writes that add commands, each to the stream of its partition: ``keys`` in their order."""
    for start in range(0, len(numbers), PER_WRITE):
        run = numbers[start : start + PER_WRITE]
        adds = (
            packed(
                b"XADD", keys[partition_of(order(number), len(keys))].encode(), b"*",
                *entry(number, unix_ms),
            )
            for number in run
        )  # fmt: skip
        yield b"".join(adds), len(run)
