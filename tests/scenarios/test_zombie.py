"""A frozen owner wakes: it writes nothing, forgets everything, and works again."""

import json
import signal
from collections import Counter
from pathlib import Path

import pytest

from handlers.sample import sample_orders
from tests.edge.command_line import Semel
from tests.eventually import at_last

ORDERS = 4000
"""Enough that commands come while it is frozen, and when it wakes."""

pytestmark = pytest.mark.timeout(120)


def owners(semel: Semel) -> Counter[str]:
    """How many partitions each node owns."""
    state = semel.run("status", "-o", "json").data
    return Counter(partition["owner"] for partition in state["partitions"])


def commits(semel: Semel) -> int:
    """How many commits there were, in all partitions."""
    state = semel.run("status", "-o", "json").data
    return sum(partition["commit"] for partition in state["partitions"])


def test_a_frozen_owner_that_wakes_doubles_nothing(
    valkey_url: str, namespace: str, tmp_path: Path
) -> None:
    semel = Semel(valkey_url, namespace)
    file = tmp_path / "orders.jsonl"
    lines = list(sample_orders(ORDERS))
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert semel.run("init", "--partitions", "8").code == 0
    with semel.daemon("run") as first, semel.daemon("run") as second, semel.daemon("project"):
        sleeper, heir = (d.logged("engine.started")["node"] for d in (first, second))
        at_last(lambda: owners(semel) == {sleeper: 4, heir: 4}, "they share evenly")
        with semel.daemon("submit", "--from", str(file), "--wait", "60", "-o", "json") as load:
            at_last(lambda: commits(semel) > 20, "the load is under way")
            first.send(signal.SIGSTOP)
            at_last(lambda: owners(semel) == {heir: 8}, "its partitions are taken over")
            before = commits(semel)
            at_last(lambda: commits(semel) > before, "the load goes on")
            assert load.runs
            first.send(signal.SIGCONT)
            lost = {first.logged("lease.lost")["lease"] for _ in range(4)}
            ended = load.end()
        assert len(lost) == 4
        assert (ended.code, ended.data["accepted"]) == (0, len(lines))
        at_last(lambda: owners(semel) == {sleeper: 4, heir: 4}, "it works again")
        at_last(lambda: "lag" not in semel.run("status").out.splitlines()[0], "rows are there")
        assert semel.run("verify").code == 0
        assert (first.stop().code, second.stop().code) == (0, 0)
