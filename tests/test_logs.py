"""The log: lines of several processes on one pipe stay whole."""

import io
import json
import sys

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


@pytest.mark.parametrize("style", ["json", "text"])
def test_a_line_is_written_at_once(monkeypatch: pytest.MonkeyPatch, style: str) -> None:
    """In pieces, another process' line could come in between: nodes of `--workers` share one."""
    pipe, before = Pipe(), structlog.get_config()
    monkeypatch.setattr(sys, "stderr", pipe)
    try:
        telemetry.configure("info", style)
        telemetry.log.info("engine.started", node="n-1")
        telemetry.log.info("engine.stopped", node="n-1")
    finally:
        structlog.configure(**before)
    first, second = pipe.writes
    assert (first.count("\n"), first[-1]) == (1, "\n")
    if style == "json":
        assert [json.loads(line)["event"] for line in (first, second)] == [
            "engine.started", "engine.stopped",
        ]  # fmt: skip
