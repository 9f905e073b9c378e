"""Orders over shelves that hold too little, and the books that say whether all came out right."""

from collections.abc import Iterator

import msgspec
import pytest

from engine.core.records import LoggedEvent
from engine.edge.bench import shelves
from engine.edge.bench.shelves import Books
from engine.edge.bench.workload import order

ORDERS = range(40)


def event(aggregate: str, type: str, **data: object) -> LoggedEvent:
    return LoggedEvent(1, aggregate, 1, type, msgspec.json.encode(data), b"{}")


def shop(loser: int = 19, orders: range = ORDERS) -> Iterator[LoggedEvent]:
    """All orders get through, but for the last of each twenty; the first of ten is shipped."""
    for product, units in shelves.stocked(orders).items():
        yield event(f"product-{product}", "ProductStocked", quantity=units)
    for number in orders:
        name, wanted = order(number), shelves.lines(number)
        loses = number % 20 == loser
        moves = [("StockReserved", "OrderCreated")]
        moves += [("StockReleased", "OrderCancelled")] if loses else [("", "OrderConfirmed")]
        moves += [("StockShipped", "OrderShipped")] if number % 10 == 0 else []
        for how, end in moves:
            yield event(name, end)
            for product, units in wanted.items():
                if how and not (loses and product.startswith("s-")):
                    yield event(f"product-{product}", how, order_id=name, quantity=units)


def judged(events: Iterator[LoggedEvent] | list[LoggedEvent], orders: range = ORDERS) -> list[str]:
    books = Books()
    for each in events:
        books.take(each)
    return books.judge(orders)


@pytest.mark.parametrize("loser", [18, 19])
def test_whichever_of_two_gets_the_piece_all_is_right(loser: int) -> None:
    assert judged(shop(loser)) == []


@pytest.mark.parametrize("orders", [range(19), range(20), range(39), range(1000)])
def test_every_order_has_three_lines_and_one_of_two_the_piece(orders: range) -> None:
    assert {len(shelves.lines(number)) for number in orders} == {3}
    assert shelves.getting_through(orders) == len(orders) - len(orders) // 20
    wanted = {product for number in orders for product in shelves.lines(number)}
    assert shelves.stocked(orders).keys() == wanted


def test_sums_are_stocked_shipped_reserved_and_left() -> None:
    books = Books()
    for each in shop():
        books.take(each)
    assert books.sums("s-0") == (1, 0, 1, 0)
    assert books.sums("p-0") == (1_000_000, 1, 0, 999_999), "the first order was shipped"
    assert books.sums("p-3") == (1_000_000, 0, 1, 999_999)


@pytest.mark.parametrize(
    ("extra", "fault"),
    [
        (event("product-p-3", "StockReserved", order_id="order-1", quantity=1), "held twice"),
        (event("product-s-0", "StockReserved", order_id="order-2", quantity=1), "-1 were left"),
        (event("product-p-3", "StockReleased", order_id="order-1", quantity=2), "was not held"),
        (event("product-p-3", "StockReleased", order_id="order-9", quantity=1), "was not held"),
        (event("product-p-3", "StockReleased", order_id="order-1", quantity=1), "are left, not"),
        (event("product-p-3", "StockReserved", order_id="order-99", quantity=1), "are left, not"),
        (event("order-3", "OrderCreated"), "order-3 is neither confirmed nor cancelled"),
        (event("order-3", "OrderCancelled"), "37 orders got through, and 38 could"),
        (event("order-19", "OrderConfirmed"), "39 orders got through, and 38 could"),
    ],
)
def test_what_cannot_be_is_a_fault(extra: LoggedEvent, fault: str) -> None:
    assert any(fault in each for each in judged([*shop(), extra]))
