"""Keeping leases: a fair share is held, what is lost is let go, what is free is taken up."""

from types import MappingProxyType
from typing import Any

import anyio
import pytest
import structlog

from engine.core import doubt
from engine.core.doubt import Ending
from engine.core.errors import Fenced, NotNow, Refused, Torn
from tests.eventually import eventually
from tests.runtime.house import SECONDS, Guest, house
from tests.runtime.meddling import Barrier, Meddler


def rests(patch: pytest.MonkeyPatch, kind: type[Exception], event: str, seconds: float) -> None:
    """Have a lease rest for so long after such an end."""
    short = {known: ending for known, ending in doubt.ENDINGS.items() if known is not kind}
    endings = {kind: Ending(event, seconds)} | short
    patch.setattr(doubt, "ENDINGS", MappingProxyType(endings))


async def test_everything_that_is_free_is_held_and_given_back() -> None:
    log: list[str] = []
    async with house() as h:
        keeping = h.move_in("a", lambda: Guest(log))
        await keeping.ready.wait()
        assert h.holders() == ["a"] * 4
        assert keeping.count == 4
        keeping.shutdown.ask()
        await keeping.done.wait()
        assert h.holders() == [""] * 4
        assert sorted(log) == sorted(["served", "leaving", "gone"] * 4)


async def test_two_share_and_who_gives_back_is_followed_at_once() -> None:
    log: list[str] = []
    async with house() as h:
        first = h.move_in("a", lambda: Guest(log))
        await first.ready.wait()
        second = h.move_in("b", lambda: Guest([]))
        await h.held_by("a", "a", "b", "b")
        assert log.count("leaving") == 2
        await h.looked_again()
        assert sorted(h.holders()) == ["a", "a", "b", "b"]
        first.shutdown.ask()
        await h.held_by("b", "b", "b", "b")
        await first.done.wait()
        assert second.count == 4


async def test_what_is_given_up_is_finished_first() -> None:
    async with house() as h:
        slow = [Guest([]) for _ in range(4)]
        for guest in slow:
            guest.leaves = anyio.Event()
        waiting = iter(slow)
        first = h.move_in("a", lambda: next(waiting))
        await first.ready.wait()
        h.move_in("b", lambda: Guest([]))
        await h.looked_again()
        assert h.holders() == ["a"] * 4
        for guest in slow:
            guest.leaves.set()
        await h.held_by("a", "a", "b", "b")


async def test_who_dies_is_followed_when_its_leases_expire_and_not_before() -> None:
    async with house() as h:
        first = h.move_in("a", lambda: Guest([]))
        await first.ready.wait()
        h.move_in("b", lambda: Guest([]))
        await h.held_by("a", "a", "b", "b")
        first.die()
        await first.done.wait()
        h.stage.clock.now += SECONDS - 1
        await h.looked_again()
        assert sorted(h.holders()) == ["a", "a", "b", "b"]
        h.stage.clock.now += 2
        await h.held_by("b", "b", "b", "b")


async def test_a_lease_that_is_renewed_outlives_its_length() -> None:
    async with house() as h:
        first = h.move_in("a", lambda: Guest([]))
        await first.ready.wait()
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
        await eventually(lambda: keeping.count == 0, "the lease is let go")
        assert h.stage.server.data.hash(h.keys[0]).items() >= theirs.items()


async def test_who_is_fenced_gives_nothing_back_and_begins_anew() -> None:
    log: list[str] = []
    guests = iter([Guest(log, Fenced("another commit stands")), Guest(log)])
    async with house() as h:
        stale: list[str] = []
        release = h.session.leases.release

        async def released(key: str, token: str) -> None:
            stale.append(key)
            await release(key, token)

        h.session.leases.release = released  # type: ignore[method-assign]
        keeping = h.move_in("a", lambda: next(guests), count=1)
        await eventually(lambda: log == ["served", "gone", "served"], "it is served anew")
        assert stale == []
        assert (h.holders()[0], keeping.count) == ("a", 1)


async def test_what_is_torn_rests_and_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    rests(monkeypatch, Torn, "partition.stopped", 0.05)
    torn: list[str] = []
    guests = iter([Guest(torn, Torn("the log ends elsewhere")), *(Guest([]) for _ in range(9))])
    async with house() as h:
        keeping = h.move_in("a", lambda: next(guests))
        await eventually(lambda: h.holders() == ["", "a", "a", "a"], "one lease is given back")
        await eventually(lambda: keeping.count == 4, "it is looked at again")


async def test_the_next_round_is_due_when_a_lease_has_rested(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rests(monkeypatch, Refused, "lease.suspended", 30)
    async with house() as h:
        keeping = h.move_in("a", lambda: Guest([], Refused("OOM")), count=1)
        await keeping.ready.wait()
        await eventually(lambda: keeping.count == 0, "it rests")
        membership = keeping.membership
        settled = membership._keeper.settle(membership._groups, {"things": ["a"]})
        assert 0 < await settled <= 30


async def test_what_is_refused_rests_and_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rests(monkeypatch, Refused, "lease.suspended", 0.02)
    log: list[str] = []
    guests = iter([Guest(log, Refused("OOM")), Guest(log, Refused("OOM")), Guest(log)])
    async with house() as h:
        keeping = h.move_in("a", lambda: next(guests), count=1)
        await eventually(lambda: log.count("served") == 3, "it is served after all")
        assert (h.holders()[0], keeping.count) == ("a", 1)


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
    rests(monkeypatch, ZeroDivisionError, "partition.stopped", 0.05)
    neighbour: list[str] = []
    guests = iter([Guest([], ZeroDivisionError("a bug")), *(Guest(neighbour) for _ in range(9))])
    async with house() as h:
        with structlog.testing.capture_logs() as logged:
            keeping = h.move_in("a", lambda: next(guests))
            await eventually(lambda: h.holders() == ["", "a", "a", "a"], "one lease is given back")
            await eventually(lambda: neighbour == ["served"] * 4, "it is served anew")
        assert keeping.count == 4
    (said,) = [entry for entry in logged if entry["event"] == "partition.stopped"]
    assert said["error"] == "ZeroDivisionError: a bug"


async def test_who_drains_does_not_end_before_its_leases_are_back() -> None:
    giving = Barrier()
    async with house() as h:
        leases: Any = Meddler(h.session.leases, before={"release": giving})
        h.session.leases = leases
        keeping = h.move_in("a", lambda: Guest([]), count=1)
        await keeping.ready.wait()
        keeping.shutdown.ask()
        await giving.reached.wait()
        await h.beaten()
        assert not keeping.done.is_set()
        giving.opened.set()
        await keeping.done.wait()
        assert h.holders()[0] == ""


async def test_a_full_redis_holds_up_no_stop() -> None:
    async def full() -> None:
        raise NotNow("OOM the news were not taken")

    async with house() as h:
        roster: Any = Meddler(h.session.roster, after={"farewell": full})
        h.session.roster = roster
        keeping = h.move_in("a", lambda: Guest([]), count=1)
        await keeping.ready.wait()
        keeping.shutdown.ask()
        await keeping.done.wait()
        assert h.holders()[0] == ""


async def test_a_server_that_says_nothing_of_itself_for_now_is_asked_again() -> None:
    log: list[str] = []
    busy = iter([NotNow("BUSY a script runs"), NotNow("BUSY a script runs")])

    async def check() -> None:
        for error in busy:
            raise error

    async with house() as h:
        h.session.check_server = check  # type: ignore[method-assign]
        with structlog.testing.capture_logs() as logged:
            h.move_in("a", lambda: Guest(log), count=1)
            await eventually(lambda: log == ["served"], "it serves after all")
    assert [entry["event"] for entry in logged if entry["log_level"] == "warning"] == [
        "lease.unsettled", "lease.unsettled",
    ]  # fmt: skip
