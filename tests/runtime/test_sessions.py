"""Where the rule of doubt ends: one session after the other, until the work is done."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
import pytest

from engine.core.errors import Lost, Refused, Torn, Unavailable
from engine.core.ports import Session
from engine.runtime import sessions as module
from engine.runtime.sessions import work_on_sessions
from engine.runtime.shutdown import Shutdown
from tests.eventually import eventually
from tests.runtime.stage import Stage


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other at once."""
    monkeypatch.setattr(module, "_PAUSE_FIRST", 0.001)
    monkeypatch.setattr(module, "_PAUSE_LIMIT", 0.002)


Work = Callable[[Session], Awaitable[None]]


class Door:
    """Opens sessions on a stage, and counts how often it was tried."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.tried = 0

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Session]:
        self.tried += 1
        async with self.stage.session() as session:
            yield session

    async def tried_again(self) -> None:
        """Until it was tried a few times more."""
        before = self.tried
        await eventually(lambda: self.tried > before + 2, "another attempt")


async def run(
    stage: Stage | Door, work: Work, shutdown: Shutdown | None = None, patience: float = 5
) -> None:
    door = stage if isinstance(stage, Door) else Door(stage)
    with anyio.fail_after(5):
        await work_on_sessions(door, work, shutdown or Shutdown(), patience)


async def test_work_that_is_done_is_done_once() -> None:
    seen: list[int] = []

    async def work(session: Session) -> None:
        seen.append(session.partitions)

    await run(Stage(), work)
    assert seen == [4]


async def test_a_session_that_breaks_is_followed_by_another() -> None:
    stage, seen = Stage(), []

    async def work(session: Session) -> None:
        seen.append(session)
        if len(seen) < 3:
            stage.server.break_sessions()
            await anyio.sleep_forever()
        await session.leases.acquire(session.inbox_lease(), "node", "token", 1)

    await run(stage, work)
    assert len({id(session) for session in seen}) == 3


@pytest.mark.parametrize("error", [Lost("gone"), Torn("torn"), Unavailable("away")])
async def test_any_doubt_ends_a_session_and_begins_another(error: Exception) -> None:
    attempts: list[int] = []

    async def work(_: Session) -> None:
        attempts.append(1)
        if len(attempts) == 1:
            raise error

    await run(Stage(), work)
    assert len(attempts) == 2


async def test_a_doubt_deep_within_counts_too() -> None:
    attempts: list[int] = []

    async def work(_: Session) -> None:
        attempts.append(1)
        if len(attempts) == 1:
            raise ExceptionGroup("", [Lost("one"), ExceptionGroup("", [Lost("two")])])

    await run(Stage(), work)
    assert len(attempts) == 2


async def test_an_error_that_is_no_doubt_comes_out_as_itself() -> None:
    async def work(_: Session) -> None:
        raise ExceptionGroup("", [Lost("one"), ExceptionGroup("", [ZeroDivisionError("a bug")])])

    with pytest.raises(ZeroDivisionError):
        await run(Stage(), work)


async def test_a_server_that_is_away_at_the_start_is_waited_for() -> None:
    stage, seen = Stage(), []
    stage.server.stop()

    async def work(session: Session) -> None:
        seen.append(session.partitions)

    async with anyio.create_task_group() as tasks:
        door = Door(stage)
        tasks.start_soon(run, door, work)
        await door.tried_again()
        assert not seen
        stage.server.restart()
    assert seen == [4]


async def test_a_server_that_stays_away_at_the_start_is_an_error() -> None:
    async def work(_: Session) -> None:
        pytest.fail("there is no session")

    stage = Stage()
    stage.server.stop()
    with pytest.raises(Unavailable):
        await run(stage, work, patience=0.01)


async def test_a_server_that_goes_away_later_is_waited_for_without_end() -> None:
    stage, attempts = Stage(), []

    async def work(_: Session) -> None:
        attempts.append(1)
        if len(attempts) == 1:
            stage.server.stop()
            await anyio.sleep_forever()

    async with anyio.create_task_group() as tasks:
        door = Door(stage)
        tasks.start_soon(run, door, work, None, 0)
        await door.tried_again()
        assert len(attempts) == 1
        stage.server.restart()
    assert len(attempts) == 2


async def test_a_stop_while_waiting_ends_it() -> None:
    async def work(_: Session) -> None:
        pytest.fail("there is no session")

    stage, shutdown = Stage(), Shutdown()
    stage.server.stop()
    async with anyio.create_task_group() as tasks:
        door = Door(stage)
        tasks.start_soon(run, door, work, shutdown)
        await door.tried_again()
        shutdown.ask()


async def test_a_stop_is_heard_by_all_and_asking_twice_changes_nothing() -> None:
    shutdown = Shutdown()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(shutdown.wait)
        tasks.start_soon(shutdown.sleep, 60)
        await anyio.wait_all_tasks_blocked()
        assert not shutdown.asked
        shutdown.ask()
        shutdown.ask()
    assert shutdown.asked
    with anyio.fail_after(1):
        await shutdown.sleep(60)


async def test_a_first_session_that_never_holds_is_an_error_in_time() -> None:
    @asynccontextmanager
    async def refused() -> AsyncIterator[Session]:
        raise Refused("NOPERM this user has no permissions")
        yield

    async def work(_: Session) -> None:
        pytest.fail("there is no session")

    with pytest.raises(Refused, match="NOPERM"), anyio.fail_after(5):
        await work_on_sessions(refused, work, Shutdown(), 0.01)


async def test_sessions_that_break_at_once_follow_each_other_ever_more_slowly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_PAUSE_LIMIT", 60.0)
    shutdown, pauses = Shutdown(), []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 12:
            shutdown.ask()

    async def work(_: Session) -> None:
        raise Refused("NOPERM this user has no permissions")

    monkeypatch.setattr(shutdown, "sleep", pause)
    await run(Stage(), work, shutdown)
    assert pauses[-1] > 100 * pauses[0]


async def test_a_session_that_served_for_a_while_is_followed_by_another_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_STEADY_SECONDS", 0.0)
    monkeypatch.setattr(module, "_PAUSE_LIMIT", 60.0)
    shutdown, pauses = Shutdown(), []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 12:
            shutdown.ask()

    async def work(_: Session) -> None:
        raise Lost("gone")

    monkeypatch.setattr(shutdown, "sleep", pause)
    await run(Stage(), work, shutdown)
    assert max(pauses) <= 0.001
