"""The workload: orders of the shop as its clients send them, with all five fields of an entry."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from engine.core.ids import uuid7
from engine.core.routing import partition_of
from engine.edge.bench.wire import Packet, packed

PER_WRITE = 64
"""Commands in one write to a socket."""

SOCKETS = 8
"""Sockets written to side by side: enough that the server never waits for us."""

EVENTS_PER_ORDER = 3
"""What becomes of an order in a history: created, one item more, shipped."""

OPEN_ORDERS = 10_000
"""So many orders are created before one gets its item, and as many again before it is shipped:
few events of one batch are of one order, as in a shop where much goes on."""

_CREATE = (
    b'{"customer_id":"c-%d","items":[{"product_id":"p-1","quantity":2,"unit_price":"12.50"},'
    b'{"product_id":"p-2","quantity":1,"unit_price":"4.20"}],"shipping_address":{"street":'
    b'"59 rue de l\'Abbaye","city":"Reims","postal_code":"51100","country":"France"}}'
)
_ADD = b'{"product_id":"p-3","quantity":1,"unit_price":"7.90"}'
_SHIP = b"{}"
_META = b'{"user":"bench"}'
_CUSTOMERS = 1000


class Wish(NamedTuple):
    """One command: what is wished of which order."""

    type: str
    order: str
    data: bytes

    def entry(self, unix_ms: int) -> tuple[bytes, ...]:
        """The fields of its entry, with a new id."""
        return (
            b"id", uuid7(unix_ms).encode(), b"type", self.type.encode(),
            b"aggregate", self.order.encode(), b"data", self.data, b"meta", _META,
        )  # fmt: skip


def created(numbers: range) -> Iterator[Wish]:
    """New orders, each of one of a thousand customers."""
    return map(_create, numbers)


def extended(numbers: range) -> Iterator[Wish]:
    """An item more for each of these orders."""
    return (Wish("AddOrderItem", order(number), _ADD) for number in numbers)


def history(orders: range, still_open: int = OPEN_ORDERS) -> Iterator[Wish]:
    """Orders created one after the other, each extended and shipped while others come."""
    gap = min(still_open, max(1, len(orders) // EVENTS_PER_ORDER))
    for number in range(orders.start, orders.stop + 2 * gap):
        if number in orders:
            yield _create(number)
        if number - gap in orders:
            yield from extended(range(number - gap, number - gap + 1))
        if number - 2 * gap in orders:
            yield Wish("ShipOrder", order(number - 2 * gap), _SHIP)


def order(number: int) -> str:
    """The aggregate id of one order."""
    return f"order-{number}"


def packets(keys: Sequence[str], wishes: Iterable[Wish], unix_ms: int) -> Iterator[Packet]:
    """Writes that add commands, each to the stream of its partition: ``keys`` in their order."""
    waiting = iter(wishes)
    while some := list(islice(waiting, PER_WRITE)):
        adds = (
            packed(
                b"XADD", keys[partition_of(wish.order, len(keys))].encode(), b"*",
                *wish.entry(unix_ms),
            )
            for wish in some
        )  # fmt: skip
        yield b"".join(adds), len(some)


def _create(number: int) -> Wish:
    return Wish("CreateOrder", order(number), _CREATE % (number % _CUSTOMERS))
