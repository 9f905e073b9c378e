"""Where an idle command's time goes, from client to outcome, step by step.

Client, server and engine are processes as in life; the sockets of both of ours are listened to
(`engine.edge.bench.tap`). Of each command there are stamps at the client's call, where each
packet left a process or woke one, and at the outcome in hand, so the steps have no gaps between.
A command whose engine did something else meanwhile, such as a heartbeat, is left out and counted.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from statistics import mean, median
from typing import Any

import anyio
import msgspec

from engine import app
from engine.core.errors import SemelError
from engine.core.registry import Domain
from engine.edge.bench import usage, wire, workload
from engine.edge.bench.figures import Latency, ratio
from engine.edge.bench.nodes import all_of, share_evenly, telling
from engine.edge.bench.parts.latency import echoes
from engine.edge.bench.steps import Seen, moments, usual, whole_of
from engine.edge.bench.tap import MODULE, Place, Stamp, tapped
from engine.edge.bench.workload import Wish
from engine.edge.client import Client
from engine.settings import Settings

_WARM = 300
"""Commands before any is counted: each partition has had some by then."""

_PAUSE_SECONDS = 0.002
"""Between two commands: what the engine does after an outcome is over by then."""

WARM_STEPS = ("asked", "added", "decided", "committed", "told")
COLD_STEPS = ("asked", "added", "judged", "loaded", "decided", "committed", "told")
"""The steps of a command whose aggregate is in memory, and of one that is loaded first."""

STEPS: Mapping[str, tuple[str, str]] = {
    "asked": ("Python, client", "id and fields made, XADD handed to the socket"),
    "added": ("server, 2 wakes", "XADD runs; the engine's blocked read ends, and wakes it"),
    "judged": ("Python, engine", "entry read, judged; the aggregate is asked for"),
    "loaded": ("server, 2 wakes", "its events are read"),
    "decided": ("Python, engine", "decided, drafted, the commit handed to the socket"),
    "committed": (
        "server, 2 wakes",
        "the commit; the client's blocked read ends, and wakes it",
    ),
    "told": ("Python, client", "outcome read, handed to who asked"),
}
"""Whose time each step is, and what happens in it."""


class Way(msgspec.Struct, frozen=True):
    """Microseconds: the ``whole``'s median, and the steps of commands that take about as long.

    ``left`` is in no step. ``answered`` is how long the engine waits for its commit's answer, for
    which nobody else waits. ``server`` has what the server runs for a command, by its own count,
    ``cpu`` what a command costs each process, its idling included.
    """

    commands: int
    disturbed: int
    whole: float
    steps: dict[str, float]
    left: float
    answered: float
    server: dict[str, float]
    cpu: dict[str, float]


class Path(msgspec.Struct, frozen=True):
    """New orders, which are loaded first, and items added to them: microseconds.

    ``ping`` is a bare round trip to the server: two wakes and next to no work.
    """

    echo: float
    ping: float
    cold: Way
    warm: Way
    cold_to_echo: float
    warm_to_echo: float


class _Asked(msgspec.Struct, frozen=True):
    """When a command was begun, and its outcome was in hand; and what both kinds cost meanwhile."""

    times: list[tuple[float, float]]
    server: dict[str, float]
    cpu: dict[str, float]


async def path(settings: Settings, domain: Domain, port: int, samples: int) -> Path:
    """Watch so many commands of each kind, one at a time, between two halves of as many echoes."""
    place = Place(settings.redis, settings.namespace)
    round_trips = await echoes(port, samples // 2)
    async with (
        app.namespace_session(settings, create=app.DEFAULT_PARTITIONS) as session,
        telling(MODULE, msgspec.json.encode(place).decode()) as engine,
    ):
        leases = [session.partition_lease(number) for number in range(session.partitions)]
        await share_evenly(session, leases, 1)
        with tapped() as seen:
            async with app.open_client(settings, domain) as client:
                cold, warm = await _both(client, port, engine.pid, samples)
        engine.terminate()
        told = msgspec.json.decode(await all_of(MODULE, engine), type=list[Stamp])
    round_trips += await echoes(port, samples - samples // 2)
    pings = await _pings(port, samples)
    echo = Latency.of(round_trips).p50 * 1e3
    loaded, known = _way(cold, seen, told, COLD_STEPS), _way(warm, seen, told, WARM_STEPS)
    ratios = (ratio(way.whole, echo) for way in (loaded, known))
    return Path(echo, median(pings) * 1e6, loaded, known, *ratios)


async def _both(client: Client, port: int, engine: int, samples: int) -> tuple[_Asked, _Asked]:
    """New orders, then an item more for each of them."""
    await _asked(client, port, engine, list(workload.created(range(_WARM))))
    orders = range(_WARM, _WARM + samples)
    cold = await _asked(client, port, engine, list(workload.created(orders)))
    return cold, await _asked(client, port, engine, list(workload.extended(orders)))


async def _asked(client: Client, port: int, engine: int, wishes: Sequence[Wish]) -> _Asked:
    """Submit these one by one, with a pause between."""
    times = []
    calls, used = wire.server_calls(port), _used(port, engine)
    for wish in wishes:
        began = time.perf_counter()
        outcome = await client.commands.submit(wish.type, wish.order, wish.data)
        times.append((began, time.perf_counter()))
        outcome.raise_unless_accepted()
        await anyio.sleep(_PAUSE_SECONDS)
    ended = _used(port, engine)
    costs = {who: (ended[who] - used[who]) / len(wishes) * 1e6 for who in used}
    return _Asked(times, _run(calls, wire.server_calls(port), len(wishes)), costs)


def _used(port: int, engine: int) -> dict[str, float]:
    return {
        "client": time.process_time(), "engine": usage.cpu_seconds(engine),
        "server": wire.server_cpu(port),
    }  # fmt: skip


def _run(
    before: Mapping[str, tuple[int, int]], after: Mapping[str, tuple[int, int]], commands: int
) -> dict[str, float]:
    """Microseconds of an XADD, and of all blocked reads and scripts that are run for a command."""

    def more(name: str) -> tuple[int, int]:
        (calls, usec), (first, earlier) = after.get(name, (0, 0)), before.get(name, (0, 0))
        return calls - first, usec - earlier

    adds, adding = more("xadd")
    return {
        "xadd": ratio(adding, adds),
        "reads": more("xread")[1] / commands,
        "scripts": more("evalsha")[1] / commands,
    }


def _way(
    asked: _Asked, client: Sequence[Stamp], engine: Sequence[Stamp], names: Sequence[str]
) -> Way:
    """What the stamps of both processes come to."""
    here, there = Seen(client), Seen(engine)
    ends = [*(began for began, _ in asked.times[1:]), asked.times[-1][1] + _PAUSE_SECONDS]
    found = [moments(here, there, *t, end) for t, end in zip(asked.times, ends, strict=True)]
    # An end more than there are steps, and the answer to the commit.
    alone = [each for each in found if len(each) == len(names) + 2]
    if not alone:
        raise SemelError("no command was alone on its way: the machine is too busy to say more")
    middle = usual(alone)
    steps = {
        name: mean(each[i + 1] - each[i] for each in middle) * 1e6 for i, name in enumerate(names)
    }
    p50 = median(map(whole_of, alone)) * 1e6
    return Way(
        len(alone), len(found) - len(alone), p50, steps, p50 - sum(steps.values()),
        mean(each[-1] - each[-4] for each in middle) * 1e6, asked.server, asked.cpu,
    )  # fmt: skip


async def _pings(port: int, count: int) -> list[float]:
    """Bare round trips, with the pauses that commands have."""
    seconds = []
    with closing(wire.Link(port)) as link:
        for _ in range(count):
            began = time.perf_counter()
            link.call(b"PING")
            seconds.append(time.perf_counter() - began)
            await anyio.sleep(_PAUSE_SECONDS)
    return seconds


def tell(said: Mapping[str, Any]) -> Iterator[str]:
    """The table of this part."""
    cold, warm = said["cold"], said["warm"]
    yield f"path        {'us':<15} {'cold':>6} {'warm':>6}"
    for name, (whose, what) in STEPS.items():
        yield f"            {whose:<15} {_cell(cold, name)} {_cell(warm, name)}  {what}"
    yield f"            {'in no step':<15} {cold['left']:>6.0f} {warm['left']:>6.0f}"
    yield (
        f"            {'p50 of it all':<15} {cold['whole']:>6.0f} {warm['whole']:>6.0f}  "
        f"{said['cold_to_echo']:.2f} and {said['warm_to_echo']:.2f} x the echo's {said['echo']:.0f}"
    )
    yield (
        f"            a bare round trip, which is 2 wakes: {said['ping']:.0f}; the engine has its "
        f"commit's answer after {cold['answered']:.0f} and {warm['answered']:.0f}"
    )
    for kind, way in (("cold", cold), ("warm", warm)):
        server, cpu = (
            ", ".join(f"{name} {us:.0f}" for name, us in way[part].items())
            for part in ("server", "cpu")
        )
        yield (
            f"            {kind}: the server runs {server}; a core is busy for {cpu}; "
            f"{way['commands']:,} commands, {way['disturbed']:,} left out"
        )


def _cell(way: Mapping[str, Any], name: str) -> str:
    return f"{way['steps'][name]:>6.0f}" if name in way["steps"] else " " * 6
