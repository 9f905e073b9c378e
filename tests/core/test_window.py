"""What is remembered of ids: newest first, for a number and a time, and never run again after."""

from collections.abc import Iterable
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.core.ids import uuid7
from engine.core.intake import Received
from engine.core.outcome import Outcome, Status
from engine.core.window import First, Window

SKEW, DAY_MS = 10.0, 86_400_000
NOW = 1_769_860_800_000
AGGREGATE = "order-1"


def window(forgotten: str = "0-0", count: int = 100, seconds: float = 86_400) -> Window:
    return Window(forgotten, count, seconds, SKEW)


def received(id: str, ms: int = NOW, digest: str = "d") -> Received:
    entry = f"{ms}-0"
    return Received(
        entry,
        id.encode(),
        AGGREGATE.encode(),
        id,
        AGGREGATE,
        addressed=True,
        key=(AGGREGATE, id),
        digest=digest,
    )


def first(ms: int, digest: str = "d") -> First:
    return First(f"{ms}-0", Status.ACCEPTED, 1, 1, digest, {})


def outcome(id: str, ms: int, **detail: object) -> Outcome:
    code = detail.get("code")
    status = Status.REJECTED if code else Status.DUPLICATE if detail else Status.ACCEPTED
    return Outcome(f"{ms}-0", id, status, AGGREGATE, 1, 1, 0, "b", "d", dict(detail))


def repeat(id: str, ms: int, first_ms: int) -> Outcome:
    said = {"entry": f"{first_ms}-0", "status": "accepted", "version": 1, "position": 1}
    return outcome(id, ms, first=said)


def loaded(*outcomes: Outcome, **limits: float) -> Window:
    """A window after a change of owner; outcomes are given oldest first."""
    one = window(**limits)  # type: ignore[arg-type]
    one.load(outcomes[::-1], last=True)
    return one


def code(one: Window, command: Received) -> str | None:
    refusal = one.refusal(command, one.first(command))
    return refusal.code if refusal else None


def test_what_was_answered_is_remembered() -> None:
    one = window()
    one.load([], last=True)
    one.remember(received("a"), first(NOW))
    assert one.first(received("a")) == first(NOW)
    assert one.first(received("b")) is None
    assert code(one, received("a")) is None
    assert code(one, received("a", digest="other")) == "id_reused"


def test_what_is_loaded_is_remembered() -> None:
    one = loaded(outcome("a", NOW))
    assert one.first(received("a")) == first(NOW)


def test_the_oldest_outcome_of_an_id_is_its_first() -> None:
    one = loaded(outcome("a", NOW), repeat("a", NOW + 5, NOW), repeat("a", NOW + 9, NOW))
    assert one.first(received("a")) == first(NOW)


def test_a_repeat_stands_for_its_first_where_that_is_gone() -> None:
    one = loaded(repeat("a", NOW + 5, NOW))
    assert one.first(received("a")) == first(NOW)


def test_an_outcome_without_a_digest_says_nothing_of_its_id() -> None:
    refused = replace(outcome("a", NOW, code="expired"), digest="")
    assert loaded(refused).first(received("a")) is None
    assert loaded(outcome("a", NOW, code="expired")).first(received("a")) is not None
    later = replace(outcome("a", NOW + 1, code="id_reused"), digest="")
    assert loaded(outcome("a", NOW), later).first(received("a")) == first(NOW)


def test_ids_that_are_entries_are_not_remembered() -> None:
    assert loaded(outcome(f"{NOW}-0", NOW)).first(received(f"{NOW}-0")) is None


def test_a_window_that_is_not_loaded_covers_what_cannot_be_older() -> None:
    one = window()
    assert not one.covers(received("a"))
    assert not one.covers(received(uuid7(NOW)))
    assert one.covers(received(f"{NOW}-0"))
    one.load([outcome("z", NOW)], last=False)
    assert not one.covers(received("a"))
    skew = int(SKEW * 1000)
    assert not one.covers(received(uuid7(NOW)))
    assert not one.covers(received(uuid7(NOW + skew)))
    assert one.covers(received(uuid7(NOW + skew + 1)))
    one.load([outcome("y", NOW - 1)], last=True)
    assert one.covers(received("a"))


def test_an_id_older_than_what_is_remembered_has_expired() -> None:
    one, skew = window(forgotten=f"{NOW}-7"), int(SKEW * 1000)
    assert code(one, received(uuid7(NOW - DAY_MS), NOW + DAY_MS)) == "expired"
    assert code(one, received(uuid7(NOW + skew), NOW + DAY_MS)) == "expired"
    assert code(one, received(uuid7(NOW + skew + 1), NOW + DAY_MS)) is None
    assert code(one, received("no time in it", NOW + DAY_MS)) is None


def test_an_old_id_is_fine_where_nothing_was_forgotten() -> None:
    assert code(window(), received(uuid7(NOW - DAY_MS))) is None


def test_an_id_from_the_future_is_refused() -> None:
    one, skew = window(), int(SKEW * 1000)
    assert code(one, received(uuid7(NOW + skew))) is None
    assert code(one, received(uuid7(NOW + skew + 1))) == "clock"


def filled(one: Window, times: Iterable[int]) -> Window:
    for ms in times:
        one.remember(received(f"id-{ms}", ms), first(ms))
    return one


def test_nothing_is_cut_before_all_is_loaded() -> None:
    one = window(count=1)
    one.load([outcome("a", NOW)], last=False)
    assert one.cut() == "0-0"


def test_what_is_too_old_is_cut() -> None:
    one = window(seconds=100)
    one.load([], last=True)
    filled(one, [NOW, NOW + 50_000, NOW + 120_000])
    assert one.cut() == f"{NOW + 50_000}-0"
    assert one.first(received(f"id-{NOW}")) is None
    assert one.first(received(f"id-{NOW + 50_000}")) is not None
    assert code(one, received(uuid7(NOW), NOW + 120_000)) == "expired"


def test_what_is_too_much_is_cut_unless_it_is_young() -> None:
    one = window(count=2)
    one.load([], last=True)
    filled(one, [NOW, NOW + 1, NOW + 2, NOW + 3])
    assert one.cut() == f"{NOW}-0"
    filled(one, [NOW + 61_001])
    assert one.cut() == f"{NOW + 3}-0"


@given(gaps=st.lists(st.integers(1, 40_000), min_size=1, max_size=30), count=st.integers(1, 30))
def test_as_much_is_cut_as_a_look_at_each_would_say(gaps: list[int], count: int) -> None:
    times = [NOW + each for each in accumulate(gaps)]
    one = window(count=count, seconds=100)
    one.load([], last=True)
    filled(one, times)
    left = times
    while len(left) > 1:
        if times[-1] - left[0] <= (60_000 if len(left) > count else 100_000):
            break
        left = left[1:]
    assert one.cut() == f"{left[0]}-0"


def test_the_last_outcome_is_never_cut() -> None:
    one = window(count=1, seconds=1)
    one.load([], last=True)
    filled(one, [NOW, NOW + DAY_MS])
    assert one.cut() == f"{NOW + DAY_MS}-0"
    assert one.cut() == f"{NOW + DAY_MS}-0"


def test_a_first_and_its_repeat_are_cut_one_after_the_other() -> None:
    one = loaded(outcome("a", NOW), repeat("a", NOW + 1, NOW), outcome("b", NOW + DAY_MS), count=1)
    assert one.cut() == f"{NOW + DAY_MS}-0"
    assert one.first(received("a")) is None


def test_a_first_is_remembered_as_long_as_a_repeat_of_it() -> None:
    one = window(seconds=100)
    one.load([], last=True)
    filled(one, [NOW])
    one.repeated(received(f"id-{NOW}", NOW + 90_000))
    filled(one, [NOW + 120_000])
    assert one.cut() == f"{NOW + 90_000}-0"
    assert one.first(received(f"id-{NOW}")) == first(NOW)
    filled(one, [NOW + 240_000])
    one.cut()
    assert one.first(received(f"id-{NOW}")) is None


def test_a_repeat_whose_first_is_gone_is_forgotten_in_its_turn() -> None:
    one = loaded(repeat("a", NOW + 1, NOW), outcome("b", NOW + DAY_MS), count=1)
    one.cut()
    assert one.first(received("a")) is None


def test_how_far_back_commands_are_kept() -> None:
    one = filled(window(), [NOW, NOW + 1, NOW + 2])
    assert one.entry_before(2) == f"{NOW}-0"
    assert one.entry_before(0) == f"{NOW + 2}-0"
    assert one.entry_before(3) == "0-0"


events = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 40_000)), max_size=30)


@given(events, st.integers(1, 5), st.booleans())
def test_owners_agree_on_what_an_id_means(
    commands: list[tuple[str, int]],
    count: int,
    cutting: bool,  # noqa: FBT001 -- drawn
) -> None:
    """Whoever lived through the outcomes knows what one knows who loads what was kept."""
    live = window(count=count, seconds=60)
    live.load([], last=True)
    kept: list[Outcome] = []
    now, lowest = NOW, "0-0"
    for id, pause in commands:
        now += pause
        command = received(id, now)
        known = live.first(command)
        if known:
            live.repeated(command)
        else:
            live.remember(command, first(now))
        kept.append(
            repeat(id, now, int(known.entry.partition("-")[0])) if known else outcome(id, now)
        )
        if cutting:
            lowest = live.cut()
    kept = [one for one in kept if lowest == "0-0" or one.entry >= lowest]
    after = loaded(*kept, count=count, seconds=60)
    for id in "abc":
        assert live.first(received(id)) == after.first(received(id))
