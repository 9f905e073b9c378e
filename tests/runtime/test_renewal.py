"""The one thread: leases outlive a loop that computes, and not one that never comes back."""

import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from time import monotonic

import anyio
import pytest
import structlog

from engine.core.errors import Lost
from engine.core.ports import Session
from engine.core.records import LeaseState
from engine.runtime.renewal import THREAD_NAME, Renewal, renewing
from engine.store.session import open_session
from tests.eventually import eventually

BEAT, STALL, NEVER = 0.002, 0.05, 60.0
LEASE_SECONDS = 0.3


class Line:
    """A lifeline that says of leases what a test wants said, and then that all is well."""

    def __init__(self, *answers: Sequence[str] | Exception) -> None:
        self._answers = list(answers)
        self.renewed: list[dict[str, str]] = []
        self.closed = False

    def renew(self, tokens: Mapping[str, str]) -> Sequence[str]:
        self.renewed.append(dict(tokens))
        answer = self._answers.pop(0) if tokens and self._answers else ()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.closed = True


def ignored(_lost: Mapping[str, str]) -> None:
    """What is lost is of no interest here."""


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == THREAD_NAME]


def compute(seconds: float) -> None:
    """Hold up the loop as a decider does that computes."""
    end = monotonic() + seconds
    while monotonic() < end:
        pass


async def test_what_is_held_is_renewed_until_it_is_dropped() -> None:
    line = Line()
    async with renewing(line, BEAT, NEVER, ignored) as renewal:
        renewal.hold("one", "t-1")
        renewal.hold("two", "t-2")
        await eventually(lambda: line.renewed[-1:] == [{"one": "t-1", "two": "t-2"}], "both are")
        renewal.drop("one")
        renewal.hold("two", "t-3")
        await eventually(lambda: line.renewed[-1:] == [{"two": "t-3"}], "one is, as it is now")
        renewal.drop("unknown")


@pytest.mark.parametrize("ending", [None, ZeroDivisionError("a bug")])
async def test_the_thread_is_gone_after_the_block(ending: Exception | None) -> None:
    line = Line()
    try:
        async with renewing(line, BEAT, NEVER, ignored):
            assert threads() == [THREAD_NAME]
            if ending is not None:
                raise ending
    except ZeroDivisionError as error:
        assert error is ending  # noqa: PT017 -- it is this one, and was not swallowed
    assert threads() == []
    assert line.closed


async def test_the_thread_is_gone_when_the_block_is_cancelled() -> None:
    line = Line()
    with anyio.CancelScope() as scope:
        async with renewing(line, BEAT, NEVER, ignored):
            scope.cancel()
            await anyio.sleep_forever()
    assert threads() == []
    assert line.closed


async def test_what_was_lost_is_told_on_the_loop_with_its_token() -> None:
    told: list[tuple[Mapping[str, str], int]] = []
    line = Line(["two"])
    lost: Callable[[Mapping[str, str]], None] = lambda what: told.append(  # noqa: E731
        (what, threading.get_ident())
    )
    async with renewing(line, BEAT, NEVER, lost) as renewal:
        renewal.hold("two", "t-2")
        renewal.hold("one", "t-1")
        await eventually(lambda: told, "it is told")
    assert told == [({"two": "t-2"}, threading.get_ident())]


async def test_a_server_that_does_not_answer_is_asked_again() -> None:
    line = Line(Lost("no answer"), Lost("no answer"))
    with structlog.testing.capture_logs() as logged:
        async with renewing(line, BEAT, NEVER, ignored) as renewal:
            renewal.hold("one", "t-1")
            asked = {"one": "t-1"}
            await eventually(lambda: line.renewed.count(asked) > 2, "it is asked again")
    said = [entry for entry in logged if entry["event"] == "lease.unrenewed"]
    assert [entry["error"] for entry in said] == ["no answer", "no answer"]


async def test_what_nobody_foresaw_is_reported_and_does_not_end_the_thread() -> None:
    line = Line(ZeroDivisionError("a bug"))
    with structlog.testing.capture_logs() as logged:
        async with renewing(line, BEAT, NEVER, ignored) as renewal:
            renewal.hold("one", "t-1")
            await eventually(lambda: line.renewed.count({"one": "t-1"}) > 1, "it goes on")
    [said] = [entry for entry in logged if entry["event"] == "lease.unrenewed"]
    assert isinstance(said["exc_info"], ZeroDivisionError)


async def test_a_loop_without_a_sign_of_life_is_given_up_and_said_once() -> None:
    line = Line()
    with structlog.testing.capture_logs() as logged:
        async with renewing(line, BEAT, STALL, ignored) as renewal:
            renewal.hold("one", "t-1")

            def stalled() -> int:
                return Counter(entry["event"] for entry in logged)["process.stalled"]

            await eventually(lambda: stalled() == 1, "it is said")
            compute(STALL)
            before = len(line.renewed)
            compute(STALL)
            assert len(line.renewed) == before
            assert stalled() == 1

            def served() -> bool:
                renewal.alive()
                return len(line.renewed) > before

            await eventually(served, "a loop that came back is served")
            await eventually(lambda: stalled() == 2, "that it is gone again is said again")
    assert logged[0]["leases"] == 1


async def test_a_loop_that_does_not_come_back_is_shown_where_it_is() -> None:
    with structlog.testing.capture_logs() as logged:
        async with renewing(Line(), BEAT, STALL, ignored) as renewal:
            renewal.alive()
            compute(STALL + 20 * BEAT)
    [said] = [entry for entry in logged if entry["event"] == "process.stalled"]
    assert "in compute" in said["stack"]


@asynccontextmanager
async def held(url: str, namespace: str, stall: float) -> AsyncIterator["Held"]:
    """A short lease on a real server, held and renewed."""
    async with open_session(url, namespace) as session:
        await session.create(1)
        key = session.partition_lease(0)
        line = session.lifeline("node-a", LEASE_SECONDS)
        async with renewing(line, LEASE_SECONDS / 5, stall, ignored) as renewal:
            assert await session.leases.acquire(key, "node-a", "token-a", LEASE_SECONDS)
            renewal.hold(key, "token-a")
            yield Held(session, key, renewal)
        await session.leases.release(key, "token-a")


class Held:
    """A lease that is held, and what keeps it."""

    def __init__(self, session: Session, key: str, renewal: Renewal) -> None:
        self.session, self.key, self.renewal = session, key, renewal

    async def look(self) -> LeaseState:
        """Who has it."""
        return (await self.session.leases.look([self.key]))[self.key]


async def test_a_loop_that_computes_for_longer_than_a_lease_keeps_it(
    valkey_url: str, namespace: str
) -> None:
    async with held(valkey_url, namespace, NEVER) as lease:
        since = (await lease.look()).since_ms
        compute(3 * LEASE_SECONDS)
        state = await lease.look()
        assert (state.token, state.since_ms) == ("token-a", since)
        assert state.remaining_ms > 0
        assert not await lease.session.leases.acquire(lease.key, "node-b", "token-b", 1)


async def test_a_loop_that_never_comes_back_loses_its_lease(
    valkey_url: str, namespace: str
) -> None:
    with structlog.testing.capture_logs() as logged:
        async with held(valkey_url, namespace, LEASE_SECONDS / 10) as lease:
            await eventually(lambda: logged, "it is given up")

            async def free() -> bool:
                return (await lease.look()).node == ""

            await eventually(free, "the lease runs out")
            assert await lease.session.leases.acquire(lease.key, "node-b", "token-b", 1)
            assert (await lease.look()).crashes == 1
    assert [entry["event"] for entry in logged] == ["process.stalled"]
