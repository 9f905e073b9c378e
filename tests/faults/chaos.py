"""The director: a schedule from a seed, played while everybody works; then it must all add up.

The story of a run is `ordeal`.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import TypeAlias

import anyio

from engine.core.errors import single
from tests.eventually import eventually
from tests.faults.cast import NAMESPACE, PARTITIONS, Cast, on_stage
from tests.faults.rebuilds import REBUILDS, all_goes_on
from tests.faults.report import Report
from tests.faults.sampler import Sampler
from tests.faults.strikes import ON_DEMAND, PROCESSES, SURROUNDINGS, Fault, Kind
from tests.faults.verdict import judged
from tests.faults.watch import Watch, drained

_PAUSE_SECONDS = (0.2, 1.0)
"""Between two faults of one track: long enough to get somewhere, mostly not to the end."""

_ANSWER_SECONDS = 60
"""After the last fault every client must have had its answers by then."""

_STOP_SECONDS = 15
"""A drain's limit, and some."""


def schedule(seed: int, track: str, seconds: float, kinds: Mapping[str, Kind]) -> Iterator[Fault]:
    """Faults for so many seconds: in every round each kind once, in random order."""
    random = Random(f"{seed} {track}")
    spent = 0.0
    while True:
        for kind in random.sample(sorted(kinds), len(kinds)):
            lasts = random.uniform(kinds[kind].least, kinds[kind].most)
            fault = Fault(
                kind, random.uniform(*_PAUSE_SECONDS), lasts, random.random(), random.random()
            )
            spent += fault.pause + fault.lasts
            if spent > seconds:
                return
            yield fault


Tracks: TypeAlias = Mapping[str, Mapping[str, Kind]]

MIXED: Tracks = {"processes": PROCESSES, "surroundings": SURROUNDINGS, "read models": REBUILDS}
"""Everything that a namespace must bear without losing an answer."""


def mixed_with(extra: Sequence[str]) -> Tracks:
    """The same and more, which must be asked for by name."""
    return {**MIXED, "surroundings": SURROUNDINGS | {kind: ON_DEMAND[kind] for kind in extra}}


async def ordeal(place: Path, seed: int, seconds: float, tracks: Tracks = MIXED) -> Report:
    """Everybody works while the schedule is played; then everything must end well.

    ``place`` is where all evidence goes. Tracks are played at the same time. Raises
    `AssertionError` where something ended by itself, never ended, or was never answered;
    what the judges find is in the report.
    """
    report = Report(seed, seconds)
    try:
        async with on_stage(place, seed) as cast:
            watch = Watch(cast)
            url, samples = cast.watch_line.url, place / "samples.jsonl"
            sampler = Sampler(url, NAMESPACE, PARTITIONS, samples)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(watch.run)
                tasks.start_soon(sampler.run)
                await all_tracks(cast, tracks, report)
                cast.tell("all is well again")
                await cast.heal()
                await all_goes_on(cast)
                await everything_is_answered(cast, watch)
                tasks.cancel_scope.cancel()
            await everybody_goes(cast)
            report.seen = watch.seen
            lines = [line for p in cast.daemons for line in p.log.read_text().splitlines()]
            report.leases_lost = sum('"event": "lease.lost"' in line for line in lines)
            report.flips = sum('"event": "projection.flipped"' in line for line in lines)
            report.stray_lines = sum(not line.startswith("{") for line in lines)
            report.verdict = await judged(cast, sampler.samples)
            report.verdict.faults += (line for line in lines if "projection.differs" in line)
    except BaseExceptionGroup as errors:
        raise single(errors) from None
    return report


async def all_tracks(cast: Cast, tracks: Tracks, report: Report) -> None:
    """Play the whole schedule."""
    async with anyio.create_task_group() as playing:
        for track, kinds in tracks.items():
            playing.start_soon(play, cast, track, kinds, report)


async def play(cast: Cast, track: str, kinds: Mapping[str, Kind], report: Report) -> None:
    """One track of the schedule; a fault that struck nobody is tried once more."""
    for fault in schedule(report.seed, track, report.seconds, kinds):
        await anyio.sleep(fault.pause)
        cast.tell(f"{fault.kind} for {fault.lasts:.1f} s, victim {fault.victim:.2f}")
        strike = kinds[fault.kind].strike
        struck = await strike(cast, fault) or await strike(cast, fault)
        (report.struck if struck else report.missed)[fault.kind] += 1


async def everything_is_answered(cast: Cast, watch: Watch) -> None:
    """Clients end once each of their commands has its answer; then nothing may be left over."""
    try:
        for client in cast.clients:
            client.ask_to_end()
        for client in cast.clients:
            await client.ended_well(_ANSWER_SECONDS)
        async with cast.server.admin() as redis:
            await eventually(lambda: drained(redis), "all is drained", _ANSWER_SECONDS)
    except AssertionError as error:
        still = "\n".join(watch.standing_still())
        raise AssertionError(f"{error}\nstanding still:\n{still or 'nothing'}") from error


async def everybody_goes(cast: Cast) -> None:
    """A stop is clean, whatever came before it."""
    for program in cast.daemons:
        program.ask_to_end()
    for program in cast.daemons:
        await program.ended_well(_STOP_SECONDS)
