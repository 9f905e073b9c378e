"""What a token says: which answer was told, how far its rows had come, and on which server."""

from base64 import urlsafe_b64encode
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from engine.core.branches import Branch
from engine.core.errors import Misuse
from engine.core.resuming import Question, Told, server_digest

QUESTION = Question('GetThing {"thing":"r"}')
TOLD = Told(QUESTION.digest(7), server_digest("two"), (0, 1, 300, 1_000_000))
TOKEN = QUESTION.token(TOLD)
HISTORY = [Branch("a", 0, "one"), Branch("b", 10, "two"), Branch("c", 7, "three")]
"""The second server had it all; the third came back without what lay beyond 7."""


class Model(BaseModel):
    """A view may be one."""

    n: int


class Struct(msgspec.Struct):
    """Or this."""

    n: int
    amount: Decimal = Decimal("1.50")


@pytest.mark.parametrize(
    "answer",
    [None, 1, "x", Model(n=1), Struct(n=1), [Struct(n=1)], {"b": 1, "a": {"z", "y", "x"}}, object],
)
def test_equal_answers_have_one_digest(answer: Any) -> None:
    assert QUESTION.digest(answer) == Question(QUESTION.words).digest(answer)
    assert QUESTION.digest(answer) != Question("other").digest(answer)


def test_different_answers_have_different_digests() -> None:
    answers: list[Any] = [
        None, "", [], {}, 0, 1, "1", Model(n=1), Model(n=2), Struct(n=1), Struct(n=2),
        Struct(n=1, amount=Decimal("1.51")), [Struct(n=1)], [Struct(n=1), Struct(n=1)],
    ]  # fmt: skip
    digests = {Question(words).digest(answer) for answer in answers for words in ("", "a", "b")}
    # A pydantic model with the same fields and values is the same answer as a struct of them.
    assert len(digests) == 3 * len(answers)


@given(
    st.binary(min_size=12, max_size=12),
    st.binary(min_size=4, max_size=4),
    st.lists(st.integers(0, 2**63), min_size=1, max_size=70).map(tuple),
)
def test_a_token_says_what_was_told(
    answer: bytes, server: bytes, positions: tuple[int, ...]
) -> None:
    told = Told(answer, server, positions)
    token = QUESTION.token(told)
    assert QUESTION.told(token) == told
    assert token.replace("-", "").replace("_", "").isalnum(), "it needs no quoting in an address"


@pytest.mark.parametrize(("partitions", "characters"), [(16, 91), (64, 283)])
def test_a_token_is_as_short_as_it_says(partitions: int, characters: int) -> None:
    token = QUESTION.token(TOLD._replace(positions=(1_000_000,) * partitions))
    assert len(token) == characters
    assert f"{characters} " in str(Question.token.__doc__)


@pytest.mark.parametrize("end", range(len(TOKEN)))
def test_a_token_cut_short_is_refused(end: int) -> None:
    for text in (TOKEN[:end], TOKEN[end + 1 :]):
        with pytest.raises(Misuse, match="is not the token of an update of GetThing"):
            QUESTION.told(text)


@pytest.mark.parametrize(
    "text",
    ["7.1042.1f9c83d0", "f" * 24, TOKEN + "A", TOKEN + "\n", TOKEN.swapcase(), "é"],
)
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(Misuse, match="follow without it"):
        QUESTION.told(text)


def test_a_token_of_another_question_is_refused() -> None:
    with pytest.raises(Misuse, match="with the question that it answered"):
        Question('GetThing {"thing":"s"}').told(TOKEN)


def test_a_number_without_an_end_is_refused_however_well_it_is_vouched_for() -> None:
    packed = TOLD.answer + TOLD.server + b"\x01\x80"
    forged = urlsafe_b64encode(QUESTION._check(packed) + packed).decode().rstrip("=")
    with pytest.raises(Misuse, match="is not the token"):
        QUESTION.told(forged)


@pytest.mark.parametrize(
    ("positions", "beyond"),
    [
        ((0, 1, 300, 1_000_000), []),
        ((9, 9, 301, 2_000_000), []),
        ((0, 0, 300, 999_999), [1, 3]),
        ((0, 0, 0, 0), [1, 2, 3]),
    ],
)
def test_rows_lag_where_they_have_not_come_so_far(
    positions: tuple[int, ...], beyond: list[int]
) -> None:
    assert TOLD.beyond(positions) == beyond


def test_another_number_of_partitions_is_another_namespace() -> None:
    with pytest.raises(Misuse, match=r"there are 4 partitions, and this namespace has 16"):
        TOLD.beyond((0,) * 16)


@pytest.mark.parametrize(
    ("server", "position", "there"),
    [
        ("one", 7, True), ("one", 8, False), ("two", 7, True), ("two", 8, False),
        ("three", 8, True), ("unknown", 1, False), ("", 1, False),
    ],
)  # fmt: skip
def test_a_place_is_judged_by_the_server_that_it_was_told_on(
    server: str,
    position: int,
    there: bool,  # noqa: FBT001 -- a column of the table
) -> None:
    told = Told(b"", server_digest(server), (1, position))
    assert told.exists(1, HISTORY) is there
    assert told.exists(1, []) is False
