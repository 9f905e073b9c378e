"""Keeping leases: what is free is held, what is held is waited for, what is lost is let go."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
import structlog
from anyio.abc import TaskGroup

from engine.core.errors import Fenced, Refused, Torn
from engine.runtime import leases as module
from engine.runtime.leases import Keeper
from engine.runtime.shutdown import Shutdown
from engine.store.memory import MemorySession
from tests.eventually import eventually
from tests.runtime.meddling import Meddler
from tests.runtime.stage import Stage

SECONDS, HEARTBEAT = 10.0, 0.003


class Guest:
    """A tenant that does nothing for as long as it may."""

    def __init__(self, log: list[str], ending: Exception | None = None) -> None:
        self._log, self._ending = log, ending
        self._stopped = anyio.Event()
        self.leaves = anyio.Event()
        self.leaves.set()

    async def serve(self, token: str) -> None:
        assert token
        self._log.append("served")
        try:
            if self._ending is not None:
                raise self._ending
            await self._stopped.wait()
            self._log.append("leaving")
            await self.leaves.wait()
        finally:
            self._log.append("gone")

    def stop(self) -> None:
        self._stopped.set()


class House:
    """Leases on one session, and whoever keeps them."""

    def __init__(self, stage: Stage, session: MemorySession, tasks: TaskGroup) -> None:
        self.stage, self.session, self._tasks = stage, session, tasks
        self.keys = [session.partition_lease(n) for n in range(4)]
        self.asked = 0
        """How often anybody asked for a lease."""

    def holders(self) -> list[str]:
        """Which node holds each lease; empty for nobody."""
        data = self.stage.server.data
        return [data.hash(key).get("node", "") for key in self.keys]

    def move_in(self, node: str, tenant: Callable[[], Guest], count: int = 4) -> "Keeping":
        """Have a node keep the first leases."""
        leases: Any = Meddler(self.session.leases, before={"acquire_all": self._count})
        keeping = Keeping(Keeper(leases, node, SECONDS, HEARTBEAT))
        wanted = dict.fromkeys(self.keys[:count], tenant)
        self._tasks.start_soon(keeping.keep, wanted)
        return keeping

    async def asked_again(self) -> None:
        """Until every lease has been asked for twice more."""
        before = self.asked
        await eventually(lambda: self.asked >= before + 2 * len(self.keys), "leases are asked for")

    async def renewed(self, count: int = 4) -> None:
        """Until the first leases have been renewed, by the clock as it is."""
        hashes = [self.stage.server.data.hash(key) for key in self.keys[:count]]
        end = self.stage.server.now_ms() + SECONDS * 1000
        await eventually(lambda: all(int(h["until"]) >= end for h in hashes), "they are renewed")

    async def _count(self) -> None:
        self.asked += len(self.keys)


class Keeping:
    """One keeper at work."""

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper
        self.shutdown = Shutdown()
        self.ready = anyio.Event()
        self.done = anyio.Event()
        self._scope = anyio.CancelScope()

    async def keep(self, wanted: dict[str, Callable[[], Guest]]) -> None:
        with self._scope:
            await self.keeper.keep(wanted, self.shutdown, self.ready.set)
        self.done.set()

    def die(self) -> None:
        """Be gone without a word."""
        self._scope.cancel()


@asynccontextmanager
async def house() -> AsyncIterator[House]:
    stage = Stage()
    async with stage.session() as session, anyio.create_task_group() as tasks:
        yield House(stage, session, tasks)
        tasks.cancel_scope.cancel()


async def test_everything_that_is_free_is_held_and_given_back() -> None:
    log: list[str] = []
    async with house() as h:
        keeping = h.move_in("a", lambda: Guest(log))
        await keeping.ready.wait()
        assert h.holders() == ["a"] * 4
        assert keeping.keeper.count == 4
        keeping.shutdown.ask()
        await keeping.done.wait()
        assert h.holders() == [""] * 4
        assert sorted(log) == sorted(["served", "leaving", "gone"] * 4)


async def test_a_second_node_waits_and_follows_who_gives_back() -> None:
    log: list[str] = []
    async with house() as h:
        first = h.move_in("a", lambda: Guest([]))
        await first.ready.wait()
        second = h.move_in("b", lambda: Guest(log))
        await second.ready.wait()
        await h.asked_again()
        assert (h.holders(), log) == (["a"] * 4, [])
        first.shutdown.ask()
        await eventually(lambda: h.holders() == ["b"] * 4, "the second node holds all")
        assert log == ["served"] * 4


async def test_who_dies_is_followed_when_its_leases_expire_and_not_before() -> None:
    async with house() as h:
        first = h.move_in("a", lambda: Guest([]))
        await first.ready.wait()
        second = h.move_in("b", lambda: Guest([]))
        await second.ready.wait()
        first.die()
        await first.done.wait()
        h.stage.clock.now += SECONDS - 1
        await h.asked_again()
        assert h.holders() == ["a"] * 4
        h.stage.clock.now += 2
        await eventually(lambda: h.holders() == ["b"] * 4, "the second node holds all")


async def test_a_lease_that_is_renewed_outlives_its_length() -> None:
    async with house() as h:
        first = h.move_in("a", lambda: Guest([]))
        await first.ready.wait()
        h.move_in("b", lambda: Guest([]))
        for _ in range(5):
            h.stage.clock.now += SECONDS / 2
            await h.renewed()
        assert h.holders() == ["a"] * 4


async def test_a_lease_that_somebody_took_ends_its_tenant_at_once() -> None:
    log: list[str] = []
    async with house() as h:
        guest = Guest(log)
        guest.leaves = anyio.Event()
        keeping = h.move_in("a", lambda: guest, count=1)
        await keeping.ready.wait()
        await eventually(lambda: log, "the tenant is served")
        theirs = {"node": "b", "token": "theirs", "until": str(h.stage.server.now_ms() + 10_000)}
        h.stage.server.data.put(h.keys[0], theirs)
        await eventually(lambda: log[-1] == "gone", "the tenant is gone")
        await eventually(lambda: keeping.keeper.count == 0, "the lease is let go")
        assert h.stage.server.data.hash(h.keys[0]) == theirs


async def test_who_is_fenced_gives_nothing_back() -> None:
    log: list[str] = []
    async with house() as h:
        keeping = h.move_in("a", lambda: Guest(log, Fenced("another commit stands")), count=1)
        await eventually(lambda: log == ["served", "gone"], "the tenant is gone")
        await eventually(lambda: keeping.keeper.count == 0, "the lease is let go")
        assert h.holders()[0] == "a"
        h.stage.clock.now += SECONDS + 1
        await eventually(lambda: len(log) > 2, "it is served anew once it expired")


async def test_what_is_torn_rests_and_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module._ENDINGS, Torn, module._Ending("partition.stopped", 0.05))
    torn: list[str] = []
    guests = iter([Guest(torn, Torn("the log ends elsewhere")), *(Guest([]) for _ in range(9))])
    async with house() as h:
        keeping = h.move_in("a", lambda: next(guests))
        await eventually(lambda: h.holders() == ["", "a", "a", "a"], "one lease is given back")
        await eventually(lambda: keeping.keeper.count == 4, "it is looked at again")


async def test_what_is_refused_rests_and_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module._ENDINGS, Refused, module._Ending("lease.suspended", 0.02))
    log: list[str] = []
    guests = iter([Guest(log, Refused("OOM")), Guest(log, Refused("OOM")), Guest(log)])
    async with house() as h:
        keeping = h.move_in("a", lambda: next(guests), count=1)
        await eventually(lambda: log.count("served") == 3, "it is served after all")
        assert (h.holders()[0], keeping.keeper.count) == ("a", 1)


async def test_a_tenant_that_takes_its_time_to_leave_keeps_its_lease() -> None:
    log: list[str] = []
    async with house() as h:
        slow = Guest(log)
        slow.leaves = anyio.Event()
        keeping = h.move_in("a", lambda: slow, count=1)
        await keeping.ready.wait()
        keeping.shutdown.ask()
        await eventually(lambda: log == ["served", "leaving"], "it is leaving")
        for _ in range(3):
            h.stage.clock.now += SECONDS / 2
            await h.renewed(1)
        slow.leaves.set()
        await keeping.done.wait()
        assert h.holders()[0] == ""


async def test_an_error_of_our_own_stops_one_lease_and_not_its_neighbours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ending = module._Ending("partition.stopped", 0.05)
    monkeypatch.setitem(module._ENDINGS, Exception, ending)
    neighbour: list[str] = []
    guests = iter([Guest([], ZeroDivisionError("a bug")), *(Guest(neighbour) for _ in range(9))])
    async with house() as h:
        with structlog.testing.capture_logs() as logged:
            keeping = h.move_in("a", lambda: next(guests))
            await eventually(lambda: h.holders() == ["", "a", "a", "a"], "one lease is given back")
            await eventually(lambda: keeping.keeper.count == 4, "it is served anew")
        assert neighbour == ["served"] * 4
    (said,) = [entry for entry in logged if entry["event"] == "partition.stopped"]
    assert said["error"] == "ZeroDivisionError: a bug"
