"""What can be read of what was stored: each kind of change, accepted or named by its place."""

from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from pydantic import Field

from engine.core.schemas.reading import faults
from tests.core.schemas.shapes import stores, takes


class Two(StrEnum):
    A, B = "a", "b"


class Three(StrEnum):
    A, B, C = "a", "b", "c"


class Numbers(IntEnum):
    ONE, TWO = 1, 2


class Point(msgspec.Struct):
    x: int


class Space(msgspec.Struct):
    x: int
    y: int = 0


class Place(msgspec.Struct):
    x: int
    y: int


class Cat(msgspec.Struct, tag="cat"):
    lives: int


class Dog(msgspec.Struct, tag="dog"):
    name: str


class OldDog(msgspec.Struct, tag="dog"):
    name: str
    age: int


def meta(**said: Any) -> msgspec.Meta:
    return msgspec.Meta(**said)


SAME: list[tuple[Any, Any]] = [
    (int, int),
    (int, int | None),
    (int, float),
    (int, Any),
    (str, str | int),
    (str | int, int | str | None),
    (datetime, str),
    (Decimal, str),
    (UUID, str),
    (Two, Three),
    (Two, str),
    (Two, str | None),
    (Numbers, int),
    (Literal["a"], Two),
    (Literal["a", 1], str | int),
    (Two | None, Three | None),
    (list[int], list[int | None]),
    (list[int], tuple[float, ...]),
    (list[int], set[int]),
    (tuple[int, str], tuple[int, str]),
    (tuple[int, str], list[int | str]),
    (Point, Space),
    (list[Point], list[Space]),
    (Point, dict[str, int]),
    (Point, dict[str, Any]),
    (dict[str, int], dict[str, float]),
    (dict[str, Point], dict[str, Space]),
    (Cat | Dog, Cat | Dog | None),
    (Cat, Cat | Dog),
    (Annotated[int, meta(ge=1)], int),
    (Annotated[int, meta(ge=1, le=9)], Annotated[int, meta(ge=0, le=10)]),
    (Annotated[str, meta(max_length=5)], Annotated[str, meta(max_length=6)]),
    (Annotated[str, meta(pattern="a")], str),
]


@pytest.mark.parametrize(("old", "new"), SAME, ids=str)
def test_what_takes_as_much_or_more_is_fine(old: Any, new: Any) -> None:
    assert faults(stores(it=old), stores(it=new)) == []


BROKEN: list[tuple[Any, Any, str, str, str]] = [
    (int, str, "type_changed", "it", "was integer and is string"),
    (float, int, "type_changed", "it", "was number and is integer"),
    (int | None, int, "type_changed", "it", "may not be null any more"),
    (int | str, int, "type_changed", "it", "may not be string any more"),
    (int, str | None, "type_changed", "it", "may not be integer any more"),
    (Any, int, "type_changed", "it", "was anything and is integer"),
    (bool, int, "type_changed", "it", "was boolean and is integer"),
    (str, datetime, "narrowed", "it", "has format date-time, and had none"),
    (date, datetime, "narrowed", "it", "has format date-time, and was date"),
    (str, Decimal, "narrowed", "it", "has format decimal, and had none"),
    (Three, Two, "value_gone", "it", "may not be 'c' any more"),
    (Three | None, Two | None, "value_gone", "it", "may not be 'c' any more"),
    (Numbers, Literal[1], "value_gone", "it", "may not be 2 any more"),
    (Numbers, str, "value_gone", "it", "may not be 1 any more"),
    (str, Two, "type_changed", "it", "was string and is one of 'a', 'b'"),
    (list[int], int, "type_changed", "it", "was array and is integer"),
    (list[int], list[str], "type_changed", "it[]", "was integer and is string"),
    (list[list[Three]], list[list[Two]], "value_gone", "it[][]", "may not be 'c' any more"),
    (tuple[int, str], tuple[int, int], "type_changed", "it[1]", "was string and is integer"),
    (tuple[int, str], tuple[int], "narrowed", "it", "has maxItems 1, and was 2"),
    (list[int], tuple[int, int], "narrowed", "it", "has minItems 2, and had none"),
    (Space, Point, "field_gone", "it.y", "is gone"),
    (Point, Place, "field_new", "it.y", "is new, and has no default"),
    (Space, Place, "default_gone", "it.y", "has no default any more"),
    (list[Point], list[Place], "field_new", "it[].y", "is new, and has no default"),
    (dict[str, int], dict[str, str], "type_changed", "it{}", "was integer and is string"),
    (dict[str, int], Space, "type_changed", "it", "took any name, and takes its own fields only"),
    (Point, dict[str, str], "type_changed", "it.x", "was integer and is string"),
    (Cat | Dog, Cat, "value_gone", "it.type", "may not be 'dog' any more"),
    (Cat | Dog, Cat | OldDog, "field_new", "it.age", "is new, and has no default"),
    (Cat, int, "type_changed", "it", "was object and is integer"),
    (int, Annotated[int, meta(ge=1)], "narrowed", "it", "has minimum 1, and had none"),
    (
        Annotated[int, meta(le=9)], Annotated[int, meta(le=8)],
        "narrowed", "it", "has maximum 8, and was 9",
    ),
    (
        Annotated[str, meta(pattern="a")], Annotated[str, meta(pattern="b")],
        "narrowed", "it", "has pattern b, and was a",
    ),
    (str, bytes, "narrowed", "it", "has contentEncoding base64, and had none"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "code", "path", "said"), BROKEN, ids=str)
def test_what_cannot_be_read_is_named(old: Any, new: Any, code: str, path: str, said: str) -> None:
    found = faults(stores(it=old), stores(it=new))
    assert (code, path, said) in found
    assert {fault.path.partition(".")[0].partition("[")[0] for fault in found} <= {"it", "it{}"}


def test_fields_come_and_go_at_the_top_too() -> None:
    one, two = stores(a=int), stores(a=int, b=(str, ""))
    assert faults(one, two) == []
    assert faults(two, one) == [("field_gone", "b", "is gone")]
    assert faults(one, stores(a=int, b=str)) == [("field_new", "b", "is new, and has no default")]
    assert faults(one, stores(b=int)) == [
        ("field_gone", "a", "is gone"), ("field_new", "b", "is new, and has no default"),
    ]  # fmt: skip
    assert faults(two, stores(a=int, b=(str, "other"))) == []


class Node(msgspec.Struct):
    under: "list[Node]" = []


class Leaf(msgspec.Struct):
    under: "list[Leaf]" = []
    name: str = ""


def test_types_that_lead_to_themselves_end_somewhere() -> None:
    assert faults(stores(it=Node), stores(it=Node)) == []
    renamed = faults(stores(it=Node), stores(it=Leaf))
    assert renamed == [("type_changed", "it.under[]", "was a Node and is a Leaf")]


# -- Commands ---------------------------------------------------------------------------

Key = Annotated[str, Field(max_length=10)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"a": int}, {"a": int, "b": (int, 0)}),
        ({"a": Key}, {"a": str}),
        ({"a": Two}, {"a": Three}),
        ({"a": dict[str, int]}, {"a": dict[str, Any]}),
        ({"a": Annotated[int, Field(gt=3)]}, {"a": Annotated[int, Field(gt=2)]}),
        ({"a": int}, {"a": Annotated[int, Field(description="a number")]}),
        ({"a": Decimal}, {"a": Decimal | None}),
        ({}, {}),
    ],
    ids=str,
)
def test_a_command_may_take_more(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert faults(takes(**old), takes(**new)) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ({"a": int}, {}, ("field_gone", "a", "is gone")),
        ({}, {"a": int}, ("field_new", "a", "is new, and has no default")),
        ({"a": str}, {"a": Key}, ("narrowed", "a", "has maxLength 10, and had none")),
        ({"a": Three}, {"a": Two}, ("value_gone", "a", "may not be 'c' any more")),
        ({"a": (int, 1)}, {"a": int}, ("default_gone", "a", "has no default any more")),
        (
            {"a": Annotated[int, Field(gt=2)]}, {"a": Annotated[int, Field(gt=3)]},
            ("narrowed", "a", "has exclusiveMinimum 3, and was 2"),
        ),
    ],
    ids=str,
)  # fmt: skip
def test_a_command_that_takes_less_is_named(
    old: dict[str, Any], new: dict[str, Any], fault: tuple[str, str, str]
) -> None:
    assert faults(takes(**old), takes(**new)) == [fault]
