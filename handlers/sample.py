"""Made-up input: a busy shop, as commands in the shape of ``semel submit --from``.

The same seed makes the same commands with the same ids, and a greater count only goes on
where a smaller one ended. So a stream that was broken off can be sent again from its
beginning, or made longer. Another seed makes other customers and other orders.
"""

from collections import deque
from collections.abc import Iterator
from itertools import count as numbers
from random import Random
from typing import Any

_FIRST = ("Ada", "Alan", "Barbara", "Donald", "Edsger", "Frances", "Grace", "Leslie", "Niklaus")
_LAST = ("Allen", "Dijkstra", "Hopper", "Knuth", "Lamport", "Liskov", "Lovelace", "Turing", "Wirth")
_STREETS = ("Main Street", "Mill Lane", "Rue de Vesle", "Bahnhofstrasse", "Kungsgatan")
_PLACES = (
    ("Reims", "51100", "FR"),
    ("Zürich", "8001", "CH"),
    ("Göteborg", "411 19", "SE"),
    ("Cambridge", "CB2 1TN", "GB"),
    ("Cork", "", "IE"),
)
_PRICES = ("4.10", "9.95", "12.50", "24.00", "34.80", "129.00")
_PRODUCTS = 40
_NEW_CUSTOMERS = 5
_NEW_CUSTOMERS_EVERY = 50
"""Some customers come at once, and as many more after so many orders."""
_OPEN_ORDERS = 20
"""How many orders stay open before the oldest comes to its end."""


def sample_orders(count: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    """The commands of so many orders: ``{"type", "aggregate", "data", "id"}`` each.

    Customers are registered before they order. Most orders are shipped some time after they
    were created; some grow by an item, some go elsewhere, some are cancelled, and the last
    few stay open. Now and then a customer takes another name.
    """
    return _Shop(Random(seed), seed).run(count)  # noqa: S311  nothing here is a secret


class _Shop:
    def __init__(self, random: Random, seed: int) -> None:
        self._random = random
        self._seed = seed
        self._ids = numbers(1)
        self._customers: list[str] = []

    def run(self, count: int) -> Iterator[dict[str, Any]]:
        open_orders: deque[str] = deque()
        for n in range(count):
            if n % _NEW_CUSTOMERS_EVERY == 0:
                yield from self._register()
            order = f"order-{self._seed}-{n + 1}"
            yield self._create(order)
            yield from self._change(order)
            open_orders.append(order)
            if len(open_orders) > _OPEN_ORDERS:
                yield self._end(open_orders.popleft())
            if self._chance(0.02):
                yield self._rename()

    def _register(self) -> Iterator[dict[str, Any]]:
        for _ in range(_NEW_CUSTOMERS):
            customer = f"c-{self._seed}-{len(self._customers) + 1}"
            self._customers.append(customer)
            yield self._command("RegisterCustomer", f"customer-{customer}", name=self._name())

    def _rename(self) -> dict[str, Any]:
        customer = self._random.choice(self._customers)
        return self._command("RenameCustomer", f"customer-{customer}", name=self._name())

    def _create(self, order: str) -> dict[str, Any]:
        customer = self._random.choice(self._customers)
        items = [self._item() for _ in range(self._random.randint(1, 4))]
        address = self._address()
        data = {"customer_id": customer, "items": items, "shipping_address": address}
        return self._command("CreateOrder", order, **data)

    def _change(self, order: str) -> Iterator[dict[str, Any]]:
        if self._chance(0.15):
            yield self._command("AddOrderItem", order, **self._item())
        if self._chance(0.05):
            address = self._address()
            yield self._command("UpdateShippingAddress", order, shipping_address=address)

    def _end(self, order: str) -> dict[str, Any]:
        if self._chance(0.08):
            return self._command("CancelOrder", order, reason="the customer changed their mind")
        return self._command("ShipOrder", order)

    def _item(self) -> dict[str, Any]:
        return {
            "product_id": f"p-{self._random.randint(1, _PRODUCTS)}",
            "quantity": self._random.randint(1, 5),
            "unit_price": self._random.choice(_PRICES),
        }

    def _address(self) -> dict[str, Any]:
        city, postal_code, country = self._random.choice(_PLACES)
        street = f"{self._random.randint(1, 120)} {self._random.choice(_STREETS)}"
        return {"street": street, "city": city, "postal_code": postal_code, "country": country}

    def _name(self) -> str:
        return f"{self._random.choice(_FIRST)} {self._random.choice(_LAST)}"

    def _chance(self, of: float) -> bool:
        return self._random.random() < of

    def _command(self, kind: str, aggregate: str, **data: object) -> dict[str, Any]:
        command_id = f"sample-{self._seed}-{next(self._ids)}"
        return {"type": kind, "aggregate": aggregate, "data": data, "id": command_id}
