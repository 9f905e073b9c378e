"""What clients want: commands on a few aggregates that all of them fight over.

The same seed and name make the same commands in the same order. Some come before what they
build on, some are wrong, many meet another client's: all that is the engine's to settle.
"""

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple

from tests.faults.shop import FULFILLED

_ORDERS = 12
"""Orders in play at a time: few, so that several clients' commands for one are in one batch."""

_PER_ORDER = 12
"""Of a client's commands, this many later the next order comes into play."""

_CUSTOMERS = 6

_ACCOUNTS = 6
"""So few that transfers meet at each, and that some of them want more than there is."""

_SUM, _FORTUNE = 20, 1_000_000
"""What a transfer is of at the most, and now and then: what no account has. For money comes in and
stays, so that after a while nothing else would be refused."""

_PER_TRANSFER = 4
"""As of orders: so each is begun by two or three clients, and extended by one."""

_PATIENCE_DIGITS = (1.3, 3.5)
"""Patience is as often 20 to 200 ms, hardly ever enough, as 300 to 3000, enough for some faults."""

_PRODUCTS, _UNITS = 3, 1
"""So few, and so little of each at a time, that orders want more than comes, however long."""

_PER_FULFILLED = 25
"""As of orders: so each is created by one client, and ended by one or none."""

_FULFILLED = {"Fulfil": "CreateOrder", "Send": "ShipOrder", "GiveUp": "CancelOrder"}
"""What is wished of an order that is fulfilled, and the command for it."""

_SHUFFLED = 6
"""How many commands are at hand to choose the next one from: so much is out of order."""

_CITIES = (("Reims", "FR"), ("Göteborg", "SE"), ("Cork", "IE"))


class Wish(NamedTuple):
    """A command as a client wants it; ``data`` and ``meta`` are JSON."""

    type: str
    aggregate: str
    data: str
    meta: str


class Workload:
    """An endless stream of wishes."""

    def __init__(self, seed: int, name: str) -> None:
        self._random = Random(f"{seed} {name}")
        self._run = f"{seed}"
        self._made = 0

    def __iter__(self) -> Iterator[Wish]:
        """Each a little out of order."""
        hand: list[Wish] = []
        while True:
            hand.append(self._next())
            if len(hand) == _SHUFFLED:
                yield hand.pop(self._random.randrange(_SHUFFLED))

    def _next(self) -> Wish:
        self._made += 1
        order = f"order-{self._run}-{self._made // _PER_ORDER + self._random.randrange(_ORDERS)}"
        customer = f"customer-{self._run}-{self._random.randrange(_CUSTOMERS)}"
        transfer = (
            f"transfer-{self._run}-{self._made // _PER_TRANSFER + self._random.randrange(12)}"
        )
        kinds = {
            "CreateOrder": 22, "AddOrderItem": 45, "UpdateShippingAddress": 12, "ShipOrder": 2,
            "CancelOrder": 1, "RegisterCustomer": 3, "RenameCustomer": 10, "NoSuchCommand": 2,
            "Deposit": 5, "Begin": 20, "Extend": 12,
            "Fulfil": 14, "Send": 4, "GiveUp": 2, "StockProduct": 6,
        }  # fmt: skip
        [kind] = self._random.choices(list(kinds), list(kinds.values()))
        whose = {
            "Deposit": self._account(), "Begin": transfer, "Extend": transfer,
            "StockProduct": f"product-{self._product()}",
            **dict.fromkeys(_FULFILLED, self._fulfilled()),
        }  # fmt: skip
        aggregate = customer if kind.endswith("Customer") else whose.get(kind, order)
        expect = self._random.randrange(4) if self._chance(0.05) else None
        meta = "" if expect is None else json.dumps({"expect": expect})
        return Wish(_FULFILLED.get(kind, kind), aggregate, json.dumps(self._data(kind)), meta)

    def _data(self, kind: str) -> dict[str, Any]:
        match kind:
            case "CreateOrder":
                return self._order(f"{self._run}-", self._item)
            case "Fulfil":
                return self._order(FULFILLED, self._stocked_item)
            case "AddOrderItem":
                return self._item()
            case "UpdateShippingAddress":
                return {"shipping_address": self._address()}
            case "CancelOrder" | "GiveUp":
                return {"reason": "second thoughts"}
        return self._other(kind)

    def _other(self, kind: str) -> dict[str, Any]:
        match kind:
            case "RegisterCustomer" | "RenameCustomer":
                return {"name": f"name {self._random.randrange(1000)}"}
            case "Deposit":
                return {"amount": self._random.randint(1, 60)}
            case "Begin":
                return {
                    "source": self._account(), "target": self._account(),
                    "amount": _FORTUNE if self._chance(0.08) else self._random.randint(1, _SUM),
                    **self._other("Extend"),
                }  # fmt: skip
            case "StockProduct":
                return {"quantity": self._random.randint(0, _UNITS)}
            case "Extend":
                return {"patience_ms": int(10 ** self._random.uniform(*_PATIENCE_DIGITS))}
        return {}

    def _order(self, customers: str, item: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        return {
            "customer_id": f"{customers}{self._random.randrange(_CUSTOMERS)}",
            "items": [item() for _ in range(self._random.randint(1, 3))],
            "shipping_address": self._address(),
        }

    def _account(self) -> str:
        return f"account-{self._run}-{self._random.randrange(_ACCOUNTS)}"

    def _product(self) -> str:
        return f"{self._run}-{self._random.randrange(_PRODUCTS)}"

    def _fulfilled(self) -> str:
        number = self._made // _PER_FULFILLED + self._random.randrange(_ORDERS)
        return f"order-{self._run}-{FULFILLED}{number}"

    def _stocked_item(self) -> dict[str, Any]:
        """The same product may come twice."""
        quantity = self._random.randint(1, 3)
        return {"product_id": self._product(), "quantity": quantity, "unit_price": "1.00"}

    def _item(self) -> dict[str, Any]:
        """An item; one in thirty has a quantity that no order takes."""
        return {
            "product_id": f"p-{self._random.randrange(20)}",
            "quantity": 0 if self._chance(0.03) else self._random.randint(1, 5),
            "unit_price": f"{self._random.randint(1, 9999) / 100:.2f}",
        }

    def _address(self) -> dict[str, Any]:
        city, country = self._random.choice(_CITIES)
        street = f"{self._random.randint(1, 99)} Main"
        return {"street": street, "city": city, "postal_code": "1", "country": country}

    def _chance(self, of: float) -> bool:
        return self._random.random() < of
