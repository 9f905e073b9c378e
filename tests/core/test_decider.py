"""What a decider may answer."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.core.decider import events_of
from engine.core.messages import Event


class Opened(Event):
    """Something was opened."""


class Closed(Event):
    """Something was closed."""


def one_by_one() -> Iterator[Event]:
    """A decision that is made as it is read."""
    yield Opened()
    yield Closed()


@pytest.mark.parametrize(
    ("decision", "events"),
    [
        (None, ()),
        ((), ()),
        ([], ()),
        (Opened(), (Opened(),)),
        ([Opened(), Closed()], (Opened(), Closed())),
        (one_by_one(), (Opened(), Closed())),
    ],
)
def test_nothing_one_event_or_several(decision: Any, events: tuple[Event, ...]) -> None:
    assert events_of(decision) == events


@pytest.mark.parametrize("decision", [[Opened(), "closed"], [None], "closed", [Opened]])
def test_what_is_no_event_is_an_error_that_names_its_type(decision: Any) -> None:
    with pytest.raises(TypeError, match="which is not an Event"):
        events_of(decision)


@pytest.mark.parametrize("decision", [7, True, Opened])
def test_what_holds_no_events_is_an_error(decision: Any) -> None:
    with pytest.raises(TypeError):
        events_of(decision)
