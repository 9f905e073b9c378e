"""The rules of orders."""

import json
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st
from pydantic import ValidationError

from engine import Command, Event, testing
from handlers.orders import (
    ITEMS_LIMIT,
    AddOrderItem,
    CancelOrder,
    CreateOrder,
    OrderCancelled,
    OrderCreated,
    OrderItemAdded,
    OrderShipped,
    OrderStatus,
    ShipOrder,
    ShippingAddressUpdated,
    UpdateShippingAddress,
    decider,
)
from handlers.values import Address, OrderItem
from tests.shop import NO_FULFILMENT

given = partial(testing.given, services=NO_FULFILMENT)

REIMS = Address("1 Main", "Reims", "FR", "51100")
CORK = Address("8 Johnstown Road", "Cork", "Ireland")
TEA = OrderItem("p-1", 2, Decimal("12.50"))
CUPS = OrderItem("p-2", 3, Decimal("4.10"))

CREATE = CreateOrder(customer_id="c-1", items=(TEA, CUPS), shipping_address=REIMS)
ADD = AddOrderItem(product_id="p-2", quantity=3, unit_price=Decimal("4.10"))
MOVE = UpdateShippingAddress(shipping_address=CORK)
SHIP = ShipOrder()
CANCEL = CancelOrder(reason="changed my mind")

CREATED = OrderCreated("c-1", (TEA, CUPS), REIMS)
CHANGES: list[Command] = [ADD, MOVE, SHIP, CANCEL]


# -- Creating ---------------------------------------------------------------------------


def test_an_order_is_created_with_its_items() -> None:
    decided = given(decider).when(CREATE).then(CREATED)
    assert decided.state.status is OrderStatus.CREATED
    assert decided.state.item_count == 2


def test_an_order_comes_to_the_sum_of_its_items() -> None:
    assert TEA.amount == Decimal("25.00")
    assert str(CREATED.total_amount) == "37.30"


@pytest.mark.parametrize(
    "since",
    [[], [OrderShipped()], [OrderCancelled("no")]],
    ids=["open", "shipped", "cancelled"],
)
def test_an_order_is_created_once(since: list[Event]) -> None:
    given(decider, CREATED, *since).when(CREATE).then_rejected("order_exists")


def test_an_empty_order_cannot_be_created() -> None:
    empty = CreateOrder(customer_id="c-1", items=(), shipping_address=REIMS)
    given(decider).when(empty).then_rejected("order_empty")


# -- Changing ---------------------------------------------------------------------------


def test_an_item_is_added_and_names_the_customer_it_adds_to() -> None:
    decided = given(decider, CREATED).when(ADD).then(OrderItemAdded("c-1", CUPS))
    assert decided.state.item_count == 3


def test_an_order_can_be_full() -> None:
    full = OrderCreated("c-1", (TEA,) * (ITEMS_LIMIT - 1), REIMS)
    last = OrderItemAdded("c-1", CUPS)
    given(decider, full).when(ADD).then(last)
    no = given(decider, full, last).when(ADD).then_rejected("order_full")
    assert str(ITEMS_LIMIT) in no.message


def test_the_address_is_updated() -> None:
    decided = given(decider, CREATED).when(MOVE).then(ShippingAddressUpdated(CORK))
    assert decided.state.shipping_address == CORK


def test_the_same_address_is_accepted_and_changes_nothing() -> None:
    given(decider, CREATED, ShippingAddressUpdated(CORK)).when(MOVE).then()


def test_an_open_order_is_shipped() -> None:
    decided = given(decider, CREATED).when(SHIP).then(OrderShipped())
    assert decided.state.status is OrderStatus.SHIPPED


def test_an_open_order_is_cancelled_with_its_reason() -> None:
    decided = given(decider, CREATED).when(CANCEL).then(OrderCancelled("changed my mind"))
    assert decided.state.status is OrderStatus.CANCELLED


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: type(change).__name__)
@pytest.mark.parametrize(
    ("history", "code"),
    [
        ([], "order_unknown"),
        ([CREATED, OrderShipped()], "order_shipped"),
        ([CREATED, OrderCancelled("no")], "order_cancelled"),
    ],
    ids=["unknown", "shipped", "cancelled"],
)
def test_only_an_open_order_changes(history: list[Event], code: str, change: Command) -> None:
    given(decider, *history).when(change).then_rejected(code)


# -- What a command may hold ------------------------------------------------------------

SENT: dict[str, Any] = {
    "customer_id": "c-1",
    "items": [{"product_id": "p-1", "quantity": 2, "unit_price": "12.50"}],
    "shipping_address": {
        "street": "1 Main",
        "city": "Reims",
        "postal_code": "51100",
        "country": "FR",
    },
}


def faults_of(command: type[Command], sent: object) -> dict[tuple[Any, ...], str]:
    """What is wrong with a command as it was sent, by field."""
    with pytest.raises(ValidationError) as caught:
        command.model_validate_json(json.dumps(sent))
    return {fault["loc"]: fault["msg"] for fault in caught.value.errors()}


def item(**changed: object) -> dict[str, object]:
    """An item as it is sent."""
    return {"product_id": "p-1", "quantity": 2, "unit_price": "12.50"} | changed


def test_an_order_as_it_is_sent() -> None:
    command = CreateOrder.model_validate_json(json.dumps(SENT))
    assert command == CreateOrder(customer_id="c-1", items=(TEA,), shipping_address=REIMS)


@pytest.mark.parametrize("number", [12.5, 12, True, None])
def test_money_as_a_number_is_refused_with_a_sentence(number: object) -> None:
    faults = faults_of(AddOrderItem, item(unit_price=number))
    assert list(faults) == [("unit_price",)]
    assert 'money is a string such as "12.50"' in faults["unit_price",]


@pytest.mark.parametrize("text", ["-0.01", "1.234", "100000.00", "NaN", "Infinity", "ten", ""])
def test_money_has_two_places_and_limits(text: str) -> None:
    assert list(faults_of(AddOrderItem, item(unit_price=text))) == [("unit_price",)]


@pytest.mark.parametrize(
    ("text", "read"),
    [("0", "0.00"), ("-0", "0.00"), ("12.5", "12.50"), ("99999.99", "99999.99"), ("1e2", "100.00")],
)
def test_money_is_kept_in_cents(text: str, read: str) -> None:
    command = AddOrderItem.model_validate_json(json.dumps(item(unit_price=text)))
    assert str(command.unit_price) == read


def test_the_schema_tells_clients_what_to_send() -> None:
    fields = AddOrderItem.model_json_schema()["properties"]
    assert fields["unit_price"]["type"] == "string"
    assert (fields["quantity"]["minimum"], fields["quantity"]["maximum"]) == (1, 999)


@pytest.mark.parametrize("quantity", [0, -1, 1000, 1.5, True, "two", None])
def test_a_quantity_is_a_whole_number_from_1_to_999(quantity: object) -> None:
    assert list(faults_of(AddOrderItem, item(quantity=quantity))) == [("quantity",)]


@pytest.mark.parametrize("key", ["", "c 1", "c/1", "c{1}", "c\n", "ü", "c" * 101])
def test_a_key_can_be_part_of_an_id(key: str) -> None:
    assert list(faults_of(CreateOrder, SENT | {"customer_id": key})) == [("customer_id",)]
    assert list(faults_of(AddOrderItem, item(product_id=key))) == [("product_id",)]


def test_an_order_has_at_most_so_many_items() -> None:
    faults = faults_of(CreateOrder, SENT | {"items": [item()] * (ITEMS_LIMIT + 1)})
    assert list(faults) == [("items",)]


def test_every_wrong_field_is_named() -> None:
    address = {"street": " ", "town": "Reims", "postal_code": "5" * 21, "country": "x" * 201}
    sent = {"items": [item(), item(quantity=0, colour="red")], "shipping_address": address}
    assert set(faults_of(CreateOrder, sent)) == {
        ("customer_id",),
        ("items", 1, "quantity"),
        ("items", 1, "colour"),
        ("shipping_address", "street"),
        ("shipping_address", "city"),
        ("shipping_address", "town"),
        ("shipping_address", "postal_code"),
        ("shipping_address", "country"),
    }


def test_a_reason_is_given() -> None:
    assert list(faults_of(CancelOrder, {"reason": "  "})) == [("reason",)]


def test_a_misspelt_field_is_noticed() -> None:
    assert list(faults_of(ShipOrder, {"carrier": "UPS"})) == [("carrier",)]


# -- Whatever comes, in whatever order --------------------------------------------------

COMMANDS: list[Command] = [CREATE, *CHANGES]


@forall(st.lists(st.sampled_from(COMMANDS), max_size=8))
def test_an_order_ends_once_and_nothing_follows(commands: list[Command]) -> None:
    history: list[Event] = []
    for command in commands:
        history += given(decider, *history).when(command).events
    names = [type(event).__name__ for event in history]
    assert names[:1] in ([], ["OrderCreated"])
    assert "OrderCreated" not in names[1:]
    assert not {"OrderShipped", "OrderCancelled"} & set(names[:-1])


def test_a_command_says_money_as_it_was_said() -> None:
    item = {"product_id": "p-1", "quantity": 2, "unit_price": "12.50"}
    command = CreateOrder.model_validate(
        {"customer_id": "c-1", "items": [item], "shipping_address": REIMS}
    )
    assert json.loads(command.model_dump_json())["items"] == [item]
