"""Cursors: what they lead to, what they are refused by, and what they look like."""

import math
import re
from base64 import urlsafe_b64encode
from dataclasses import replace
from typing import Any

import pytest

from engine.core.errors import Misuse
from engine.core.listing import Listing, Ranked, Slice, listing_of
from engine.core.projection import Index, Projection
from tests.core.doors import Door

BY_OWNER = Index("by_owner", ("owner",), "rank")
MINE = Listing("things", BY_OWNER, ("ann",))
ROWS = ["order-42", "a", "?/+ü€😀", "x" * 200, "😀" * 200]
SCORES = [0.0, -1.5, 1769860800000.0, 0.1 + 0.2, 1e300, 5e-324, math.inf, -math.inf]


@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
@pytest.mark.parametrize("score", SCORES)
def test_a_cursor_leads_behind_the_entry_that_it_was_made_of(row: str, score: float) -> None:
    cursor = MINE.cursor(Ranked(row, score))
    assert MINE.place(cursor) == Ranked(row, score)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", cursor)


def test_a_cursor_is_short() -> None:
    assert len(MINE.cursor(Ranked("order-42", 1769860800000))) == 27


@pytest.mark.parametrize(
    "changed",
    [
        {"projection": "others"},
        {"index": replace(BY_OWNER, name="by_buyer")},
        {"index": replace(BY_OWNER, group=("buyer",))},
        {"index": replace(BY_OWNER, order="price")},
        {"group": ("bob",)},
        {"group": ("ann", "")},
        {"newest_first": True},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_cursor_of_another_list_is_refused(changed: dict[str, Any]) -> None:
    other = replace(MINE, **changed)
    with pytest.raises(Misuse, match=r"no cursor of things\.by_owner of 'ann', the oldest first"):
        MINE.place(other.cursor(Ranked("r", 1.0)))


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "é",
        "====",
        "a b",
        "AAAA",
        "A" * 16,
        "+" * 20,
        "A" * 5000,
        "\n",
        "-",
        "_",
        "0.17.5f2bb5a2",
    ],
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(Misuse, match=r"no cursor of .*: pass on what `next` said, whole"):
        MINE.place(text)


def test_a_cursor_that_was_cut_or_changed_is_refused() -> None:
    cursor = MINE.cursor(Ranked("order-42", 7.0))
    for at in range(len(cursor)):
        other = "A" if cursor[at] != "A" else "B"
        for text in (cursor[:at], cursor[at + 1 :], f"{cursor[:at]}{other}{cursor[at + 1 :]}"):
            with pytest.raises(Misuse):
                MINE.place(text)


@pytest.mark.parametrize("place", [b"", b"1234567", b"\x7f\xf8\0\0\0\0\0\0r", b"\0" * 8 + b"\xff"])
def test_a_forged_cursor_is_refused_too(place: bytes) -> None:
    """Too short, a score that is no number, an id that is no text: with the right digest."""
    forged = urlsafe_b64encode(MINE._digest(place) + place).decode()
    with pytest.raises(Misuse):
        MINE.place(forged)


def test_a_row_belongs_by_its_fields() -> None:
    assert MINE.has({"owner": "ann", "rank": "3"})
    assert not MINE.has({"owner": "bob"})
    assert not MINE.has({"_deleted": "1"})
    assert not MINE.has({})
    both = Listing("things", Index("by_both", ("owner", "colour"), "rank"), ("a/b", "c"))
    assert both.has({"owner": "a/b", "colour": "c"})
    assert not both.has({"owner": "a", "colour": "b/c"})


def test_a_list_that_does_not_exist_is_refused() -> None:
    doors = Projection(name="doors", row=Door, on=[], indexes=[Index("by_who", ("by",), "id")])
    assert listing_of(doors, "by_who", ["ann"], True).group == ("ann",)
    with pytest.raises(Misuse, match="doors has no index 'by_hue'; it has by_who"):
        listing_of(doors, "by_hue", ["red"], True)
    with pytest.raises(Misuse, match="by_who groups by by: 2 values given"):
        listing_of(doors, "by_who", ["ann", "bob"], True)


def test_the_last_slice_is_known() -> None:
    entry = Ranked("r", 1.0)
    assert Slice([entry], 4, 5).is_last
    assert not Slice([entry], 3, 5).is_last
    assert Slice([], 9, 5).is_last
    assert Slice([], 0, 0).is_last
