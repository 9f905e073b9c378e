"""One worker holds the live rows against the log, all the time: what differs is an alarm."""

from collections.abc import Iterator, MutableMapping
from functools import partial
from typing import Any

import msgspec
import pytest
import structlog

from engine.core.audit.findings import Finding
from engine.runtime import auditor, curator
from engine.runtime import follower as follower_module
from engine.telemetry import metrics
from tests.eventually import eventually
from tests.runtime.works import NAME, Works, works

Logged = list[MutableMapping[str, Any]]


@pytest.fixture(autouse=True)
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Logged]:
    """What is logged; what is waited for is waited for shortly, and nothing was named yet."""
    for module, name in (
        (follower_module, "IDLE_SECONDS"), (curator, "IDLE_SECONDS"), (curator, "CALM_SECONDS"),
        (curator, "FLIP_SECONDS"), (auditor, "CALM_SECONDS"), (auditor, "REST_SECONDS"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, 0.005)
    monkeypatch.setattr(auditor, "_known", set())
    with structlog.testing.capture_logs() as lines:
        yield lines


def named(logged: Logged, event: str) -> Logged:
    return [line for line in logged if line["event"] == event]


def alarms(logged: Logged) -> list[tuple[str, str, str]]:
    """Which rows were named, by which check and field."""
    lines = named(logged, "projection.differs")
    assert all(line["log_level"] == "error" for line in lines)
    return [(line["check"], line["row"], line["field"]) for line in lines]


def rows_checked() -> float:
    return float(metrics.AUDIT_ROWS.labels(NAME)._value.get())


def has_checked_more(than: float) -> bool:
    return rows_checked() > than


async def checked(times: int = 4) -> None:
    """Until some more checks have been made."""
    for _ in range(times):
        before = rows_checked()
        await eventually(partial(has_checked_more, before), "rows are checked")


def damage(w: Works, **fields: str) -> str:
    """Another value in the first row; returns its name."""
    row = min(w.rows(1))
    w.stage.server.data.put(w.stage.keys.row(NAME, 1, row), fields)
    return row


async def test_a_wrong_row_is_named_once_with_what_should_stand_there(
    monkeypatch: pytest.MonkeyPatch, logged: Logged
) -> None:
    before = metrics.AUDIT_DIFFERENCES.labels(NAME)._value.get()
    async with works(monkeypatch) as w:
        await w.worker("a", audit_load=1)
        await w.applied(1)
        await checked()
        assert alarms(logged) == []
        row = damage(w, status="lost")
        await eventually(lambda: alarms(logged), "it is named")
        await checked()
        assert alarms(logged) == [("row_differs", row, "status")]
        [line] = named(logged, "projection.differs")
        assert (line["projection"], line["generation"]) == (NAME, 1)
        assert line["key"] == w.stage.keys.row(NAME, 1, row)
        assert (line["found"], line["expected"] == line["found"]) == ("'lost'", False)
    assert metrics.AUDIT_DIFFERENCES.labels(NAME)._value.get() == before + 1


async def test_a_place_that_one_check_meets_twice_is_named_once(
    monkeypatch: pytest.MonkeyPatch, logged: Logged
) -> None:
    async with works(monkeypatch) as w:
        tenant = auditor.Auditor(NAME, "a", w.session, w.stage.domain, 1)
        row = Finding("row_differs", None, w.stage.keys.row(NAME, 1, "order-1"), "status", "a", "b")
        more = [msgspec.structs.replace(row, id=f"field-{n}") for n in range(30)]
        tenant._say([row, row])
        assert alarms(logged) == [("row_differs", "order-1", "status")]
        tenant._say([row, *more, row])
        assert len(alarms(logged)) == 1 + auditor.NAMED_LIMIT
        tenant._say([row, *more])
        assert len(alarms(logged)) == 1 + len(more)


async def test_who_takes_over_names_nothing_again_that_this_process_has_named(
    monkeypatch: pytest.MonkeyPatch, logged: Logged
) -> None:
    async with works(monkeypatch) as w:
        first = await w.worker("a", audit_load=1)
        await w.applied(1)
        row = damage(w, status="lost")
        await eventually(lambda: alarms(logged), "it is named")
        first.die()
        await w.worker("a", audit_load=1)
        await checked()
        assert alarms(logged) == [("row_differs", row, "status")]


async def test_one_worker_audits_at_a_time_and_with_no_load_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with works(monkeypatch) as w:
        key = w.session.auditor_lease(NAME)

        def owner() -> str:
            return w.stage.server.data.hash(key).get("node", "")

        await w.worker("a", audit_load=0)
        await w.applied(1)
        assert owner() == ""
        await w.worker("a", audit_load=1)
        await eventually(lambda: owner() == "w1", "the second one audits")
        await w.worker("a", audit_load=1)
        await checked()
        assert owner() in ("w1", "w2")


async def test_other_code_does_not_judge_what_it_has_not_made(
    monkeypatch: pytest.MonkeyPatch, logged: Logged
) -> None:
    async with works(monkeypatch) as w:
        first = await w.worker("a", audit_load=0)
        await w.applied(1)
        damage(w, status="lost")
        first.shutdown.ask()
        await w.worker("b", audit_load=1)
        await eventually(lambda: named(logged, "projection.outdated"), "it leaves it to others")
        assert w.stage.server.data.hash(w.session.auditor_lease(NAME)).get("node", "") == ""
        assert alarms(logged) == []


async def test_nothing_is_named_while_generations_are_built_flipped_and_removed(
    monkeypatch: pytest.MonkeyPatch, logged: Logged
) -> None:
    async with works(monkeypatch) as w:
        await w.worker("a", audit_load=1, previous_keep_seconds=0)
        await w.worker("a", audit_load=1, previous_keep_seconds=0)
        await w.applied(1)
        for generation in (2, 3, 4):
            await w.submit(10)
            await w.rebuild("a")
            await w.live(generation)
            await checked(2)
        await eventually(lambda: not w.traces(3), "nothing is left of the one before")
        assert alarms(logged) == []
        w.stage.server.data.remove(w.stage.keys.row(NAME, 4, min(w.rows(4))))
        await eventually(lambda: alarms(logged), "what is live is audited")


async def test_a_generation_that_goes_while_it_is_judged_is_not_named(
    monkeypatch: pytest.MonkeyPatch, logged: Logged
) -> None:
    """Its rows are gone at both looks; it is asked afterwards whether it is still there."""
    async with works(monkeypatch) as w:
        worker = await w.worker("a", audit_load=0)
        await w.applied(1)
        worker.die()
        tenant = auditor.Auditor(NAME, "a", w.session, w.stage.domain, 1)
        tenant._generation, tenant._checks = 1, tenant._spot_checks(1)
        read, reads = w.session.builds.read, []

        class Gone:
            async def read(self, name: str) -> Any:
                found = await read(name)
                reads.append(name)
                if len(reads) > 1:
                    tenant.stop()
                    return found.begun("a", 1).flipped(1).forgotten()
                for row in w.rows(1):
                    w.stage.server.data.remove(w.stage.keys.row(NAME, 1, row))
                return found

        monkeypatch.setattr(type(w.session), "builds", Gone())
        await tenant.serve("token")
        assert tenant._checks.findings
        assert alarms(logged) == []


async def test_what_cannot_be_read_is_said_once_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, logged: Logged
) -> None:
    async with works(monkeypatch) as w:
        await w.worker("a", audit_load=1)
        await w.applied(1)
        key = w.stage.keys.parked(1, NAME, 1)
        w.stage.server.data.put(key, {"order-none": "?"})
        await eventually(
            lambda: [e for e in logged if e["event"] == "projection.unaudited"], "said"
        )
        row = damage(w, status="lost")
        w.stage.server.data.remove(key)
        await eventually(lambda: alarms(logged), "it goes on")
        assert [each[1] for each in alarms(logged)] == [row]
        [said] = named(logged, "projection.unaudited")
        assert "cannot be read" in said["error"]
