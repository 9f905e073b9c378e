"""``semel dead`` and ``semel reaction``: what a router parks, and how it stands."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.edge.command_line import Semel
from tests.eventually import at_last

DOMAIN: dict[str, Any] = {
    "SEMEL_HANDLERS": "tests.edge.clumsy", "SEMEL_PROJECTIONS": "nothing_to_project",
    "SEMEL_PARK_AFTER_SECONDS": "0.05",
}  # fmt: skip


@pytest.fixture
def semel(valkey_url: str, namespace: str) -> Iterator[Semel]:
    """Two partitions, an engine, and money on an account."""
    semel = Semel(valkey_url, namespace)
    assert semel.run("init", "--partitions", "2").code == 0
    with semel.daemon("run", **DOMAIN) as engine:
        engine.logged("engine.started")
        assert semel.run("submit", "Deposit", "account-a", '{"amount":10}', **DOMAIN).code == 0
        yield semel


@contextmanager
def worker(semel: Semel, about: str = "") -> Iterator[None]:
    with semel.daemon("project", **DOMAIN, CLUMSY_ABOUT=about) as daemon:
        daemon.logged("worker.started")
        yield
        assert daemon.stop().code == 0


def begin(semel: Semel, *transfers: str) -> None:
    for transfer in transfers:
        data = json.dumps({"source": "account-a", "target": "account-b", "amount": 1})
        assert semel.run("submit", "Begin", transfer, data, **DOMAIN).code == 0


def parked(semel: Semel) -> list[Any]:
    return semel.run("dead", "list", "-o", "jsonl", **DOMAIN).lines


def finished(semel: Semel) -> list[str]:
    lines = semel.run("log", "--after", "0", "-o", "jsonl").lines
    return [each["aggregate"] for each in lines if each["type"] == "Finished"]


def test_what_a_router_parks_is_listed_shown_and_sent_after_repair(semel: Semel) -> None:
    begin(semel, "transfer-1", "transfer-2")
    with worker(semel, "transfer-1"):
        at_last(lambda: finished(semel) == ["transfer-2"], "the other one goes through")
        [dead] = at_last(
            lambda: semel.run("dead", "list", "-o", "jsonl", **DOMAIN).lines, "it is parked"
        )
        assert (dead["source"], dead["name"], dead["type"]) == ("transfers", "transfer-1", "Asked")
        assert dead["generation"] is None
        text = semel.run("dead", "show", "transfers", "transfer-1").out
        assert "Traceback" in text
        assert "a planted bug about transfer-1" in text
        refused = semel.run("dead", "retry", "transfers", "-o", "json", **DOMAIN)
        assert (refused.code, refused.data[0]["answer"]) == (1, "still parked")
        there = semel.run("dead", "list", "transfers", "--generation", "1", **DOMAIN)
        assert (there.code, "it has no generations" in there.err) == (4, True)
    foreseen = semel.run("dead", "retry", "transfers", "--dry-run", **DOMAIN)
    assert "would have 1 commands sent" in foreseen.out
    with worker(semel):
        assert semel.run("dead", "retry", "transfers", "transfer-1", **DOMAIN).code == 0
        at_last(lambda: sorted(finished(semel)) == ["transfer-1", "transfer-2"], "both are over")
        assert parked(semel) == []
    assert semel.run("verify", **DOMAIN).code == 0


def test_what_is_dropped_is_given_up(semel: Semel) -> None:
    begin(semel, "transfer-1")
    with worker(semel, "transfer-1"):
        at_last(lambda: parked(semel), "it is parked")
        assert semel.run("dead", "drop", "transfers", "transfer-1", **DOMAIN).code == 0
        assert parked(semel) == []
    assert finished(semel) == []


def test_what_a_router_lacks_is_listed(semel: Semel) -> None:
    begin(semel, "transfer-1", "transfer-2")
    [idle] = semel.run("reaction", "list", "-o", "json", **DOMAIN).data
    assert (idle["name"], idle["state"], idle["behind"], idle["owned"]) == (
        "transfers", "unowned", 5, 0,
    )  # fmt: skip
    assert "transfers lags 5 events" in semel.run("status", **DOMAIN).out
    with worker(semel, "transfer-1"):
        at_last(lambda: finished(semel) == ["transfer-2"], "the other one goes through")

        def listed() -> tuple[str, int, int, int]:
            # What workers serve is known without their code.
            found = semel.run("reaction", "list", "-o", "json").data
            [each] = [each for each in found if each["name"] == "transfers"]
            return each["state"], each["behind"], each["parked"], each["owned"]

        at_last(lambda: listed() == ("parked", 0, 1, 2), "it has read all, and passes over one")
        shown = semel.run("reaction", "show", "transfers", "-o", "json").data
        assert [each["state"] for each in shown["partitions"]].count("parked") == 1
        assert semel.run("reaction", "show", "nothing").code == 4
        text = semel.run("reaction", "list").out
        assert "transfers passes over 1 aggregates" in text
        assert "transfers passes over 1 parked" in semel.run("status", **DOMAIN).out


def test_where_there_is_no_router_it_is_said(semel: Semel) -> None:
    nothing: dict[str, Any] = {"SEMEL_HANDLERS": "nothing_to_handle"}
    assert "no router is known here" in semel.run("reaction", "list", **nothing).out
