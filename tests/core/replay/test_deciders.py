"""Deciders that wait, that ask, and that answer what nobody may."""

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from engine import Command, CommandContext, Decider, Event
from engine.core.codec import event_meta, time_of
from engine.core.messages import NO_META
from engine.core.records import StoredEvent
from engine.core.registry import Domain, build
from tests.core.replay.story import Story, differences


class Ring(Command):
    """A command of a decider that waits, and of one that asks."""


class Rung(Event):
    at: str


class Bell:
    """A service."""


def ringing(decide: Callable[..., Any], *services: object) -> Domain:
    def evolve(state: None, _event: Rung) -> None:
        return state

    return build(
        [Decider(kind="till", initial=None, decide=[decide], evolve=evolve)], services=services
    )


async def test_deciders_may_wait_and_are_told_the_time_of_then() -> None:
    async def ring(_command: Ring, _state: None, context: CommandContext) -> Rung:
        return Rung(context.time.isoformat())

    story = Story()
    about = event_meta("c", "5-0", time_of(5), NO_META)
    then = b'{"at":"1970-01-01T00:00:00.005000+00:00"}'
    story.history.append(StoredEvent(1, "Rung", then, about))
    story.answer("Ring", {}, entry="5-0")
    replay = await story.replayed(ringing(ring))
    assert (replay.differences, replay.decided) == ([], 1)


async def test_a_decider_that_never_answers_is_told_and_holds_nobody_up() -> None:
    async def ring(_command: Ring, _state: None) -> None:
        await anyio.sleep_forever()

    [found] = await differences(Story().answer("Ring", {}), ringing(ring))
    assert found.about == "Ring: was accepted (no events), would be failed (raised)"
    assert "TimeoutError" in found.message


async def test_deciders_that_ask_services_are_counted_and_left_out() -> None:
    def ring(_command: Ring, _state: None, bell: Bell) -> None:
        raise AssertionError(bell)

    replay = await Story().answer("Ring", {}).replayed(ringing(ring, Bell()))
    assert (replay.differences, replay.decided, dict(replay.asking)) == ([], 0, {"Ring": 1})


class Strayed(Event):
    """An event that no till evolves by."""


@pytest.mark.parametrize(
    ("answer", "said"),
    [("no event", "a decider returned str"), (Strayed(), "Strayed is not in the annotation")],
)
async def test_an_answer_that_could_not_be_stored_is_told(answer: Any, said: str) -> None:
    def ring(_command: Ring, _state: None) -> Any:
        return answer

    [found] = await differences(Story().answer("Ring", {}), ringing(ring))
    assert found.about == "Ring: was accepted (no events), would be failed (raised)"
    assert f"TypeError: {said}" in found.message
