"""Somebody outside is told of every event, whoever is killed: at least once, under one key."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.edge.command_line import Semel
from tests.eventually import at_last

EVENTS = 400

pytestmark = pytest.mark.timeout(120)


def test_whoever_is_killed_nothing_is_left_untold(
    valkey_url: str, namespace: str, tmp_path: Path
) -> None:
    semel, book, file = Semel(valkey_url, namespace), tmp_path / "book", tmp_path / "lines.jsonl"
    domain: dict[str, Any] = {
        "SEMEL_HANDLERS": "tests.edge.scribe", "SEMEL_PROJECTIONS": "nothing_to_project",
        "SCRIBES_BOOK": str(book),
    }  # fmt: skip
    lines: list[dict[str, Any]] = [
        {"type": "Deposit", "aggregate": f"account-{n % 50}", "data": {"amount": n}, "id": f"d-{n}"}
        for n in range(EVENTS)
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))

    def told() -> set[str]:
        return set(book.read_text().splitlines()) if book.exists() else set()

    assert semel.run("init", "--partitions", "4").code == 0
    with semel.daemon("run", **domain), semel.daemon("project", **domain) as worker:
        assert worker.logged("worker.started")["reactions"] == ["scribe"]
        with semel.daemon("submit", "--from", str(file), **domain) as load:
            at_last(lambda: len(told()) > 0, "somebody is told", 30)
            worker.stop(signal.SIGKILL)
            assert load.end().code == 0
        with semel.daemon("project", **domain) as heir:
            at_last(lambda: len(told()) == EVENTS, "everybody is told of", 30)
            assert told() == {
                f"{line['aggregate']}/{line['id']}/0 {line['data']['amount']}" for line in lines
            }
            assert heir.stop().code == 0
