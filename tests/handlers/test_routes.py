"""Fulfilment as a whole, in memory: products, orders and the process manager between them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import handlers
import projections
from engine import Event, testing
from engine.core.outcome import Status
from handlers import products
from handlers.fulfilment import FulfilmentConfirmed, FulfilmentFailed, ReservationsReleased
from handlers.orders import CancelOrder, CreateOrder, OrderStatus, ShipOrder
from handlers.products import Product, ReserveStock, StockProduct
from handlers.values import Address
from projections.orders import orders
from projections.stock import StockRow, stock

REIMS = Address("1 Main", "Reims", "FR", "51100")


class Shop:
    """A shop in memory, with fulfilment, and the stock that it began with."""

    def __init__(self, semel: testing.Semel) -> None:
        self.semel = semel

    async def stock(self, **quantities: int) -> None:
        for product, quantity in quantities.items():
            await self.semel.submit(StockProduct(quantity=quantity), aggregate=f"product-{product}")
        await self.semel.settled()

    async def order(self, id: str, *units: tuple[str, int]) -> Status:
        items: Any = [
            {"product_id": product, "quantity": quantity, "unit_price": "1.00"}
            for product, quantity in units
        ]
        command = CreateOrder(customer_id="c-1", items=items, shipping_address=REIMS)
        return (await self.semel.submit(command, aggregate=id)).status

    async def ship(self, id: str) -> Status:
        return (await self.semel.submit(ShipOrder(), aggregate=id)).status

    async def cancel(self, id: str) -> Status:
        command = CancelOrder(reason="changed my mind")
        return (await self.semel.submit(command, aggregate=id)).status

    async def status(self, id: str) -> OrderStatus:
        await self.semel.settled()
        return self.semel.rows(orders)[id].status

    def sums(self, product: str) -> tuple[int, int, int]:
        """Stocked, shipped, reserved."""
        row: StockRow = self.semel.rows(stock)[f"product-{product}"]
        return row.stocked, row.shipped, row.reserved

    def happened(self, id: str) -> list[Event]:
        return self.semel.events(id)


@asynccontextmanager
async def shop(package: object = handlers, *, enabled: bool = True) -> AsyncIterator[Shop]:
    tables = {"fulfilment": {"enabled": enabled, "confirm_seconds": 60}}
    async with testing.engine(package, projections, service_settings=tables) as semel:
        yield Shop(semel)


async def test_an_order_is_confirmed_shipped_and_gone_from_the_stock() -> None:
    async with shop() as s:
        await s.stock(tea=10, cups=3)
        assert await s.order("order-1", ("tea", 2), ("cups", 3), ("tea", 1)) == "accepted"
        assert await s.status("order-1") is OrderStatus.CONFIRMED
        assert (s.sums("tea"), s.sums("cups")) == ((10, 0, 3), (3, 0, 3))
        assert await s.ship("order-1") == "accepted"
        assert await s.status("order-1") is OrderStatus.SHIPPED
        assert (s.sums("tea"), s.sums("cups")) == ((10, 3, 0), (3, 3, 0))


async def test_an_order_that_is_cancelled_gives_everything_back() -> None:
    async with shop() as s:
        await s.stock(tea=10)
        await s.order("order-1", ("tea", 2))
        assert await s.status("order-1") is OrderStatus.CONFIRMED
        assert await s.cancel("order-1") == "accepted"
        assert await s.status("order-1") is OrderStatus.CANCELLED
        assert s.sums("tea") == (10, 0, 0)


async def test_where_one_product_fails_the_others_are_released_and_the_order_cancelled() -> None:
    async with shop() as s:
        await s.stock(tea=10, cups=3)
        # Both see enough: the courtesy of the view is no promise.
        assert await s.order("order-1", ("tea", 1), ("cups", 2)) == "accepted"
        assert await s.order("order-2", ("tea", 1), ("cups", 2)) == "accepted"
        ended = {await s.status("order-1"), await s.status("order-2")}
        assert ended == {OrderStatus.CONFIRMED, OrderStatus.CANCELLED}
        assert (s.sums("tea"), s.sums("cups")) == ((10, 0, 1), (3, 0, 2))
        (no,) = (
            event for n in (1, 2) for event in s.happened(f"fulfilment-{n}")
            if isinstance(event, FulfilmentFailed)
        )  # fmt: skip
        assert no.reason.startswith("cups cannot be reserved: 1 of this product are left")


async def test_what_is_plainly_out_of_stock_is_not_ordered_at_all() -> None:
    async with shop() as s:
        await s.stock(cups=3)
        assert await s.order("order-1", ("cups", 4)) == "rejected"
        assert await s.order("order-2", ("sugar", 999)) == "accepted"  # not stock-kept
        assert await s.status("order-2") is OrderStatus.CONFIRMED
        assert "product-sugar" not in s.semel.rows(stock)


async def test_whoever_ends_an_order_before_it_is_confirmed_leaves_nothing_reserved() -> None:
    async with shop() as s:
        await s.stock(tea=100)
        for n in range(10):
            await s.order(f"order-{n}", ("tea", 2), ("cups", 1))
            await (s.ship(f"order-{n}") if n % 2 else s.cancel(f"order-{n}"))
        await s.semel.settled()
        assert s.sums("tea") == (100, 10, 0)


def answer_few(command: ReserveStock, product: Product) -> Event | None:
    """A product that is silent where 13 are asked for."""
    return None if command.quantity == 13 else products.reserve(command, product)


async def test_an_order_that_is_not_confirmed_in_time_is_cancelled() -> None:
    rules: list[Any] = [products.stock, answer_few, products.release, products.ship]
    silent = replace(products.decider, decide=rules)
    others = [decider for decider in handlers.deciders if decider.kind != "product"]
    package = SimpleNamespace(**{**vars(handlers), "deciders": [*others, silent]})
    async with shop(package) as s:
        await s.stock(tea=10)
        await s.order("order-1", ("tea", 2), ("cups", 13))
        await s.semel.settled()
        assert s.sums("tea") == (10, 0, 2)
        s.semel.clock.advance(59)
        assert await s.status("order-1") is OrderStatus.CREATED
        s.semel.clock.advance(1)
        assert await s.status("order-1") is OrderStatus.CANCELLED
        assert s.sums("tea") == (10, 0, 0)
        assert FulfilmentFailed("it was not confirmed in time") in s.happened("fulfilment-1")
        assert isinstance(s.happened("fulfilment-1")[-1], ReservationsReleased)


async def test_a_confirmed_order_has_all_the_time_there_is() -> None:
    async with shop() as s:
        await s.order("order-1", ("tea", 2))
        assert await s.status("order-1") is OrderStatus.CONFIRMED
        assert s.happened("fulfilment-1")[-1] == FulfilmentConfirmed()
        s.semel.clock.advance(3600)
        assert await s.status("order-1") is OrderStatus.CONFIRMED


async def test_where_it_is_off_nobody_looks_at_stock() -> None:
    async with shop(enabled=False) as s:
        await s.stock(cups=3)
        assert await s.order("order-1", ("cups", 4)) == "accepted"
        assert await s.status("order-1") is OrderStatus.CREATED
        assert await s.ship("order-1") == "accepted"
        assert await s.status("order-1") is OrderStatus.SHIPPED
        assert s.sums("cups") == (3, 0, 0)
        assert s.happened("fulfilment-1") == []


async def test_an_order_whose_id_leaves_no_room_is_cancelled() -> None:
    async with shop() as s:
        for id in ("order-ä", f"order-{'x' * 190}"):
            assert await s.order(id, ("tea", 1)) == "accepted"
            assert await s.status(id) is OrderStatus.CANCELLED


async def test_what_is_reserved_by_hand_for_an_order_goes_with_it() -> None:
    async with shop() as s:
        await s.stock(tea=10)
        command = ReserveStock(order_id="order-1", quantity=4)
        await s.semel.submit(command, aggregate="product-tea")
        await s.semel.settled()
        await s.order("order-1", ("tea", 2))  # which is held already: nobody says that it is
        await s.semel.settled()
        s.semel.clock.advance(60)
        assert await s.status("order-1") is OrderStatus.CANCELLED
        assert s.sums("tea") == (10, 0, 0)
