"""The watch: what stays wrong is told once, by whoever watches, and so is that it is over."""

from typing import Any

import pytest
import structlog

from engine.core.alerting import BEHIND, PARKED, About, read_alarms
from engine.core.errors import Fenced, NotNow
from engine.core.parking import Fault, Note, without, written
from engine.runtime import watch as module
from engine.runtime.watch import Watch, watch_group
from projections.customers import customers
from tests.counted import Counted
from tests.eventually import eventually
from tests.receiver import Receiver, receiver
from tests.runtime.meddling import Meddler
from tests.runtime.reading import reading
from tests.runtime.watching import FOR_SECONDS, Lines, watched


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.001)


@pytest.fixture
def logged() -> Any:
    with structlog.testing.capture_logs() as lines:
        yield lines


UNOWNED = About(customers.name, 1, BEHIND)


async def test_nobody_projects_and_somebody_is_told_once(logged: Lines) -> None:
    counted = Counted()
    async with watched(logged) as one, one.watching():
        assert one.told() == []
        assert one.alarms() == {UNOWNED}
        await one.lasts()
        assert one.told() == ["projection.alert"]
        [line] = [line for line in logged if line["event"] == "projection.alert"]
        assert (line["log_level"], line["projection"], line["generation"]) == (
            "warning", "customers", 1,
        )  # fmt: skip
        assert (line["kind"], line["behind"]) == ("behind", 6)
        assert "4 of 4 partitions are nobody's" in line["why"]
        assert counted.now("semel_projection_alerts", projection="customers") == 1
        await one.lasts()
        assert one.told() == ["projection.alert"]
    assert counted.now("semel_projection_alerts", projection="customers") == 0


async def test_it_is_told_when_all_has_been_well_for_a_while(logged: Lines) -> None:
    async with watched(logged) as one, one.watching():
        await one.lasts()
        await one.own()
        await one.apply(6)
        await one.lasts(FOR_SECONDS - 1)
        assert one.told() == ["projection.alert"]
        await one.own()
        await one.lasts(2)
        assert one.told() == ["projection.alert", "projection.recovered"]
        await one.seen()
        assert one.alarms() == set()
        assert one.r.stage.keys.alarms() not in one.r.stage.server.data.dump()


async def test_a_webhook_hears_the_same(logged: Lines) -> None:
    with receiver() as hook:
        async with watched(logged) as one, one.watching(hook.url):
            await one.lasts()
            await heard(hook, "projection.alert")
            await one.own()
            await one.apply(6)
            await one.lasts()
            await heard(hook, "projection.alert", "projection.recovered")
        alert, recovered = hook.messages
        assert (alert["namespace"], alert["node"], alert["behind"]) == ("semel", "node-a", 6)
        assert alert["text"] == f"semel: customers@1: {alert['why']}"
        assert recovered["text"].startswith("semel: customers@1 is well again, after 2")
        assert alert["since"] == recovered["since"]


async def test_whoever_watches_next_goes_on_where_the_last_one_was(logged: Lines) -> None:
    async with watched(logged) as one:
        async with one.watching():
            await one.lasts(FOR_SECONDS // 2)
        async with one.watching():
            await one.lasts(FOR_SECONDS // 2 + 1)
            assert one.told() == ["projection.alert"]
        async with one.watching():
            await one.lasts(3)
        assert one.told() == ["projection.alert"]
        await one.own()
        await one.apply(6)
        async with one.watching():
            await one.lasts()
        assert one.told() == ["projection.alert", "projection.recovered"]


async def test_who_stops_when_it_has_told_notes_that(logged: Lines) -> None:
    async with watched(logged) as one:
        watches: list[Watch] = []

        async def stop_when_raised() -> None:
            if "raised_ms" in str(one.kept()):
                watches[0].stop()

        alarms: Any = Meddler(one.r.session.alarms, after={"note": stop_when_raised})
        one.r.session.alarms = alarms
        async with one.watching() as watch:
            watches.append(watch)
            await one.waits()
            await eventually(lambda: one.told() == ["projection.alert"], "it is told")
        assert [alarm.told for alarm in read_alarms(one.kept()).values()] == [True]


async def test_what_a_watch_had_no_time_to_tell_the_next_one_tells(logged: Lines) -> None:
    with receiver() as hook:
        hook.holds.clear()
        async with watched(logged) as one:
            async with one.watching(hook.url):
                await one.lasts()
                assert one.told() == ["projection.alert"]
            hook.holds.set()
            async with one.watching(hook.url):
                await heard_at_least(hook, 1)
                await one.lasts(3)
            told = len(hook.messages)
            async with one.watching(hook.url):
                await one.lasts(3)
            assert len(hook.messages) == told <= 2


async def test_who_does_not_watch_any_more_tells_nothing(logged: Lines) -> None:
    async with watched(logged) as one:
        async with one.watching():
            await one.lasts(FOR_SECONDS // 2)
        token = await one.acquire()
        watch = one.make()
        one.r.stage.clock.now += FOR_SECONDS
        await one.acquire()
        with pytest.raises(Fenced):
            await watch.serve(token)
        assert one.told() == []


async def test_a_redis_that_takes_no_writes_keeps_nobody_from_being_told(logged: Lines) -> None:
    async with watched(logged) as one:

        async def refuse() -> None:
            raise NotNow("MISCONF its disk is full")

        alarms: Any = Meddler(one.r.session.alarms, before={"note": refuse})
        one.r.session.alarms = alarms
        async with one.watching():
            await one.lasts()
            assert one.told() == ["projection.alert"]
            assert [line["event"] for line in logged].count("alert.unnoted") == 1


async def test_a_lag_is_told_where_it_is_long(logged: Lines) -> None:
    async with watched(logged) as one:
        await one.own()
        one.report, one.r.stage.clock.now = '{"moved":0.1,"busy":0.1}', one.r.stage.clock.now + 21
        async with one.watching():
            for _ in range(FOR_SECONDS + 1):
                await one.own()
                await one.lasts(1)
        [line] = [line for line in logged if line["event"] == "projection.alert"]
        assert line["why"].startswith("6 events behind, by ")
        assert line["seconds"] > 20


async def test_parked_aggregates_are_told_apart(logged: Lines) -> None:
    async with watched(logged) as one:
        await one.own()
        note = Note(3, "OrderCreated", Fault("KeyError", "a bug"), 4, 1)
        await one.apply(6, {"order-1": written(note)})
        async with one.watching():
            assert one.alarms() == {About(customers.name, 1, PARKED)}
            await one.lasts()
            await one.own()
            await one.apply(6, without("order-1"))
            await one.lasts()
        said = [(line["event"], line["kind"], line["parked"]) for line in logged if "kind" in line]
        assert said == [
            ("projection.alert", PARKED, 1), ("projection.recovered", PARKED, 1),
        ]  # fmt: skip


async def test_the_one_before_may_stand_still_and_a_build_may_be_behind(logged: Lines) -> None:
    async with watched(logged) as one:
        builds, now = one.r.session.builds, one.r.stage.server.now_ms()
        found = await builds.read(customers.name)
        flipped = found.begun("d", now).flipped(now)
        for step in (found.begun("d", now), flipped):
            assert await builds.revise(customers.name, step)
        async with one.watching():
            assert one.alarms() == {About(customers.name, 2, BEHIND)}


async def test_generations_that_cannot_be_read_are_told(logged: Lines) -> None:
    async with watched(logged) as one:
        one.r.stage.server.data.plant(one.r.stage.keys.live(customers.name), "planted")
        async with one.watching():
            await one.lasts()
        assert one.told() == ["projection.alert"]


async def test_only_who_has_something_to_watch_watches() -> None:
    async with reading() as r:
        domain, settings = r.stage.domain, r.stage.settings
        group = watch_group(r.session, domain, settings, "n")
        assert list(group["watch"]) == [r.session.watch_lease()]
        bare: Any = type("Bare", (), {"projections": {}, "reactions": ()})
        assert watch_group(r.session, bare, settings, "n") == {}
        bare.reactions = ("letters",)
        assert list(watch_group(r.session, bare, settings, "n")) == ["watch"]


async def heard(hook: Receiver, *events: str) -> None:
    await eventually(lambda: hook.events("customers") == list(events), f"{events} are heard")


async def heard_at_least(hook: Receiver, count: int) -> None:
    await eventually(lambda: len(hook.messages) >= count, f"{count} messages are heard")
