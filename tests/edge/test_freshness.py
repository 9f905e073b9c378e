"""When it is looked again whether a view has what is waited for."""

from itertools import pairwise

from engine.edge.freshness import LATE_SHARE, POLL_FIRST, POLL_LIMIT, Waits


def looks(waits: Waits, until: float) -> list[float]:
    """The times of all looks of one who waits until then."""
    at = [0.0]
    while at[-1] < until:
        at.append(at[-1] + waits.pause("orders", at[-1]))
    return at


def test_who_knows_nothing_looks_at_once_and_then_ever_more_rarely() -> None:
    times = looks(Waits(), 0.05)
    assert times[1] == POLL_FIRST
    assert all(late - early <= POLL_LIMIT for early, late in pairwise(times))
    assert times[-1] <= 0.05 * (1 + LATE_SHARE)


def test_who_knows_how_long_it_takes_looks_when_it_may_be_there() -> None:
    waits = Waits()
    for _ in range(50):
        waits.note("orders", 0.02)
    times = looks(waits, 0.02)
    assert len(times) <= 4 < len(looks(Waits(), 0.02))
    assert times[-1] <= 0.02 * (1 + LATE_SHARE)


def test_what_was_slow_once_is_not_believed_for_long() -> None:
    waits = Waits()
    waits.note("orders", 10.0)
    for _ in range(100):
        waits.note("orders", looks(waits, 0.002)[-1])
    assert looks(waits, 0.002)[-1] < 0.004


def test_a_view_that_was_there_at_once_says_nothing_of_those_that_were_not() -> None:
    waits = Waits()
    waits.note("orders", 0.01)
    waits.note("orders", 0.0)
    assert len(looks(waits, 0.01)) <= 4
    assert waits.pause("customers", 0.0) == POLL_FIRST
