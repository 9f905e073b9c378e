"""Northwind with its products' stock: which orders there is stock for, one after the other."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

import handlers
import projections
from engine import testing
from handlers.inventory import FulfilmentSettings, Inventory
from handlers.orders import OrderStatus
from projections.orders import orders
from projections.stock import stock
from tests import northwind

pytestmark = pytest.mark.timeout(240)


THROUGH = 95


class Blind(Inventory):
    """An inventory that shows nothing: then the products must say no."""

    def __init__(self) -> None:
        """There is nothing to ask."""

    async def left(self, _product_ids: Iterable[str]) -> Mapping[str, int]:
        return {}


def creations() -> list[dict[str, Any]]:
    """The orders by their ids."""
    created = [line for line in northwind.commands() if line["type"] == "CreateOrder"]
    return sorted(created, key=lambda line: int(line["aggregate"].removeprefix("order-")))


def test_so_many_orders_there_is_stock_for() -> None:
    through, left = northwind.let_through()
    assert len(through) == THROUGH
    assert min(left.values()) >= 0


@pytest.mark.parametrize(("how", "count"), [("told at once", 830), ("refused later", 100)])
async def test_as_many_orders_are_confirmed(how: str, count: int) -> None:
    through, left = northwind.let_through(count)
    is_blind = how == "refused later"
    shop: dict[str, Any] = {"service_settings": {"fulfilment": {"enabled": True}}}
    if is_blind:
        shop = {"services": [FulfilmentSettings(enabled=True), Blind()]}
    async with testing.engine(handlers, projections, **shop) as semel:
        for line in northwind.stock():
            await submit(semel, line)
        await semel.settled()
        for line in creations()[:count]:
            await submit(semel, line)
            await semel.settled()
        by_status: dict[OrderStatus, set[str]] = {status: set() for status in OrderStatus}
        for order, row in semel.rows(orders).items():
            by_status[row.status].add(order)
        assert by_status[OrderStatus.CONFIRMED] == through
        assert len(by_status[OrderStatus.CANCELLED]) == (count - len(through) if is_blind else 0)
        rows = semel.rows(stock)
        assert {
            id.removeprefix("product-"): row.stocked - row.shipped - row.reserved
            for id, row in rows.items()
        } == left
        for order in through:
            await submit(semel, {"type": "ShipOrder", "aggregate": order, "data": {}})
        await semel.settled()
        in_the_house = {
            id.removeprefix("product-"): row.stocked - row.shipped
            for id, row in semel.rows(stock).items()
            if row.reserved == 0
        }
        assert in_the_house == left


async def submit(semel: testing.Semel, line: dict[str, Any]) -> None:
    data = json.dumps(line["data"]).encode()
    await semel.client.commands.submit(line["type"], line["aggregate"], data, id=line.get("id"))
