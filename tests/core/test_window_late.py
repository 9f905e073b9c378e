"""What is remembered of commands that wait, and of what became of them late."""

from msgspec.structs import replace

from engine.core.outcome import Outcome, Status
from engine.core.window import Window
from tests.core.test_window import AGGREGATE, DAY_MS, NOW, first, received, window

DEFERRED = Outcome(f"{NOW}-0", "a", Status.DEFERRED, AGGREGATE, 0, 0, 0, "b", "d")
LATE = Outcome(f"{NOW}-0", "a", Status.ACCEPTED, AGGREGATE, 1, 1, 0, "b", "d", {}, f"{NOW}-7")
ONE = received("a")
WAITS = replace(first(NOW), status=Status.DEFERRED)


def status(one: Window) -> Status | None:
    found = one.first(ONE)
    return None if found is None else found.status


def pass_days(one: Window, days: range) -> str:
    """Other commands are answered, each two days after the one before."""
    for day in days:
        ms = NOW + 2 * day * DAY_MS
        one.remember(received(f"o{day}", ms), first(ms))
    return one.cut()


def empty() -> Window:
    one = window()
    one.load([], last=True)
    return one


def test_what_waits_is_known_until_it_is_settled_and_then_as_long_as_any() -> None:
    one = empty()
    one.defer(ONE, WAITS)
    pass_days(one, range(1, 4))
    assert status(one) is Status.DEFERRED
    settled = NOW + 6 * DAY_MS
    one.settle(ONE, f"{settled}-0", first(NOW))
    assert one.cut().startswith(str(settled))
    assert status(one) is Status.ACCEPTED
    pass_days(one, range(4, 6))
    assert status(one) is None


def test_what_waits_is_known_though_its_outcome_was_forgotten() -> None:
    one = empty()
    one.load_waiting(ONE)
    pass_days(one, range(1, 3))
    assert status(one) is Status.DEFERRED


def test_a_late_outcome_counts_in_whatever_order_things_are_loaded() -> None:
    repeat = replace(DEFERRED, entry=f"{NOW}-1")
    for page, late in (([repeat, DEFERRED], [LATE]), ([DEFERRED], [LATE])):
        one = window()
        one.load(page, late, last=True)
        found = one.first(ONE)
        assert found is not None
        assert (found.status, found.entry, found.version) == (Status.ACCEPTED, f"{NOW}-0", 1)
        assert one.entry_before(1) == (page[0].entry if len(page) > 1 else DEFERRED.entry)


def test_a_repeat_that_waited_changes_nothing() -> None:
    one = empty()
    one.defer(ONE, WAITS)
    again = received("a", NOW + 1)
    one.defer(again, WAITS)
    one.settle(ONE, f"{NOW}-0", first(NOW))
    one.settle(again, f"{NOW}-1", None)
    assert status(one) is Status.ACCEPTED
    pass_days(one, range(1, 3))
    assert status(one) is None


def test_a_command_without_an_id_of_its_own_is_not_remembered() -> None:
    one, bare = empty(), received(f"{NOW}-0")
    one.defer(bare, WAITS)
    one.load_waiting(bare)
    one.settle(bare, f"{NOW}-0", first(NOW))
    assert one.first(bare) is None
