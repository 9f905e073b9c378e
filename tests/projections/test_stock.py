"""The read model ``stock`` and its query."""

import pytest

from engine import Event, NotFound
from engine.testing import Happened, ReadModels
from handlers.products import ProductStocked, StockReleased, StockReserved, StockShipped
from projections.stock import GetStock, GetStockList, StockView, get_stock, get_stock_list, stock


def shown(*events: Event) -> StockView:
    """What is shown of a product after these events."""
    history = [Happened("product-p-1", event) for event in events]
    return ReadModels(stock).after(*history).ask(get_stock, GetStock(product_id="p-1"))


def test_total_is_stocked_less_shipped_and_what_is_left_can_be_reserved() -> None:
    view = shown(
        ProductStocked(10), StockReserved("order-1", 4), StockReserved("order-2", 3),
        StockShipped("order-1", 4), ProductStocked(1), StockReserved("order-3", 2),
        StockReleased("order-2", 3),
    )  # fmt: skip
    assert view == StockView(id="product-p-1", stocked=11, shipped=4, total=7, reserved=2, left=5)


def test_a_product_that_is_out_of_stock_is_shown() -> None:
    assert shown(ProductStocked(0)).left == 0


def test_a_product_that_is_not_stock_kept_is_not_shown() -> None:
    with pytest.raises(NotFound, match="product-p-1"):
        shown(
            StockReserved("order-1", 0), StockReserved("order-2", 0),
            StockShipped("order-1", 0), StockReleased("order-2", 0),
        )  # fmt: skip


def test_several_are_shown_at_once_without_those_that_are_not_stock_kept() -> None:
    history = [Happened(f"product-p-{n}", ProductStocked(n)) for n in (1, 3)]
    asked = GetStockList(product_ids=("p-3", "p-2", "p-1"))
    shown = ReadModels(stock).after(*history).ask(get_stock_list, asked)
    assert [(each.id, each.left) for each in shown.products] == [
        ("product-p-3", 3),
        ("product-p-1", 1),
    ]
