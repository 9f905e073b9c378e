"""Every kind of type that an event may hold has its schema."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, TypedDict
from uuid import UUID

import msgspec
import pytest

from engine.core.schemas.shaping import shape_of

TEXT, NUMBER = {"type": "string"}, {"type": "integer"}


class Colour(StrEnum):
    RED, BLUE = "red", "blue"


class Pair(NamedTuple):
    left: int
    right: str = ""


class Said(TypedDict):
    by: str
    at: NotRequired[int]


@dataclass
class Plain:
    amount: Decimal
    notes: list[str] = field(default_factory=list)
    made: datetime = field(default_factory=lambda: datetime.fromtimestamp(0))  # noqa: DTZ006


class Camel(msgspec.Struct, rename="camel", tag_field="kind", tag=3):
    first_name: str = "ada"


class Flat(msgspec.Struct, array_like=True):
    a: int
    b: str = "x"


def of(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, **more}


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (None, of("null")), (bool, of("boolean")), (int, NUMBER), (float, of("number")),
        (str, TEXT), (bytes, of("string", contentEncoding="base64")),
        (datetime, of("string", format="date-time")), (date, of("string", format="date")),
        (time, of("string", format="time")), (timedelta, of("string", format="duration")),
        (UUID, of("string", format="uuid")), (Decimal, of("string", format="decimal")),
        (Any, {}), (msgspec.Raw, {}), (object, {}),
        (Colour, {"enum": ["red", "blue"]}), (Literal["a", 1], {"enum": [1, "a"]}),
        (int | str, {"anyOf": [NUMBER, TEXT]}),
        (list[int], of("array", items=NUMBER)), (frozenset[str], of("array", items=TEXT)),
        (tuple[int, ...], of("array", items=NUMBER)),
        (
            tuple[int, str],
            of("array", prefixItems=[NUMBER, TEXT], items=False, minItems=2, maxItems=2),
        ),
        (dict[str, int], of("object", additionalProperties=NUMBER)),
        (dict[int, int], of("object", additionalProperties=NUMBER, propertyNames=NUMBER)),
        (
            Pair,
            of(
                "array", prefixItems=[NUMBER, {**TEXT, "default": ""}], items=False,
                minItems=1, maxItems=2,
            ),
        ),
        (
            Flat,
            of(
                "array", prefixItems=[NUMBER, {**TEXT, "default": "x"}], items=False,
                minItems=1, maxItems=2,
            ),
        ),
        (Said, of("object", properties={"by": TEXT, "at": NUMBER}, required=["by"])),
        (
            Plain,
            of(
                "object", required=["amount"],
                properties={
                    "amount": of("string", format="decimal"),
                    "notes": of("array", items=TEXT, default=[]),
                    "made": of("string", format="date-time"),
                },
            ),
        ),
        (
            Camel,
            of(
                "object", required=["kind"],
                properties={"kind": {"enum": [3]}, "firstName": {**TEXT, "default": "ada"}},
            ),
        ),
        (
            Annotated[list[int], msgspec.Meta(min_length=1, max_length=3, extra={"x": 1})],
            of("array", items=NUMBER, minItems=1, maxItems=3),
        ),
        (
            Annotated[str, msgspec.Meta(min_length=1, max_length=3, pattern="a", title="t")],
            of("string", minLength=1, maxLength=3, pattern="a"),
        ),
        (
            Annotated[int, msgspec.Meta(gt=1, lt=9, multiple_of=2)],
            of("integer", exclusiveMinimum=1, exclusiveMaximum=9, multipleOf=2),
        ),
    ],
    ids=str,
)  # fmt: skip
def test_a_type_has_its_schema(kind: Any, shape: dict[str, Any]) -> None:
    assert shape_of(kind) == shape


def test_what_msgspec_cannot_read_is_no_type() -> None:
    with pytest.raises(TypeError):
        shape_of(Literal[1.5])
