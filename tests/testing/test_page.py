"""The page about testing is tried as it stands, but for what it leaves out, which is put in."""

import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import handlers
import projections
from engine import Command, Decider, Event, Rejection, Router, Send, TimerChange, send, set_timer
from engine.core.outcome import Status
from engine.testing import given
from handlers import orders as rules
from handlers.customers import CustomerRegistered
from handlers.inventory import FulfilmentSettings, Inventory
from handlers.orders import CreateOrder, Order, OrderCreated, OrderShipped, ShipOrder
from handlers.values import Address, OrderItem
from projections.customers import customers
from projections.orders import GetOrderById, get_order_by_id, orders
from tests.snippets import ROOT, blocks, run_python

PUT_IN = {
    "OrderCreated(…)": "created", "CreateOrder(…)": "create", "OrderPlaced(…)": "OrderPlaced()",
    "ReserveStock(…)": "ReserveStock()", "when(…)": "when(ShipOrder())",
    "[FakeAddresses()]": "stand_ins",
}  # fmt: skip


class PlaceOrder(Command):
    pass


class ExpireOrder(Command):
    pass


class CancelOrder(Command):
    reason: str


class ReserveStock(Command):
    pass


class OrderPlaced(Event):
    pass


def place(_command: PlaceOrder, _state: None) -> tuple[OrderPlaced, TimerChange]:
    return OrderPlaced(), set_timer("payment", ExpireOrder(), after=timedelta(days=14))


def expire(_command: ExpireOrder, _state: None) -> None:
    return None


def cancel(_command: CancelOrder, _state: None) -> None:
    return None


def reserve(_command: ReserveStock, _state: None) -> None:
    return None


def evolve(_state: None, _event: OrderPlaced) -> None:
    return None


def on_placed(_event: OrderPlaced) -> Send:
    return send("stock-7", ReserveStock())


def on_refused(rejection: Rejection) -> Send:
    return send(rejection.cause, CancelOrder(reason=rejection.code))


class Unlimited(Inventory):
    """As if nothing were stock-kept."""

    def __init__(self) -> None:
        """Ask nobody."""

    async def left(self, product_ids: Iterable[str]) -> Mapping[str, int]:  # noqa: ARG002
        """Nothing is counted."""
        return {}


PLACING = Decider(kind="order", initial=None, decide=[place, expire, cancel], evolve=evolve)
STOCK = Decider(kind="stock", initial=None, decide=[reserve], evolve=evolve)
ITEM = OrderItem("p-1", 1, Decimal("1.00"))
HOME = Address("1 Main", "Reims", "FR")
SHOP: dict[str, Any] = {
    "handlers": handlers, "projections": projections, "orders": orders,
    "customers": customers, "get_order_by_id": get_order_by_id, "GetOrderById": GetOrderById,
    "ShipOrder": ShipOrder, "OrderShipped": OrderShipped, "CustomerRegistered": CustomerRegistered,
    "stand_ins": [FulfilmentSettings(), Unlimited()],
    "timedelta": timedelta, "set_timer": set_timer,
    "create": CreateOrder(customer_id="c-1", items=(ITEM, ITEM), shipping_address=HOME),
    "created": OrderCreated("c-1", (ITEM, ITEM), HOME),
}  # fmt: skip
SHIPPING = Decider(kind="order", initial=Order(), decide=[rules.ship], evolve=rules.evolve)
SHIPPED = {**SHOP, "decider": SHIPPING}
PLACED: dict[str, Any] = {
    **SHOP, "decider": PLACING, "PlaceOrder": PlaceOrder, "OrderPlaced": OrderPlaced,
    "ExpireOrder": ExpireOrder, "CancelOrder": CancelOrder, "ReserveStock": ReserveStock,
    "send": send, "Rejection": Rejection, "Status": Status,
    "fulfilment": Router(name="fulfilment", routes=[on_placed, on_refused]),
    "handlers": type("handlers", (), {"deciders": [PLACING, STOCK]}),
}  # fmt: skip


def _page() -> list[str]:
    return [_whole(block) for block in blocks("docs/testing.md", "python")]


def _whole(block: str) -> str:
    for left_out, put_in in PUT_IN.items():
        block = block.replace(left_out, put_in)
    return block


def test_each_block_does_what_it_says() -> None:
    *plain, _whole_engine, _fixtures, _test = _page()
    for block, names in zip(plain, (SHIPPED, PLACED, PLACED, SHOP), strict=True):
        exec(block, {"given": given, **names})  # noqa: S102 -- our own documents


async def test_its_engine_is_one() -> None:
    *_, engine, _fixtures, _test = _page()
    await run_python(engine, {**SHOP}, "")


def test_its_fixtures_are_pytests(tmp_path: Path) -> None:
    *_, fixtures, test = _page()
    (tmp_path / "conftest.py").write_text(
        f"from tests.testing.test_page import SHOP\nstand_ins = SHOP['stand_ins']\n{fixtures}"
    )
    names = "from tests.testing.test_page import SHOP\nimport pytest\nglobals().update(SHOP)\n"
    (tmp_path / "test_it.py").write_text(names + test)
    words = [
        "-q",
        "-p",
        "no:valkey",
        "-p",
        "no:cacheprovider",
        f"--rootdir={tmp_path}",
        str(tmp_path),
    ]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in ran.stdout, ran.stdout
