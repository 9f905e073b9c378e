"""How often, and for how long, a command is tried."""

import pytest

from engine.core.retry import Retry, pause

SET = Retry(attempts=5, seconds=60, decide_seconds=30)


def test_what_a_type_does_not_say_is_as_set() -> None:
    assert Retry().over(SET) == SET
    assert Retry(attempts=2).over(SET) == Retry(attempts=2, seconds=60, decide_seconds=30)
    assert Retry(seconds=0, decide_seconds=1).over(SET).seconds == 0


@pytest.mark.parametrize(
    ("tries", "seconds", "spent"), [(4, 59.9, False), (5, 0.0, True), (1, 60.0, True)]
)
def test_either_limit_ends_it(tries: int, seconds: float, spent: bool) -> None:  # noqa: FBT001
    assert SET.is_spent(tries, seconds) == spent
    assert not Retry().is_spent(tries, seconds)


def test_pauses_double_up_to_a_limit_and_luck_halves_them_at_most() -> None:
    assert [pause(tries, 0.5, 4, 0) for tries in range(1, 7)] == [0.5, 1, 2, 4, 4, 4]
    assert [pause(tries, 0.5, 4, 1) for tries in (1, 4)] == [0.25, 2]
    assert pause(10**6, 0.5, 4, 0) == 4
