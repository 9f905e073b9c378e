"""What changes say, and what answers were made of."""

import pytest

from engine.core.following import Change, index_group, part_of_group, part_of_row, read_change
from engine.core.records import Entry

WHOLE = {b"after": b"3-0", b"rows": b'["r","group x:y"]', b"groups": b'["x:y"]'}


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
