"""What changes say, what answers were made of, and what tells one answer from another."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel

from engine.core.errors import Misuse
from engine.core.following import (
    Change,
    index_group,
    part_of_group,
    part_of_row,
    read_change,
    require_token,
    token_of,
)
from engine.core.records import Entry

WHOLE = {b"after": b"3-0", b"rows": b'["r","group x:y"]', b"groups": b'["x:y"]'}


class Model(BaseModel):
    """A view may be one."""

    n: int


class Struct(msgspec.Struct):
    """Or this."""

    n: int
    amount: Decimal = Decimal("1.50")


def test_a_change_names_what_answers_are_made_of() -> None:
    change = read_change(Entry("4-0", WHOLE))
    assert change == Change("3-0", ["r", "group x:y"], ["x:y"])
    parts = list(change.parts())
    assert parts == [part_of_row("r"), part_of_row("group x:y"), part_of_group("x:y")]
    assert len(set(parts)) == 3, "a row may be called anything"


def test_groups_are_named_as_index_keys_end() -> None:
    assert index_group("by_both", ["a/b", "c"]) == "by_both:a%2Fb/c"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {b"a": b"b"},
        {**WHOLE, b"rows": b"["},
        {**WHOLE, b"rows": b'{"r": 1}'},
        {**WHOLE, b"groups": b"[1]"},
        {**WHOLE, b"groups": b'["\xff"]'},
        {**WHOLE, b"after": b"\xff"},
    ],
)
def test_what_no_projector_writes_is_no_change(fields: dict[bytes, bytes]) -> None:
    assert read_change(Entry("4-0", fields)) is None


@pytest.mark.parametrize(
    "answer",
    [None, 1, "x", Model(n=1), Struct(n=1), [Struct(n=1)], {"b": 1, "a": {"z", "y", "x"}}, object],
)
def test_equal_answers_have_one_token(answer: Any) -> None:
    token = token_of("q", answer)
    assert token == token_of("q", answer)
    assert require_token(token) == token
    assert token != token_of("other", answer)


def test_different_answers_have_different_tokens() -> None:
    answers: list[Any] = [
        None, "", [], {}, 0, 1, "1", Model(n=1), Model(n=2), Struct(n=1), Struct(n=2),
        Struct(n=1, amount=Decimal("1.51")), [Struct(n=1)], [Struct(n=1), Struct(n=1)],
    ]  # fmt: skip
    tokens = {token_of(question, answer) for answer in answers for question in ("", "a", "b")}
    # A pydantic model with the same fields and values is the same answer as a struct of them.
    assert len(tokens) == 3 * len(answers)


@pytest.mark.parametrize(
    "text", ["", "7.1042.1f9c83d0", "f" * 23, "f" * 25, "F" * 24, "f" * 23 + "\n"]
)
def test_what_cannot_be_a_token_is_refused(text: str) -> None:
    with pytest.raises(Misuse, match="is not the token of an update"):
        require_token(text)
