"""``semel status`` on a real server: what stands still is never shown as served."""

import os
import signal
from collections import Counter

import pytest

from engine.core import liveness
from tests.edge.command_line import Said, Semel
from tests.eventually import at_last


def states(said: Said) -> Counter[str]:
    return Counter(partition["state"] for partition in said.data["partitions"])


def test_what_nobody_serves_is_unowned_and_that_is_no(valkey_url: str, namespace: str) -> None:
    semel = Semel(valkey_url, namespace)
    assert semel.run("init", "--partitions", "4").code == 0
    assert (
        semel.run("submit", "RegisterCustomer", "customer-1", "name=A", "--wait", "0.1").code == 6
    )
    said = semel.run("status", "-o", "json")
    assert (said.code, said.data["served"], said.data["inbox"]) == (1, False, "")
    assert states(said) == {"unowned": 4}
    assert sum(partition["waiting"] for partition in said.data["partitions"]) == 1
    summary = "4 of 4 partitions are nobody's, 1 commands wait: start an engine with `semel run`"
    assert said.data["summary"] == summary
    assert said.errors == [{"code": "not_served", "message": summary}]
    assert {each["name"]: each["states"] for each in said.data["projections"]} == {
        "customers": {"unowned": 4}, "orders": {"unowned": 4}, "stock": {"unowned": 4},
    }  # fmt: skip
    text = semel.run("status")
    assert text.code == 1
    assert text.out.startswith(f"{namespace}: {summary}")
    assert "the inbox is moved by nobody" in text.out


def test_an_engine_that_stands_still_blocks_what_waits_for_it(
    valkey_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its leases are long here: a process that was stopped for good would lose them."""
    semel = Semel(valkey_url, namespace)
    assert semel.run("init", "--partitions", "2").code == 0
    with semel.daemon("run", SEMEL_LEASE_SECONDS="30", SEMEL_HEARTBEAT_SECONDS="0.1") as engine:
        node = engine.logged("engine.started")["node"]
        pid = int(node.split("-")[-2])
        assert semel.run("submit", "RegisterCustomer", "customer-1", "name=A").code == 0
        at_last(lambda: states(semel.run("status", "-o", "json")) == {"idle": 2}, "all is done")
        os.kill(pid, signal.SIGSTOP)
        late = semel.run("submit", "RenameCustomer", "customer-1", "name=B", "--wait", "0.1")
        assert late.code == 6
        monkeypatch.setattr(liveness, "STILL_SECONDS", 0.2)
        at_last(lambda: semel.run("status").code == 1, "that it stands still is seen")
        said = semel.run("status", "-o", "json")
        [blocked] = [p for p in said.data["partitions"] if p["state"] == "blocked"]
        assert (blocked["owner"], blocked["waiting"]) == (node, 1)
        assert "nothing moved for" in blocked["why"]
        assert said.data["summary"].startswith("1 of 2 partitions stand still, 1 commands wait")
        assert not said.data["served"]
        os.kill(pid, signal.SIGCONT)
        at_last(lambda: semel.run("status").code == 0, "it goes on")
        assert engine.stop().code == 0
    assert len(semel.run("events", "customer-1", "-o", "json").data) == 2
