"""Schedules as a package lists them: checked when the domain is loaded."""

import pytest

from engine import Schedule
from engine.core.errors import Misregistered
from engine.core.schedules import Mark, registered
from handlers.orders import ShipOrder
from tests.runtime.bells import Remind, clockwork


def nightly(name: str = "nightly", **other: str) -> Schedule:
    said = {"cron": "0 3 * * *", "aggregate": "bell-1", **other}
    return Schedule(name, command=Remind(), **said)


@pytest.mark.parametrize(
    ("listed", "complaint"),
    [
        ([nightly(), nightly()], "there are two schedules 'nightly'"),
        ([nightly("two words")], "its name has a space"),
        ([nightly(aggregate="bell")], "the aggregate 'bell' is not of the form"),
        ([nightly(aggregate="order-1")], "Remind is for bell-…, and order-1 is not one"),
        ([nightly(cron="0 3 * *")], "has 4 fields"),
        ([nightly(zone="Nowhere")], "there is no time zone 'Nowhere'"),
    ],
)
def test_a_schedule_that_cannot_be_served_is_refused(
    listed: list[Schedule], complaint: str
) -> None:
    with pytest.raises(Misregistered, match=complaint):
        registered(clockwork(), listed)


def test_a_command_that_nobody_handles_cannot_recur() -> None:
    one = Schedule("x", cron="* * * * *", aggregate="order-1", command=ShipOrder())
    with pytest.raises(Misregistered, match="nobody handles ShipOrder"):
        registered(clockwork(), [one])


def test_a_mark_is_read_as_it_was_written() -> None:
    mark = Mark(7, "0 3 * * * UTC")
    assert Mark.read(str(mark)) == mark
    assert Mark.read("0-0") == Mark(0, "")


def test_spaces_do_not_make_other_times() -> None:
    found = registered(clockwork(), [nightly(), nightly("b", cron="0  3 * *  *")])
    assert found["nightly"].times == found["b"].times == "0 3 * * * UTC"
