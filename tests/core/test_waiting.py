"""The waiting room: who is next, and when."""

import pytest

from engine.core.intake import Received
from engine.core.records import Entry
from engine.core.waiting import Guest, Room, in_order, next_late, read_kept

NEVER = float("inf")


def guest(entry: str, aggregate: str) -> Guest:
    received = Received(entry, b"id", aggregate.encode(), aggregate=aggregate)
    return Guest(Entry(entry, {b"aggregate": aggregate.encode()}), received, since_ms=1)


def called(room: Room, now: float, count: int = 10) -> list[str]:
    return [queue.aggregate for queue in room.due(now, count)]


def test_an_aggregate_is_closed_until_the_last_of_its_queue_has_gone() -> None:
    room = Room(10, 10)
    for n in range(2):
        room.admit(guest(f"{n}-0", "a-1"), 5.0)
    room.admit(guest("2-0", "b-1"), 3.0)
    assert (set(room.queues), room.count, room.next_due) == ({"a-1", "b-1"}, 3, 3.0)
    assert called(room, 4.0) == ["b-1"]
    [queue] = room.due(5.0, 10)
    assert [each.entry.id for each in queue.guests] == ["0-0", "1-0"]
    room.dismiss(queue)
    assert "a-1" in room.queues
    room.dismiss(queue)
    assert (set(room.queues), room.count) == ({"b-1"}, 1)


def test_a_queue_is_called_once_for_each_time_that_was_said_last() -> None:
    room = Room(10, 10)
    room.admit(guest("1-0", "a-1"), 5.0)
    room.call(room.queues["a-1"], 9.0)
    assert called(room, 8.0) == []
    room.call(room.queues["a-1"], 2.0)
    assert called(room, 9.0) == ["a-1"]
    assert called(room, 9.0) == []
    assert room.next_due == NEVER


def test_what_is_due_comes_in_its_order_and_up_to_a_number() -> None:
    room = Room(10, 10)
    for n in range(5):
        room.admit(guest(f"{n}-0", f"a-{n}"), 5.0 - n)
    assert called(room, 9.0, 2) == ["a-4", "a-3"]
    assert called(room, 9.0) == ["a-2", "a-1", "a-0"]


def test_the_room_is_as_large_as_was_said() -> None:
    room = Room(2, 3)
    assert not room.is_full_for("a-1")
    for n in range(2):
        room.admit(guest(f"{n}-0", "a-1"), 0.0)
    assert (room.is_full_for("a-1"), room.is_full_for("b-1"), room.is_crowded) == (
        True,
        False,
        False,
    )
    room.admit(guest("2-0", "b-1"), 0.0)
    assert room.is_crowded


def test_what_is_kept_is_read_back() -> None:
    one = guest("1-0", "a-1")
    one.tries, one.error = 3, "no"
    entry, kept = read_kept("1-0", one.kept())
    assert (entry, kept.tries, kept.since_ms, kept.error) == (one.entry, 3, 1, "no")


def test_what_waits_is_in_the_order_of_its_ids() -> None:
    kept = dict.fromkeys(("10-0", "9-10", "9-9"), b"")
    assert [entry for entry, _ in in_order(kept)] == ["9-9", "9-10", "10-0"]


@pytest.mark.parametrize(
    ("late", "command", "then"),
    [("0-0", "7-3", "7-0"), ("6-9", "7-3", "7-0"), ("7-0", "7-3", "7-1"), ("7-8", "7-3", "7-9")],
)
def test_late_ids_are_never_below_the_last_commands_time(
    late: str, command: str, then: str
) -> None:
    assert next_late(late, command) == then
