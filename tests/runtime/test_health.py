"""Health: what a process says of its loop and its roles, with the clock wound by hand."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from engine.core.errors import Lost, Unavailable
from engine.core.ports import Session
from engine.runtime.health import Health
from engine.runtime.sessions import OpenSession
from tests.counted import Counted
from tests.eventually import eventually
from tests.runtime.stage import Clock, Stage

STALL_SECONDS = 5.0


class Patient:
    """A process with one role, and the clock that it goes by."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.health = Health(STALL_SECONDS, self.clock)
        self.standing = self.health.role("engine")

    def said(self) -> dict[str, Any]:
        """What its role says."""
        said: dict[str, Any] = self.health.ready()[1]["engine"]
        return said

    def door(self, *errors: Exception | None) -> OpenSession:
        """A door to sessions that cannot be had while there are errors."""
        stage, waiting = Stage(), list(errors)

        @asynccontextmanager
        async def opened() -> AsyncIterator[Session]:
            if waiting and (error := waiting.pop(0)) is not None:
                raise error
            async with stage.session() as session:
                yield session

        return self.standing.watched(opened)


async def cut(opened: OpenSession, meanwhile: Callable[[], None] = lambda: None) -> None:
    """A session on which something happens before it breaks."""
    async with opened():
        meanwhile()
        raise Lost("cut")


def test_a_loop_that_turns_is_alive_and_one_that_stands_still_is_not() -> None:
    patient = Patient()
    patient.clock.now += STALL_SECONDS
    assert patient.health.live()[0]
    patient.clock.now += 0.1
    alive, checks = patient.health.live()
    assert not alive
    assert checks["loop"] == {"status": "stalled", "for_seconds": 5.1, "limit_seconds": 5.0}
    patient.health.tick(due=patient.clock.now - 4.85)
    assert patient.health.live() == (
        True, {"loop": {"status": "turning", "for_seconds": 0.0, "limit_seconds": 5.0}},
    )  # fmt: skip


def test_lag_is_the_worst_of_late_and_grows_while_the_loop_stands_still() -> None:
    patient = Patient()
    patient.health.tick(due=patient.clock.now - 0.5)
    patient.health.tick(due=patient.clock.now)
    assert patient.health.lag == pytest.approx(0.5)
    patient.clock.now += 3.25
    assert patient.health.lag == pytest.approx(3.0)
    for _ in range(100):
        patient.health.tick(due=patient.clock.now)
    assert patient.health.lag == 0.0


async def test_the_loop_shows_that_it_turns() -> None:
    health = Health(STALL_SECONDS)
    begun = health._ticked
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(health.watch)
        await eventually(lambda: health._ticked > begun, "a tick")
        tasks.cancel_scope.cancel()


async def test_a_role_is_ready_once_its_leases_were_asked_for() -> None:
    patient, told = Patient(), []
    asked = patient.standing.when_asked(lambda: told.append(1))
    assert patient.said()["status"] == "connecting"
    async with patient.door()():
        assert patient.said()["status"] == "acquiring"
        assert not patient.health.ready()[0]
        patient.clock.now += 2
        asked()
        patient.clock.now += 3
        asked()
        assert patient.said() == {"status": "ready", "for_seconds": 3.0}
        assert patient.health.ready()[0]
    assert patient.said()["status"] == "stopped"
    assert not patient.health.ready()[0]
    assert told == [1, 1]


async def test_a_session_that_broke_says_why_and_since_when() -> None:
    patient, counted = Patient(), Counted()
    opened = patient.door(None, Unavailable("away"), Unavailable("still away"))
    with pytest.raises(ExceptionGroup):
        await cut(opened)
    assert patient.said() == {"status": "broken", "for_seconds": 0.0, "reason": "Lost: cut"}
    for seconds, why in ((1, "away"), (2, "still away")):
        patient.clock.now += 1
        with pytest.raises(Unavailable):
            async with opened():
                pytest.fail("there is no session")
        assert patient.said()["for_seconds"] == seconds
        assert patient.said()["reason"] == f"Unavailable: {why}"
    async with opened():
        assert patient.said() == {"status": "acquiring", "for_seconds": 0.0}
    assert counted.more("semel_sessions_total") == 2
    assert counted.more("semel_session_broken_total", reason="Lost") == 1
    assert counted.more("semel_session_broken_total", reason="Unavailable") == 0


async def test_what_was_asked_for_on_a_session_that_broke_says_nothing_of_the_next() -> None:
    patient = Patient()
    asked, opened = patient.standing.when_asked(lambda: None), patient.door()
    with pytest.raises(ExceptionGroup):
        await cut(opened, asked)
    asked()
    assert patient.said()["status"] == "broken"


def test_every_role_must_be_ready_and_the_loop_turn() -> None:
    patient = Patient()
    patient.health.role("worker")
    for standing in patient.health._roles.values():
        standing._said = standing._said._replace(state=standing._said.state.READY)
    assert patient.health.ready()[0]
    patient.clock.now += STALL_SECONDS + 1
    ready, checks = patient.health.ready()
    assert not ready
    assert {name: check["status"] for name, check in checks.items()} == {
        "loop": "stalled", "engine": "ready", "worker": "ready",
    }  # fmt: skip
