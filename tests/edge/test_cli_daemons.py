"""``semel run`` and ``semel project``: begun, stopped, replaced, refused."""

import json
import os
import signal
from collections import Counter

import pytest

from tests.edge.command_line import Semel
from tests.eventually import at_last
from tests.northwind import commands

pytestmark = pytest.mark.alone

NOWHERE = "redis://:secret@127.0.0.1:1/0"
"""No server listens there."""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_exits_0(valkey_url: str, namespace: str, how: signal.Signals) -> None:
    semel = Semel(valkey_url, namespace)
    assert semel.run("init", "--partitions", "2").code == 0
    with semel.daemon("run") as engine, semel.daemon("project", "-o", "json") as worker:
        engine.logged("engine.started")
        worker.logged("worker.started")
        assert semel.run("submit", "RegisterCustomer", "customer-1", "name=Ada").code == 0
        ended, worker_ended = engine.stop(how), worker.stop(how)
    assert (ended.code, ended.out) == (0, "")
    assert (worker_ended.code, worker_ended.data) == (0, {"stopped": True})
    for said in (ended, worker_ended):
        assert "warning" not in said.err
        assert "Traceback" not in said.err
    state = semel.run("status", "-o", "json").data
    assert {partition["owner"] for partition in state["partitions"]} == {""}
    assert state["nodes"] == []


def test_two_nodes_share_and_the_one_that_stays_takes_over(valkey_url: str, namespace: str) -> None:
    semel = Semel(valkey_url, namespace)
    assert semel.run("init", "--partitions", "4").code == 0
    with semel.daemon("run") as first, semel.daemon("run") as second:
        nodes = [daemon.logged("engine.started")["node"] for daemon in (first, second)]
        at_last(lambda: owners(semel) == Counter(nodes * 2), "they share evenly")
        for name in ("Ada", "Eve"):
            verb = "RegisterCustomer" if name == "Ada" else "RenameCustomer"
            assert semel.run("submit", verb, "customer-1", f"name={name}").code == 0
        assert first.stop().code == 0
        assert semel.run("submit", "RenameCustomer", "customer-1", "name=Uma").code == 0
        assert owners(semel) == Counter([nodes[1]] * 4)
        assert second.stop().code == 0
    versions = [event["version"] for event in semel.run("events", "customer-1", "-o", "json").data]
    assert versions == [1, 2, 3]


def test_a_node_is_drained_from_afar(valkey_url: str, namespace: str) -> None:
    semel = Semel(valkey_url, namespace)
    assert semel.run("init", "--partitions", "4").code == 0
    with semel.daemon("run") as first, semel.daemon("run") as second:
        going, staying = (d.logged("engine.started")["node"] for d in (first, second))
        serving = {(going, "engine", "serving"), (staying, "engine", "serving")}
        at_last(lambda: listed(semel) == serving, "both are listed")
        said = semel.run("node", "drain", going, "-o", "json")
        assert (said.code, said.data) == (0, {"node": going, "drained": True})
        ended = first.end()
        assert ended.code == 0
        assert "node.drained" in ended.err
        assert owners(semel) == Counter([staying] * 4)
        assert semel.run("node", "drain", going).code == 4
        assert second.stop().code == 0
    assert semel.run("node", "list", "-o", "json").data == []
    assert "semel run" in semel.run("node", "list").out


def test_who_died_cannot_be_drained(valkey_url: str, namespace: str) -> None:
    semel = Semel(valkey_url, namespace)
    assert semel.run("init", "--partitions", "2").code == 0
    with semel.daemon("run") as daemon:
        node = daemon.logged("engine.started")["node"]
        at_last(lambda: (node, "engine", "serving") in listed(semel), "it is listed")
        daemon.stop(signal.SIGKILL)
        at_last(lambda: (node, "engine", "silent") in listed(semel), "it is silent")
        said = semel.run("node", "drain", node)
        assert (said.code, said.out) == (4, "")
        assert "dead, or frozen" in said.err


def test_workers_are_nodes_that_end_together(valkey_url: str, namespace: str) -> None:
    semel = Semel(valkey_url, namespace)
    assert semel.run("init", "--partitions", "4").code == 0
    with semel.daemon("run", "--workers", "2") as both:
        pids = {both.logged("engine.started")["node"] for _ in range(2)}
        at_last(lambda: owners(semel) == Counter(list(pids) * 2), "they share evenly")
        os.kill(int(min(pids).split("-")[-2]), signal.SIGKILL)
        heir = both.logged("engine.started")["node"]
        at_last(lambda: owners(semel)[heir] == 2, "the one that died is replaced")
        assert both.stop().code == 0
    assert semel.run("node", "list", "-o", "json").data[1:] == []
    assert owners(semel) == Counter([""] * 4)


def listed(semel: Semel) -> set[tuple[str, str, str]]:
    nodes = semel.run("node", "list", "-o", "json").data
    return {(node["node"], node["role"], node["state"]) for node in nodes}


def owners(semel: Semel) -> Counter[str]:
    state = semel.run("status", "-o", "json").data
    return Counter(partition["owner"] for partition in state["partitions"])


def test_a_node_is_replaced_in_the_middle_of_a_load(valkey_url: str, namespace: str) -> None:
    semel = Semel(valkey_url, namespace)
    lines = [json.dumps(line) + "\n" for line in commands()]
    assert semel.run("init", "--partitions", "4").code == 0
    with semel.daemon("submit", "--from", "-", "-o", "json") as load:
        with semel.daemon("run") as first, semel.daemon("log", "--follow") as log:
            load.told("".join(lines[:600]))
            events = log.shown()
            for _ in range(600):
                next(events)
            load.told("".join(lines[600:1200]))
            assert first.stop().code == 0
        with semel.daemon("run") as second:
            second.logged("engine.started")
            load.told("".join(lines[1200:]))
            ended = load.end()
            assert second.stop().code == 0
    assert (ended.code, ended.data["accepted"], ended.data["lines"]) == (0, len(lines), len(lines))
    assert semel.run("status", "-o", "json").data["partitions"][0]["waiting"] == 0


@pytest.mark.parametrize("verb", ["run", "project", "init", "status", "log"])
def test_a_redis_that_is_away_is_3(verb: str) -> None:
    said = Semel(NOWHERE, "nowhere").run(verb, "-o", "json", SEMEL_CONNECT_SECONDS="0.2")
    assert said.code == 3
    assert said.errors[0]["code"] == "unavailable"
    assert "--redis" in said.err
    assert "Traceback" not in said.err


def test_a_client_waits_no_longer_than_it_was_told() -> None:
    said = Semel(NOWHERE, "nowhere").run("submit", "ShipOrder", "order-1", "--wait", "0.2")
    assert (said.code, said.out) == (3, "")


def test_other_partitions_are_3_with_both_numbers(valkey_url: str, namespace: str) -> None:
    semel = Semel(valkey_url, namespace)
    assert semel.run("init", "--partitions", "4", "-o", "json").data == {
        "namespace": namespace, "partitions": 4,
    }  # fmt: skip
    for words in (["init", "--partitions", "8"], ["run"], ["status"]):
        said = semel.run(*words, SEMEL_PARTITIONS="8")
        assert (said.code, said.out) == (3, "")
        assert "4" in said.err.splitlines()[-1]
        assert "8" in said.err.splitlines()[-1]
    assert "4 partitions" in semel.run("init").out


def test_unknown_projections_are_2(valkey_url: str, namespace: str) -> None:
    said = Semel(valkey_url, namespace).run("project", "ordres")
    assert said.code == 2
    assert "customers, fulfilment, orders, stock" in said.err


def test_a_project_without_handlers_is_told(valkey_url: str, namespace: str) -> None:
    said = Semel(valkey_url, namespace).run("run", SEMEL_HANDLERS="nothing_here")
    assert said.code == 2
    assert "nothing_here" in said.err


@pytest.mark.parametrize(
    "verb", ["", "init", "run", "project", "submit", "query", "events", "log", "status"]
)
def test_help_has_an_example(verb: str) -> None:
    said = Semel(NOWHERE, "nowhere").run(*verb.split(), "--help")
    assert (said.code, said.err) == (0, "")
    if verb:
        assert f"semel {verb}" in said.out.partition("Example")[2]
        assert all(option in said.out for option in ("--redis", "--config", "--namespace", "-o,"))


@pytest.mark.parametrize("words", [("status",), ("submit", "ShipOrder", "order-1"), ("run",)])
def test_a_server_that_refuses_us_is_not_looked_for_elsewhere(
    valkey_url: str, namespace: str, words: tuple[str, ...]
) -> None:
    stranger = valkey_url.replace("//", "//nobody:secret@")
    said = Semel(stranger, namespace).process(*words, SEMEL_CONNECT_SECONDS="0.1")
    assert (said.code, said.out) == (3, "")
    assert "does not let us in: " in said.err
    assert "Is the server running" not in said.err
    assert "secret" not in said.err
