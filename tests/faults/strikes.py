"""Every kind of fault: how it is done, how long it lasts, and whether it struck.

A strike returns true when it had the effect it is named for. Faults end by themselves:
what was killed is started again, what was frozen is thawed, a bad line is mended.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, TypeVar

import anyio
from redis.exceptions import ResponseError

from tests.faults.cast import LEASE_SECONDS, NAMESPACE, PARTITIONS, Cast
from tests.faults.checker import Window
from tests.faults.clock import CACHE_SECONDS, STEP_SECONDS, library
from tests.faults.program import Program
from tests.faults.proxy import Mode

Thing = TypeVar("Thing")


class Fault(NamedTuple):
    """One fault of a schedule: a kind, the seconds before it and of it, and two dice.

    ``victim`` from 0 to 1 chooses whom it hits, ``size`` how hard, where that varies.
    """

    kind: str
    pause: float
    lasts: float
    victim: float
    size: float

    def one_of(self, things: Sequence[Thing]) -> Thing:
        """The victim."""
        return things[int(self.victim * len(things))]


_ON_ITS_WAY_NS = 500_000_000
"""An answer of a server that is dead may still lie in a busy client's buffer for so long."""

Strike: TypeAlias = Callable[[Cast, Fault], Awaitable[bool]]


@dataclass(frozen=True)
class Kind:
    """A kind of fault; ``least`` and ``most`` are how many seconds it lasts."""

    strike: Strike
    least: float
    most: float


# -- Processes --------------------------------------------------------------------------


async def _kill(program: Program, seconds: float) -> bool:
    program.kill()
    await anyio.sleep(seconds)
    program.start()
    return True


async def _freeze(program: Program, seconds: float) -> bool:
    program.freeze()
    await anyio.sleep(seconds)
    program.thaw()
    return program.is_up


async def kill_engine(cast: Cast, fault: Fault) -> bool:
    """Kill -9 of an owner."""
    return await _kill(fault.one_of(cast.engines), fault.lasts)


async def kill_worker(cast: Cast, fault: Fault) -> bool:
    """Kill -9 of a projection worker."""
    return await _kill(fault.one_of(cast.workers), fault.lasts)


async def freeze_engine(cast: Cast, fault: Fault) -> bool:
    """The zombie: an owner that sleeps beyond its lease and wakes in the middle of a commit."""
    return await _freeze(fault.one_of(cast.engines), fault.lasts)


async def freeze_worker(cast: Cast, fault: Fault) -> bool:
    """The same of a projection worker."""
    return await _freeze(fault.one_of(cast.workers), fault.lasts)


# -- The server -------------------------------------------------------------------------


async def kill_server(cast: Cast, fault: Fault) -> bool:
    """Kill -9 of the server, which comes back with what its file holds."""
    cast.server.program.kill()
    await anyio.sleep(fault.lasts)
    await cast.server.start()
    return True


async def freeze_server(cast: Cast, fault: Fault) -> bool:
    """A server that answers nobody for a while: every lease may have run out meanwhile."""
    return await _freeze(cast.server.program, fault.lasts)


async def flush_scripts(cast: Cast, _fault: Fault) -> bool:
    """SCRIPT FLUSH; it struck if there was any to forget."""
    async with cast.server.admin() as redis:
        known = (await redis.info("memory"))["number_of_cached_scripts"]
        await redis.script_flush()
    return bool(known)


async def fill_memory(cast: Cast, fault: Fault) -> bool:
    """``maxmemory`` is reached, then lifted; it struck if anybody was refused."""
    async with cast.server.admin() as redis:
        refused = await _refused(redis)
        await redis.config_set("maxmemory", 1)
        await anyio.sleep(fault.lasts)
        await redis.config_set("maxmemory", 0)
        return await _refused(redis) > refused


async def _refused(redis: Any) -> int:
    errors = await redis.info("errorstats")
    return int(errors.get("errorstat_OOM", {"count": 0})["count"])


async def step_clock(cast: Cast, fault: Fault) -> bool:
    """Redis's clock jumps, forth or back, and later returns; it struck if Redis says so."""
    step = (0.5 + fault.size / 2) * (STEP_SECONDS if fault.victim < 0.5 else -STEP_SECONDS)
    cast.server.clock.step(step)
    await anyio.sleep(CACHE_SECONDS + fault.lasts)
    async with cast.server.admin() as redis:
        seconds, micros = await redis.time()
    cast.server.clock.step(0)
    return bool(abs(seconds + micros / 1e6 - time.time() - step) < 1)


async def lose_tail(cast: Cast, fault: Fault) -> bool:
    """The server is replaced by a copy of itself from a moment ago, which knows nothing since.

    A replica stops following, the master goes on for a while and is killed, and everybody
    is sent to the replica. What was answered meanwhile is noted in ``cast.lost``.
    """
    old = cast.server
    replica = cast.new_server(f"server-{len(cast.lost) + 2}")
    await replica.start()
    await replica.follow(old)
    async with old.admin() as redis:
        since = time.monotonic_ns()
        # any write will do: WAIT then covers all that was written before it
        await redis.publish("faults", "a tail begins here")
        assert await redis.wait(1, 10_000) == 1, "the replica has all so far"
        await replica.part()
        before = await _written(redis)
        await anyio.sleep(fault.lasts)
        lost = await _written(redis) - before
    old.program.kill()
    cast.replace_server(replica)
    cast.lost.append(Window(since, time.monotonic_ns() + _ON_ITS_WAY_NS))
    return lost > 0


async def _written(redis: Any) -> int:
    return int((await redis.info("replication"))["master_repl_offset"])


async def add_future_entry(cast: Cast, fault: Fault) -> bool:
    """A stream id an hour ahead, in a partition or the inbox: nobody adds behind it with ``*``.

    Refused where the one before it still stands.
    """
    partition = int(fault.victim * (PARTITIONS + 1))
    inbox = f"{{{NAMESPACE}}}:inbox"
    key = inbox if partition == PARTITIONS else f"{{{NAMESPACE}:{partition}}}:commands"
    async with cast.server.admin() as redis:
        seconds, _ = await redis.time()
        cast.others.add(id := f"future-{seconds}")
        fields = {"id": id, "type": "Any", "aggregate": "any-1", "data": "{}", "meta": ""}
        with suppress(ResponseError):
            await redis.xadd(key, fields, id=f"{(seconds + 3600) * 1000}-0")
            return True
    return False


# -- Lines ------------------------------------------------------------------------------


def _on_line(mode: Mode) -> Strike:
    """A line that is bad for a while; one time in five, all lines are."""

    async def strike(cast: Cast, fault: Fault) -> bool:
        lines = cast.lines_in_use
        if fault.size < 0.8:
            lines = [fault.one_of(lines)]
        before = sum(line.struck[mode] for line in lines)
        for line in lines:
            line.delay_seconds = 0.01 + fault.victim * 0.2
            if mode is Mode.CUT:
                cast.portal.call(line.cut)
            else:
                line.mode = mode
        await anyio.sleep(fault.lasts)
        for line in lines:
            cast.portal.call(line.heal)
        return sum(line.struck[mode] for line in lines) > before

    return strike


PROCESSES = {
    "engine killed": Kind(kill_engine, 0.1, 1.5),
    "engine frozen": Kind(freeze_engine, LEASE_SECONDS + 0.5, LEASE_SECONDS + 2),
    "worker killed": Kind(kill_worker, 0.1, 1.5),
    "worker frozen": Kind(freeze_worker, LEASE_SECONDS + 0.5, LEASE_SECONDS + 2),
}
"""What happens to processes, one after the other …"""

SURROUNDINGS = {
    "server killed": Kind(kill_server, 0.1, 1.0),
    "server frozen": Kind(freeze_server, 0.5, LEASE_SECONDS + 1),
    "scripts flushed": Kind(flush_scripts, 0.0, 0.1),
    "future entry": Kind(add_future_entry, 0.0, 0.1),
    "memory full": Kind(fill_memory, 0.5, LEASE_SECONDS + 1),
    **({"clock stepped": Kind(step_clock, 0.5, 2.0)} if library() else {}),
    "replies swallowed": Kind(_on_line(Mode.DROP_REPLIES), 0.3, 3.0),
    "reply lost": Kind(_on_line(Mode.LOSE_REPLY), 0.5, 1.0),
    "line cut": Kind(_on_line(Mode.CUT), 0.0, 1.0),
    "line slow": Kind(_on_line(Mode.DELAY), 0.5, 2.0),
    "line half open": Kind(_on_line(Mode.HALF_OPEN), 0.3, 3.0),
}
"""… and, meanwhile, to what they stand on."""

ON_DEMAND = {
    "tail lost": Kind(lose_tail, 0.5, 1.5),
}
"""Part of the surroundings only where it was asked for."""
