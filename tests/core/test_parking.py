"""Parked aggregates: what is kept of them, and up to where a replay may go."""

from dataclasses import dataclass, field

import pytest

from engine.core.errors import Refused, Torn
from engine.core.parking import (
    DROP,
    MESSAGE_CHARACTERS,
    RETRY,
    TRACEBACK_CHARACTERS,
    Ask,
    Fault,
    Note,
    asks_in,
    attempt,
    fault_of,
    notes_in,
    read_note,
    without,
    written,
)
from engine.core.records import LoggedEvent, RowChange

NOTE = Note(7, "Created", Fault("KeyError", "x", "…"), 4, 1_769_860_800_000, "ask-1")


def event(position: int) -> LoggedEvent:
    return LoggedEvent(position, "order-1", position, "Created", b"{}", b"{}")


@dataclass
class Rows:
    """Projects an event to some rows each; raises at one."""

    touched: dict[int, list[str]]
    poison: int = 0
    seen: list[int] = field(default_factory=list)

    def project(self, _partition: int, event: LoggedEvent) -> list[RowChange]:
        self.seen.append(event.position)
        if event.position == self.poison:
            raise KeyError(event.position)
        rows = self.touched[event.position]
        return [RowChange(row, event.position, False, [], ["n", "1"], [], {}) for row in rows]


def test_notes_and_requests_stand_beside_each_other() -> None:
    later = Note(9, "Created", NOTE.error, 1, 2)
    asks = [Ask(RETRY, "order-2", "a"), Ask(DROP, "order-1", "b")]
    fields = {"order-2": written(later), "order-1": written(NOTE)}
    fields |= {ask.field: ask.id for ask in asks}
    assert list(notes_in(fields).items()) == [("order-1", NOTE), ("order-2", later)]
    assert asks_in(fields) == asks
    assert {**fields, **without("order-1")}.items() >= {
        ("order-1", ""), ("drop order-1", ""), ("retry order-1", ""), ("retry order-2", "a"),
    }  # fmt: skip
    assert read_note(written(NOTE).encode()) == NOTE


def test_what_is_no_note_is_torn() -> None:
    for text in ("planted", "{}", '{"position": "x"}'):
        with pytest.raises(Torn, match="cannot be read"):
            notes_in({"order-1": text})


def test_of_an_error_the_end_is_kept_and_not_too_much() -> None:
    with pytest.raises(ValueError, match="aaa") as raised:
        raise ValueError("a" * 3 * MESSAGE_CHARACTERS)
    fault = fault_of(raised.value)
    assert fault.type == "ValueError"
    assert fault.message == "a" * MESSAGE_CHARACTERS
    assert len(fault.traceback) < TRACEBACK_CHARACTERS
    assert "test_parking.py" in fault.traceback
    assert fault_of(ValueError("b" * 3 * TRACEBACK_CHARACTERS)).traceback.endswith("b\n")
    assert fault_of(ValueError("not \ud800 text")).message == "not \\ud800 text"
    assert fault_of(Refused("OOM")) == Fault("Refused", "OOM", "")


def test_a_replay_goes_up_to_the_first_event_that_raises() -> None:
    rows = Rows({1: ["a"], 3: ["a", "b"], 5: ["c"]}, poison=5)
    tried = attempt(rows.project, 0, [event(1), event(3), event(5), event(6)])
    assert rows.seen == [1, 3, 5], "what stands behind it is not tried"
    assert [change.position for change in tried.changes] == [1, 3, 3]
    assert tried.rows == ["a", "b"]
    assert tried.stopped_by == event(5)
    assert tried.fault is not None
    assert tried.fault.type == "KeyError"
    assert tried.settled("rows", {"a": 0, "b": 0}) is tried


@pytest.mark.parametrize(
    ("marks", "done"),
    [
        ({"a": 0, "b": 0}, [1, 3, 5]),
        ({"a": 0, "b": 2}, [1, 3, 5]),
        ({"a": 0, "b": 3}, [1]),
        ({"a": 0, "b": 9}, [1]),
        ({"a": 1, "b": 0}, []),
    ],
)
def test_a_replay_never_goes_below_a_watermark(marks: dict[str, int], done: list[int]) -> None:
    rows = Rows({1: ["a"], 3: ["b", "a"], 5: ["a"]})
    settled = attempt(rows.project, 0, [event(1), event(3), event(5)]).settled("rows", marks)
    assert [event.position for event, _ in settled.done] == done
    assert (settled.stopped_by is None) == (len(done) == 3)
    if settled.fault is not None:
        assert settled.fault.type == "RebuildNeeded"
