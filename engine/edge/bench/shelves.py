"""Orders over shelves that are full, and some over shelves that hold too little: what must follow.

Every order has three lines. Of twenty orders one after the other, the last two want the same single
piece as well as what there is plenty of: exactly one of them can have it, whichever comes first.
So how many orders get through is known beforehand, and what is left of each product follows from
which they are.
"""

from collections import Counter, defaultdict
from collections.abc import Container, Iterator

import msgspec

from engine.core.records import LoggedEvent
from engine.edge.bench.workload import Wish, order

_PLENTY = 1000
"""Products that there is enough of; each is held for as many orders as in a shop."""

_UNITS = 1_000_000
_LINES = 3
_ROUND = 20
"""Orders of which the last two want the same piece: a tenth of all may fail, half of these do."""

_SHIPPED_EVERY = 10
"""The first of so many orders is shipped in the end: it never wants what is scarce."""

_CREATE = (
    b'{"customer_id":"c-%d","items":[%s],"shipping_address":{"street":"59 rue de l\'Abbaye",'
    b'"city":"Reims","postal_code":"51100","country":"France"}}'
)
_ITEM = b'{"product_id":"%s","quantity":%d,"unit_price":"12.50"}'
_CUSTOMERS = 1000

CONFIRMED, CANCELLED, SHIPPED = "OrderConfirmed", "OrderCancelled", "OrderShipped"
_THROUGH = (CONFIRMED, SHIPPED)


class _Moved(msgspec.Struct):
    """What events of a product say; only stocking is for no order."""

    quantity: int
    order_id: str = ""


def lines(number: int) -> dict[str, int]:
    """What an order wants: units by product."""
    wanted = {f"p-{(number * _LINES + n) % _PLENTY}": n + 1 for n in range(_LINES)}
    if number % _ROUND >= _ROUND - 2:
        wanted.popitem()
        wanted[_piece(number)] = 1
    return wanted


def stocking(orders: range) -> Iterator[Wish]:
    """Fill the shelves."""
    for product, units in stocked(orders).items():
        yield Wish("StockProduct", f"product-{product}", b'{"quantity":%d}' % units)


def stocked(orders: range) -> dict[str, int]:
    """Units of each product that is wanted, as they were stocked."""
    products = {product for number in orders for product in lines(number)}
    return {product: _UNITS if product.startswith("p-") else 1 for product in sorted(products)}


def ordering(orders: range) -> Iterator[Wish]:
    """Create the orders."""
    for number in orders:
        items = b",".join(_ITEM % (each.encode(), n) for each, n in lines(number).items())
        yield Wish("CreateOrder", order(number), _CREATE % (number % _CUSTOMERS, items))


def shipping(orders: range) -> Iterator[Wish]:
    """Ship some of them."""
    for number in orders:
        if number % _SHIPPED_EVERY == 0:
            yield Wish("ShipOrder", order(number), b"{}")


def getting_through(orders: range) -> int:
    """How many orders can be confirmed: all but one for each piece that two of them want."""
    wanting = Counter(_piece(number) for number in orders if _piece(number) in lines(number))
    return len(orders) - sum(count - 1 for count in wanting.values())


def _piece(number: int) -> str:
    return f"s-{number // _ROUND}"


class Books:
    """What became of orders and stock, by the events; whatever cannot be is a fault."""

    def __init__(self) -> None:
        self.orders: dict[str, str] = {}
        self.stocked, self.shipped = Counter[str](), Counter[str]()
        self.held: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self.faults: list[str] = []

    def take(self, event: LoggedEvent) -> None:
        """An event, behind those before it of its aggregate."""
        kind, _, key = event.aggregate.partition("-")
        if kind == "order" and event.type.startswith("Order"):
            self.orders[event.aggregate] = event.type
        elif kind == "product" and event.version:
            self._move(event.type, key, msgspec.json.decode(event.data, type=_Moved))

    def _move(self, how: str, product: str, moved: _Moved) -> None:
        held = self.held[product]
        if how == "ProductStocked":
            self.stocked[product] += moved.quantity
        elif how == "StockReserved":
            if moved.order_id in held:
                self.faults.append(f"{product} is held twice for {moved.order_id}")
            held[moved.order_id] = moved.quantity
            if self.left(product) < 0:
                self.faults.append(f"of {product} {self.left(product)} were left")
        else:
            if held.pop(moved.order_id, None) != moved.quantity:
                self.faults.append(f"{how} of {product}: that was not held for {moved.order_id}")
            if how == "StockShipped":
                self.shipped[product] += moved.quantity

    def left(self, product: str) -> int:
        """Stocked less shipped less held."""
        return self.stocked[product] - self.shipped[product] - self.reserved(product)

    def reserved(self, product: str) -> int:
        """Held for all orders together."""
        return sum(self.held[product].values())

    def sums(self, product: str) -> tuple[int, int, int, int]:
        """Stocked, shipped, reserved, and left."""
        shipped, reserved = self.shipped[product], self.reserved(product)
        return self.stocked[product], shipped, reserved, self.left(product)

    def count(self, *ends: str) -> int:
        """Orders whose last event is one of these."""
        return sum(end in ends for end in self.orders.values())

    def judge(self, orders: range) -> list[str]:
        """All faults: against what was stocked and ordered, with every order at its end."""
        through = {each for each, end in self.orders.items() if end in _THROUGH}
        pending = [each for each, end in self.orders.items() if end not in (*_THROUGH, CANCELLED)]
        faults = [*self.faults, *(f"{each} is neither confirmed nor cancelled" for each in pending)]
        if len(through) != getting_through(orders):
            can = getting_through(orders)
            faults.append(f"{len(through)} orders got through, and {can} could")
        return [*faults, *self._misheld(orders, through)]

    def _misheld(self, orders: range, through: Container[str]) -> Iterator[str]:
        """Products of which not exactly that is gone which orders that got through wanted."""
        gone = Counter[str]()
        for number in orders:
            if order(number) in through:
                gone.update(lines(number))
        for product, units in stocked(orders).items():
            if self.left(product) != units - gone[product]:
                yield f"of {product} {self.left(product)} are left, not {units - gone[product]}"
