"""The rules of products: never below nothing, and exactly what was held comes back."""

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st
from pydantic import ValidationError

from engine import Command, Event, Rejected
from engine.testing import given
from handlers.products import (
    InsufficientInventory,
    ProductStocked,
    ReleaseStock,
    ReserveStock,
    ShipStock,
    StockProduct,
    StockReleased,
    StockReserved,
    StockShipped,
    decider,
)

TEN = ProductStocked(10)
HELD = StockReserved("order-1", 7)


def reserve(quantity: int, order: str = "order-1") -> ReserveStock:
    return ReserveStock(order_id=order, quantity=quantity)


def test_what_is_stocked_adds_up() -> None:
    given(decider, TEN).when(StockProduct(quantity=5)).then(ProductStocked(5))
    given(decider, TEN, ProductStocked(5)).when(reserve(15)).then(StockReserved("order-1", 15))


def test_what_is_known_to_be_out_of_stock_is_stock_kept() -> None:
    none = given(decider).when(StockProduct(quantity=0)).then(ProductStocked(0))
    given(decider, *none.events).when(reserve(1)).then_rejected("insufficient_inventory")


def test_a_quantity_may_come_as_text_from_a_command_line() -> None:
    assert StockProduct.model_validate_json('{"quantity": "5"}').quantity == 5
    for wrong in ("-1", "true", "1.5", "1000001"):
        with pytest.raises(ValidationError):
            StockProduct.model_validate_json(f'{{"quantity": {wrong}}}')


def test_what_is_there_can_be_held_to_the_last() -> None:
    given(decider, TEN).when(reserve(10)).then(StockReserved("order-1", 10))


def test_who_wants_more_is_told_how_many_are_left() -> None:
    no = (
        given(decider, TEN, HELD)
        .when(reserve(4, "order-2"))
        .then_rejected("insufficient_inventory")
    )
    assert isinstance(no, InsufficientInventory)
    assert no.left == 3
    assert no.message == "3 of this product are left, 4 were asked for"


def test_an_order_holds_once_however_often_it_asks() -> None:
    given(decider, TEN, HELD).when(reserve(7)).then()
    given(decider, TEN, HELD).when(reserve(99)).then()


@pytest.mark.parametrize(
    ("command", "event"),
    [
        (ReleaseStock(order_id="order-1"), StockReleased("order-1", 7)),
        (ShipStock(order_id="order-1"), StockShipped("order-1", 7)),
    ],
)
def test_exactly_what_is_held_is_given_back_or_sent_once(command: Command, event: Event) -> None:
    given(decider, TEN, HELD).when(command).then(event)
    given(decider, TEN, HELD, event).when(command).then()
    given(decider, TEN).when(command).then()


def test_what_was_released_can_be_held_again_and_what_was_shipped_cannot() -> None:
    released, shipped = StockReleased("order-1", 7), StockShipped("order-1", 7)
    given(decider, TEN, HELD, released).when(reserve(10, "order-2")).then(
        StockReserved("order-2", 10)
    )
    no = given(decider, TEN, HELD, shipped).when(reserve(10, "order-2"))
    assert no.then_rejected("insufficient_inventory").message.startswith("3 of")


def test_of_what_was_never_stocked_there_is_always_enough() -> None:
    nothing = StockReserved("order-1", 0)
    given(decider).when(reserve(999)).then(nothing)
    given(decider, nothing).when(ShipStock(order_id="order-1")).then(StockShipped("order-1", 0))
    given(decider, nothing, TEN).when(reserve(10, "order-2")).then(StockReserved("order-2", 10))


@pytest.mark.parametrize("order", ["customer-1", "order-", "order-a b", "order-a/b", "order-ä"])
def test_it_is_held_for_an_order_whose_id_can_be_one(order: str) -> None:
    with pytest.raises(ValidationError):
        reserve(1, order)


orders = st.integers(1, 4).map("order-{}".format)
commands = st.one_of(
    st.builds(StockProduct, quantity=st.integers(1, 9)),
    st.builds(ReserveStock, order_id=orders, quantity=st.integers(1, 9)),
    st.builds(ReleaseStock, order_id=orders),
    st.builds(ShipStock, order_id=orders),
)


@forall(st.lists(commands, max_size=40))
def test_total_is_what_was_stocked_less_what_was_shipped(wishes: list[Command]) -> None:
    state, total = decider.initial, 0
    by_type = {StockProduct: 0, ReserveStock: 1, ReleaseStock: 2, ShipStock: 3}
    for wish in wishes:
        try:
            event = decider.decide[by_type[type(wish)]](wish, state)
        except Rejected:
            continue
        if event is not None:
            state = decider.evolve(state, event)
        match event:
            case ProductStocked(quantity):
                total += quantity
            case StockShipped(_, quantity):
                total -= quantity
        held = sum(state.held.values())
        assert (state.left or 0) >= 0
        assert all(quantity >= 0 for quantity in state.held.values())
        assert (state.left or 0) + held == total
