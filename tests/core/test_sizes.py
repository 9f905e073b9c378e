"""About how much memory a state takes."""

import sys
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from engine.core.sizes import size_of

TEXT = "x" * 10_000


class Struct(msgspec.Struct):
    held: Any


@dataclass
class Plain:
    held: Any


@dataclass(slots=True)
class Slotted:
    held: Any


class Other:
    def __init__(self, held: Any) -> None:
        self.held = held


@pytest.mark.parametrize(
    "holding",
    [Struct, Plain, Slotted, Other, lambda t: [t], lambda t: (1, (t,)), lambda t: {"a": {t: 1}},
     lambda t: frozenset([t])],
)  # fmt: skip
def test_whatever_holds_something_counts_it(holding: Any) -> None:
    assert sys.getsizeof(TEXT) < size_of(holding(TEXT)) < sys.getsizeof(TEXT) + 1000


def test_what_is_held_twice_counts_once() -> None:
    one: list[Any] = [TEXT, TEXT, {"again": TEXT}]
    assert size_of(one) < 1.2 * sys.getsizeof(TEXT)
    one.append(one)
    assert size_of(one) < 1.2 * sys.getsizeof(TEXT)


def test_what_is_there_anyway_costs_nothing() -> None:
    assert size_of(None) == size_of(True) == size_of(int) == 0
    assert size_of(Decimal("1.50")) >= 50
