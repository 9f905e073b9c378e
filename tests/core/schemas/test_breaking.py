"""What a deployment would break, by what is recorded: old events for ever, commands that wait."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from engine import Command, Decider, Event, Upcaster
from engine.core.records import Entry
from engine.core.registry import Domain, build
from engine.core.schemas.breaking import Verdict, judge
from engine.core.schemas.describing import Described, described
from engine.core.schemas.waiting import Waiting
from tests.core.schemas.shapes import command, event
from tests.grown import domain_at


class Started(Event):
    """An event for domains that are about commands."""


def domain(
    event: type[Event] = Started,
    commands: Sequence[type[Command]] = (),
    upcasters: Sequence[Upcaster] = (),
) -> Domain:
    """A domain with one event and some commands."""

    def evolve(state: None, _event: Any) -> None:
        return state

    def taking(one: type[Command]) -> Any:
        def decide(_command: Any, _state: None) -> None:
            return None

        decide.__annotations__["_command"] = one
        return decide

    evolve.__annotations__["_event"] = event
    decider = Decider(kind="thing", initial=None, decide=list(map(taking, commands)), evolve=evolve)
    return build([decider], upcasters=upcasters)


def verdict(now: Domain, *before: Domain) -> Verdict:
    recorded: list[tuple[Described, int]] = []
    for at, each in enumerate(before):
        recorded += [(one, at) for one in described(each)]
    return judge(now, recorded)


def checks(found: Verdict) -> list[tuple[str, str]]:
    return [(breach.check, breach.path) for breach in found.breaches]


# -- Events -----------------------------------------------------------------------------


def test_the_same_code_breaks_nothing_and_changes_nothing() -> None:
    for version in (1, 2, 3):
        assert verdict(domain_at(version), domain_at(version)) == Verdict(
            lately={"Pay": [], "Count": []}
        )


def test_where_nothing_is_recorded_all_is_new() -> None:
    found = verdict(domain_at(2))
    assert found.breaches == []
    assert found.changes == [
        "new: the event Paid of version 2", "new: the command Count", "new: the command Pay",
    ]  # fmt: skip


def test_a_change_with_its_upcaster_is_accepted() -> None:
    found = verdict(domain_at(3), domain_at(1), domain_at(2))
    assert found.breaches == []
    assert found.changes == ["new: the event Paid of version 3"]


def test_the_same_change_without_it_is_not() -> None:
    changed = domain(event("Paid", cents=int))
    found = verdict(changed, domain(event("Paid", euros=str)))
    assert checks(found) == [("field_gone", "euros"), ("field_new", "cents")]
    gone, new = found.breaches
    assert str(gone) == (
        "euros of the event Paid of version 1 is gone. Declare Paid(Event, version=2), and list "
        "Upcaster(Paid, 1, …) in the `upcasters` of the handlers package"
    )
    assert new.message == "cents of the event Paid of version 1 is new, and has no default"
    assert new.hint.startswith("Give it a default, or declare Paid(Event, version=2)")
    assert (gone.what, gone.type, gone.version) == ("event", "Paid", 1)


def test_a_version_that_was_changed_under_its_number_is_found() -> None:
    one = event("Paid", version=2, cents=int)
    other = event("Paid", version=2, pence=int)
    found = verdict(domain(other), domain(one))
    assert checks(found) == [("field_gone", "cents"), ("field_new", "pence")]
    assert "Declare Paid(Event, version=3)" in found.breaches[0].hint
    assert "Upcaster(Paid, 2, …)" in found.breaches[0].hint


def test_every_schema_that_was_written_counts() -> None:
    first, second = event("Paid", cents=int), event("Paid", cents=int, by=(str, ""))
    third = event("Paid", cents=int, by=str)
    assert checks(verdict(domain(second), domain(first))) == []
    assert checks(verdict(domain(third), domain(second))) == [("default_gone", "by")]
    assert checks(verdict(domain(third), domain(first), domain(second))) == [
        ("field_new", "by"), ("default_gone", "by"),
    ]  # fmt: skip
    # Both at work, in a rolling upgrade: the one that is newer reads both.
    assert checks(verdict(domain(second), domain(second), domain(first))) == []
    assert checks(verdict(domain(first), domain(first), domain(second))) == [("field_gone", "by")]


def test_an_event_that_is_gone_is_named_for_each_version() -> None:
    found = verdict(domain(), domain_at(1), domain_at(2))
    assert checks(found) == [("event_gone", ""), ("event_gone", "")]
    first, second = found.breaches
    assert first.message == "the event Paid of version 1 is gone"
    assert "Keep the class Paid, and its part of `evolve`" in first.hint
    assert (first.version, second.version) == (1, 2)


def test_an_event_that_no_decider_takes_any_more_is_gone() -> None:
    only_read = build([], list(domain_at(1).projections.values()))
    assert checks(verdict(only_read, domain_at(1))) == [("event_gone", "")]


@pytest.mark.parametrize(("here", "ahead"), [(1, [2, 3]), (2, [3])])
def test_code_that_is_older_than_what_is_recorded_is_refused(here: int, ahead: list[int]) -> None:
    found = verdict(domain_at(here), *(domain_at(version) for version in (1, 2, 3)))
    assert [(breach.check, breach.version) for breach in found.breaches] == [
        ("event_ahead", version) for version in ahead
    ]
    assert f"the code here is at version {here}" in found.breaches[0].message
    assert f"at version {ahead[0]} or later" in found.breaches[0].hint


# -- Commands ---------------------------------------------------------------------------

DO = command("Do", count=int, note=(str, ""))
LESS = command("Do", count=int)
OTHER = command("Other")


def wait(now: Domain, before: Verdict, *entries: tuple[str, dict[str, Any] | bytes]) -> Waiting:
    waiting = Waiting(now, before.narrowed)
    for number, (kind, data) in enumerate(entries, 1):
        raw = data if isinstance(data, bytes) else msgspec.json.encode(data)
        waiting.take(Entry(f"{number}-0", {b"type": kind.encode(), b"data": raw}), "the inbox")
    return waiting


def test_a_command_that_takes_less_breaks_what_waits_and_nothing_else() -> None:
    now = domain(commands=[LESS])
    found = verdict(now, domain(commands=[DO]))
    assert found.breaches == []
    [lately] = found.lately["Do"]
    assert (lately.check, lately.path) == ("command_narrowed", "note")
    assert lately.message == "note of the command Do is gone"
    waiting = wait(
        now, found, ("Do", {"count": 1}), ("Do", {"count": 1, "note": "x"}),
        ("Do", {"count": 2, "note": "y"}), ("Else", {}),
    )  # fmt: skip
    assert waiting.count == 4
    [breach] = waiting.breaches()
    assert (breach.check, breach.type, breach.path) == ("command_narrowed", "Do", "note")
    assert breach.message == (
        "2 Do wait, the first as 2-0 in the inbox, and would be refused: data.note: Extra inputs "
        "are not permitted"
    )
    assert "(semel status shows what waits)" in breach.hint


def test_a_command_that_is_gone_breaks_what_waits() -> None:
    now = domain(commands=[OTHER])
    found = verdict(now, domain(commands=[DO, OTHER]))
    assert [breach.check for breach in found.lately["Do"]] == ["command_gone"]
    [breach] = wait(now, found, ("Do", b"junk"), ("Other", {})).breaches()
    assert breach.check == "command_gone"
    assert breach.message == (
        "1 Do waits, the first as 1-0 in the inbox, and would be refused: nobody here handles it"
    )


def test_what_was_never_taken_is_no_fault_of_a_deployment() -> None:
    same = domain(commands=[DO])
    found = verdict(same, same)
    waiting = wait(same, found, ("Do", b"junk"), ("Do", {}), ("Unknown", {}), ("Do", {"x": 1}))
    assert list(waiting.breaches()) == []
    assert waiting.count == 4


def test_a_command_that_takes_more_is_fine() -> None:
    now = domain(commands=[DO, OTHER])
    found = verdict(now, domain(commands=[LESS]))
    assert (found.breaches, found.narrowed) == ([], {})
    assert found.changes == ["new: the command Do", "new: the command Other"]


def test_what_some_code_took_before_the_latest_counts_for_what_waits() -> None:
    now = domain(commands=[LESS])
    found = verdict(now, domain(commands=[DO]), domain(commands=[LESS]))
    assert found.lately["Do"] == []
    [breach] = wait(now, found, ("Do", {"count": 1, "note": "x"})).breaches()
    assert breach.path == "note"
