"""What events and commands look like, in one form: the same for the same, another for another."""

import json
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from pydantic import BeforeValidator, ConfigDict, PlainValidator

import handlers
from engine import Command, Event
from engine.core.registry import build
from engine.core.schemas.describing import (
    What,
    as_recorded,
    described,
    described_command,
    described_event,
    read_recorded,
)
from tests.core.schemas.shapes import event
from tests.grown import Second, domain_at
from tests.shop import NO_FULFILMENT


def test_what_the_engine_writes_and_is_sent_is_described() -> None:
    few = [decider for decider in handlers.deciders if decider.kind in ("order", "customer")]
    found = described(build(few, services=NO_FULFILMENT))
    assert [(str(each.what), each.type, each.version) for each in found] == [
        ("event", "CustomerRegistered", 1), ("event", "CustomerRenamed", 1),
        ("event", "OrderCancelled", 1), ("event", "OrderConfirmed", 1),
        ("event", "OrderCreated", 1),
        ("event", "OrderItemAdded", 1), ("event", "OrderShipped", 1),
        ("event", "ShippingAddressUpdated", 1),
        ("command", "AddOrderItem", 1), ("command", "CancelOrder", 1),
        ("command", "ConfirmOrder", 1), ("command", "CreateOrder", 1),
        ("command", "RegisterCustomer", 1),
        ("command", "RenameCustomer", 1), ("command", "ShipOrder", 1),
        ("command", "UpdateShippingAddress", 1),
    ]  # fmt: skip
    added = next(each for each in found if each.type == "OrderItemAdded")
    assert added.schema == {
        "type": "object",
        "properties": {
            "customer_id": {"type": "string"},
            "item": {
                "type": "object",
                "properties": {
                    "product_id": {"type": "string"},
                    "quantity": {"type": "integer"},
                    "unit_price": {"type": "string", "format": "decimal"},
                },
                "required": ["product_id", "quantity", "unit_price"],
            },
        },
        "required": ["customer_id", "item"],
    }
    ordered = next(each for each in found if each.type == "CreateOrder").schema
    assert ordered["additionalProperties"] is False
    assert ordered["properties"]["items"]["items"]["properties"]["quantity"] == {
        "type": "integer", "minimum": 1, "maximum": 999,
    }  # fmt: skip


def test_what_only_projections_take_is_not_written_here() -> None:
    assert [each.type for each in described(domain_at(2))] == ["Paid", "Count", "Pay"]
    without = build(projections=list(domain_at(2).projections.values()))
    assert described(without) == []


# -- The same, and another ---------------------------------------------------------------


def test_words_and_order_are_nothing() -> None:
    plain = event(title=str, description=Literal["b", "a"])
    said = msgspec.Meta(title="T", description="D", examples=["e"])
    worded = event(doc="More.", description=Literal["a", "b"], title=Annotated[str, said])
    assert described_event(plain) == described_event(worded)
    assert described_event(plain).field == described_event(worded).field
    assert set(described_event(plain).schema["properties"]) == {"title", "description"}


@pytest.mark.parametrize("kind", [int, Decimal, str | None, list[str], dict[str, str], (str, "")])
def test_another_type_is_another_schema(kind: Any) -> None:
    assert described_event(event(text=str)).field != described_event(event(text=kind)).field


def test_a_version_is_part_of_it() -> None:
    assert described_event(Second.Paid).field.startswith("event Paid 2 ")


class Leaf(msgspec.Struct):
    """A type that leads to itself."""

    under: "list[Leaf]" = []


class Grew(Event):
    """Something that has one."""

    leaf: Leaf
    other: Leaf


def test_a_type_that_leads_to_itself_ends_somewhere() -> None:
    schema = described_event(Grew).schema
    under = {"type": "array", "items": {"$ref": "Leaf"}, "default": []}
    leaf = {"type": "object", "properties": {"under": under}, "required": []}
    assert schema["properties"] == {"leaf": leaf, "other": leaf}
    assert "$defs" not in schema


class Odd:
    """Something that JSON Schema has no word for."""


def _odd(value: Any) -> Odd:
    raise NotImplementedError


class Colour(StrEnum):
    RED, BLUE = "red", "blue"


class Strange(Command):
    """A command that only its own validators know."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    odd: Annotated[Odd, PlainValidator(_odd)]
    either: Annotated[int, BeforeValidator(lambda value: value)] | Colour = Colour.RED
    default: Any = Odd()


def test_what_has_no_schema_may_be_anything() -> None:
    found = described_command(Strange).schema["properties"]
    assert found["odd"] == {}
    assert found["either"]["anyOf"] == [
        {"type": "integer"}, {"type": "string", "enum": ["blue", "red"]},
    ]  # fmt: skip
    assert "default" in found


class Later(Command):
    """A command whose field is a type that nobody defines."""

    other: "Undefined"  # type: ignore[name-defined]  # noqa: F821 -- that is the point


def test_what_pydantic_cannot_say_may_be_anything() -> None:
    assert described_command(Later).schema == {}


# -- Recorded ---------------------------------------------------------------------------


def test_what_is_recorded_is_read_again() -> None:
    all_of_them = described(build(handlers.deciders, services=NO_FULFILMENT))
    fields = {each.field: as_recorded(each, 1000) for each in all_of_them}
    assert len(fields) == len(all_of_them)
    found = list(read_recorded(fields))
    assert [(each.field, since) for each, since in found] == [(field, 1000) for field in fields]
    assert [each.schema for each, _ in found] == [each.schema for each in all_of_them]
    assert found[0][0].what is What.EVENT
    said = json.loads(fields[all_of_them[0].field])
    assert said == {"schema": all_of_them[0].schema, "since_ms": 1000}


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("", "{}"), ("event Paid 1", "{}"), ("query Paid 1 ab", '{"schema":{},"since_ms":1}'),
        ("event Paid x ab", '{"schema":{},"since_ms":1}'), ("event Paid 1 ab", "junk"),
        ("event Paid 1 ab", '{"schema":[],"since_ms":1}'), ("event Paid 1 ab", "{}"),
    ],
)  # fmt: skip
def test_what_a_stranger_put_there_is_passed_over(field: str, text: str) -> None:
    assert list(read_recorded({field: text})) == []
