"""Actors in memory: those used longest ago go, by number and by bytes."""

from typing import Any

from prometheus_client import Gauge

from engine import Decider
from engine.runtime.warm import ACTOR_BYTES, Actor, Bounds, WarmActors
from engine.telemetry.actors import ACTORS, ACTORS_BYTES, ACTORS_EVICTED
from tests.eventually import eventually
from tests.runtime.stage import Stage, aggregates

KILO = 1000
PLENTY = 10**9


def actor(state: Any = None) -> Actor:
    return Actor(Decider(kind="thing", initial=None, decide=(), evolve=lambda s, _: s), state)


def warm(names: str, bounds: Bounds) -> WarmActors:
    """One actor for each letter, each made of a kilobyte."""
    found = WarmActors(bounds)
    for name in names:
        found.admit(name, actor(), KILO)
    return found


def evicted(bound: str) -> float:
    return float(ACTORS_EVICTED.labels(bound)._value.get())


def test_those_used_longest_ago_go_first() -> None:
    actors, before = warm("abcde", Bounds(3, PLENTY)), evicted("count")
    assert actors.touch("ax") == ["x"]
    actors.evict(1)
    assert list(actors) == ["d", "e", "a"]
    assert evicted("count") == before + 2


def test_what_is_wanted_now_stays_even_out_of_bounds() -> None:
    actors = warm("abcde", Bounds(1, 1))
    assert actors.touch("bd") == []
    actors.evict(2)
    assert list(actors) == ["b", "d"]


def test_a_bound_in_bytes_lets_go_too() -> None:
    actors = warm("abcde", Bounds(10, PLENTY))
    each, before = actors.bytes // 5, evicted("bytes")
    assert each == actors["a"].size >= KILO + ACTOR_BYTES
    actors = warm("abcde", Bounds(10, 3 * each))
    actors.evict(1)
    assert (list(actors), actors.bytes) == (["c", "d", "e"], 3 * each)
    assert evicted("bytes") == before + 2


def test_what_grows_is_measured_once_that_is_worth_it() -> None:
    actors = WarmActors(Bounds(10, PLENTY))
    actors.admit("small", small := actor("x"), 0)
    actors.admit("large", large := actor("x" * KILO * KILO), KILO * KILO)
    for _ in range(1000):
        actors.grow(small, KILO)
        assert small.size < 40 * KILO, "a state that only changes does not seem to grow"
        actors.grow(large, KILO)
    assert KILO * KILO <= large.size <= 3 * KILO * KILO
    assert actors.bytes == small.size + large.size


async def test_a_partition_says_how_many_it_has_and_keeps_within_bytes() -> None:
    stage = Stage(actors_bytes=4 * 10 * KILO)
    probes = aggregates("probe", 1, 5)
    before = evicted("bytes")
    async with stage.owner(1):
        for n in (1, 2):
            for probe in probes:
                outcome = await stage.answer("Note", probe, {"text": "x" * 3 * KILO})
                assert outcome.version == n
        await eventually(lambda: shown(ACTORS, 1) == [1], "one of them is left")
        [size] = shown(ACTORS_BYTES, 1)
        assert size > 6 * KILO
    assert evicted("bytes") > before
    assert not shown(ACTORS, 1)


def shown(gauge: Gauge, partition: int) -> list[float]:
    """What a scrape finds of a partition."""
    [metric] = gauge.collect()
    return [one.value for one in metric.samples if one.labels["partition"] == str(partition)]
