"""The watch looks at routers and side effects as it does at projections."""

from typing import Any

import pytest
import structlog

from engine.core.alerting import BEHIND, NO_GENERATION, PARKED, About
from engine.core.parking import Fault, Note, without, written
from engine.core.records import Checkpoint
from engine.runtime import watch as module
from engine.runtime.watch import Watch
from tests.counted import Counted
from tests.eventually import eventually
from tests.receiver import receiver
from tests.runtime.reading import PARTITION
from tests.runtime.stage import PARTITIONS
from tests.runtime.watching import Lines, Watched, watched

NAME = "letters"


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.001)


@pytest.fixture
def logged() -> Any:
    with structlog.testing.capture_logs() as lines:
        yield lines


def watch_of(one: Watched) -> None:
    """Have whoever watches look at a reaction alone."""

    def make(url: str | None = None) -> Watch:
        settings = one.r.stage.settings.model_copy(update={"alert_webhook": url})
        return Watch(one.r.session, (), settings, "node-a", (NAME,))

    one.make = make  # type: ignore[method-assign]


def own(one: Watched) -> None:
    """Have a worker hold the reaction in all partitions."""
    far = str(int((one.r.stage.clock.now + 50) * 1000))
    for partition in range(PARTITIONS):
        key = one.r.session.reaction_lease(NAME, partition)
        one.r.stage.server.data.put(key, {"node": "w", "token": "t", "until": far})


async def react(one: Watched, upto: int, notes: dict[str, str] | None = None) -> None:
    """Have it react to the log so far."""
    log = one.r.session.reaction_log(NAME, PARTITION, "t")
    before = (await log.checkpoint()).position
    await log.move(before, Checkpoint(upto, f"{upto}-7", "b"), {}, notes or {})


def told(lines: Lines) -> list[str]:
    return [line["event"] for line in lines if line["event"].startswith("reaction.")]


async def test_where_nobody_serves_it_somebody_is_told_and_when_that_is_over(logged: Lines) -> None:
    counted = Counted()
    with receiver() as hook:
        async with watched(logged) as one:
            watch_of(one)
            async with one.watching(hook.url):
                assert one.alarms() == {About(NAME, NO_GENERATION, BEHIND)}
                await one.lasts()
                assert counted.now("semel_projection_alerts", projection=NAME) == 1
                await eventually(lambda: len(hook.messages) == 1, "it is told")
                own(one)
                await react(one, 6)
                await one.lasts()
                await eventually(lambda: len(hook.messages) == 2, "that is told")
        assert told(logged) == ["reaction.alert", "reaction.recovered"]
        alert, recovered = hook.messages
    assert (alert["event"], alert["reaction"], alert["kind"]) == ("reaction.alert", NAME, BEHIND)
    assert "projection" not in alert
    assert "generation" not in alert
    assert (alert["behind"], alert["text"]) == (6, f"semel: {NAME}: {alert['why']}")
    assert "4 of 4 partitions are nobody's" in alert["why"]
    assert recovered["event"] == "reaction.recovered"
    assert recovered["text"].startswith(f"semel: {NAME} is well again")


async def test_a_lag_and_parked_aggregates_are_told_apart(logged: Lines) -> None:
    async with watched(logged) as one:
        watch_of(one)
        own(one)
        note = Note(3, "OrderCreated", Fault("KeyError", "a bug"), 4, 1)
        await react(one, 3, {"order-1": written(note)})
        one.r.stage.clock.now += 21
        async with one.watching():
            own(one)
            kinds = {each.kind for each in one.alarms()}
            assert kinds == {BEHIND, PARKED}
            await react(one, 6, without("order-1"))
            await one.seen()
            assert one.alarms() == set()
    assert told(logged) == []  # it did not last
