"""The log: lines of several processes on one pipe stay whole."""

import io
import json
import sys
from collections.abc import Iterator

import pytest
import structlog

from engine import telemetry


class Pipe(io.StringIO):
    """A stderr that notes each write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        self.writes.append(text)
        return super().write(text)


@pytest.fixture(autouse=True)
def unconfigured() -> Iterator[None]:
    """As a script finds it that has not set structlog up."""
    was_configured, before = structlog.is_configured(), structlog.get_config()
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()
    if was_configured:
        structlog.configure(**before)


def test_warnings_leave_a_scripts_own_output_clean(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure_for_scripts()
    telemetry.log.info("session.broken")
    telemetry.log.warning("redis.waiting", error="away")
    said = capsys.readouterr()
    assert (said.out, said.err.count("redis.waiting"), said.err.count("\n")) == ("", 1, 1)


def test_who_has_set_up_structlog_keeps_it() -> None:
    structlog.configure(processors=[lambda _, __, said: said["event"].upper()])
    before = structlog.get_config()
    telemetry.configure_for_scripts()
    assert structlog.get_config() == before


@pytest.mark.parametrize("style", ["json", "text"])
def test_a_line_is_written_at_once(monkeypatch: pytest.MonkeyPatch, style: str) -> None:
    """In pieces, another process' line could come in between: nodes of `--workers` share one."""
    pipe = Pipe()
    monkeypatch.setattr(sys, "stderr", pipe)
    telemetry.configure("info", style)
    telemetry.log.info("engine.started", node="n-1")
    telemetry.log.info("engine.stopped", node="n-1")
    first, second = pipe.writes
    assert (first.count("\n"), first[-1]) == (1, "\n")
    if style == "json":
        assert [json.loads(line)["event"] for line in (first, second)] == [
            "engine.started", "engine.stopped",
        ]  # fmt: skip
