"""Engines record the schemas of their code: once, beside those of others, and hold nobody up."""

from collections.abc import MutableMapping
from typing import Any

import structlog

from engine.core.errors import NotNow
from engine.core.schemas.describing import described, read_recorded
from engine.runtime.recording import Recording
from tests.grown import domain_at
from tests.runtime.meddling import Meddler
from tests.runtime.stage import Stage


def recorded(stage: Stage) -> dict[str, str]:
    return dict(stage.server.data.hash(stage.keys.schemas()))


def events(logged: list[MutableMapping[str, Any]]) -> list[str]:
    return [each["event"] for each in logged]


async def test_every_version_stays_recorded() -> None:
    stage, said = Stage(), []
    async with stage.session() as session:
        for version in (2, 1, 2, 3):
            stage.clock.now += 1
            with structlog.testing.capture_logs() as logged:
                recording = Recording(session, domain_at(version))
                for _ in range(2):
                    await recording.go_on()
            said.append(events(logged))
    once = ["schemas.recorded"]
    assert said == [once, once, [], once]
    found = list(read_recorded(recorded(stage)))
    assert [(each.type, each.version) for each, _ in found if each.what == "event"] == [
        ("Paid", 2), ("Paid", 1), ("Paid", 3),
    ]  # fmt: skip
    start = int(Stage().clock.now * 1000)
    since = {each.field: since for each, since in found}
    assert [since[described(domain_at(version))[0].field] - start for version in (1, 2, 3)] == [
        2000, 1000, 4000,
    ]  # fmt: skip


async def test_a_redis_that_is_full_is_asked_again_and_holds_nobody_up() -> None:
    stage, refusals = Stage(), 3
    async with stage.session() as session:

        async def refuse(*_: Any) -> None:
            nonlocal refusals
            if refusals:
                refusals -= 1
                raise NotNow("OOM no memory")

        schemas: Any = Meddler(session.schemas, before={"record": refuse})
        session.schemas = schemas
        recording = Recording(session, domain_at(1))
        with structlog.testing.capture_logs() as logged:
            while refusals:
                await recording.go_on()
                assert recorded(stage) == {}
            await recording.go_on()
        assert events(logged) == ["schemas.unrecorded", "schemas.recorded"]
        assert len(recorded(stage)) == 3


async def test_what_a_stranger_planted_there_is_said_once() -> None:
    stage = Stage()
    stage.server.data.plant(stage.keys.schemas(), "planted")
    async with stage.session() as session:
        recording = Recording(session, domain_at(1))
        with structlog.testing.capture_logs() as logged:
            for _ in range(3):
                await recording.go_on()
        assert events(logged) == ["schemas.unrecorded"]
