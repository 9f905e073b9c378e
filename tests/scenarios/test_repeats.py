"""One id, whoever sends it and whenever: its effect once, and the first outcome again."""

import json
import secrets
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from engine.core.ids import uuid7
from tests.edge.command_line import Semel
from tests.scenarios.plain_client import PlainClient

SMALL = {
    "SEMEL_OUTCOMES_KEEP_COUNT": "100",
    "SEMEL_COMMANDS_KEEP_COUNT": "1",
    "SEMEL_ID_SKEW_SECONDS": "0",
}
"""So that a hundred commands later an id has left the window."""


@pytest.fixture
def semel(valkey_url: str, namespace: str) -> Semel:
    semel = Semel(valkey_url, namespace)
    assert semel.run("init", "--partitions", "1").code == 0
    return semel


@pytest.fixture
def plain(semel: Semel) -> Iterator[PlainClient]:
    with Redis.from_url(semel.redis, protocol=2) as redis:
        yield PlainClient(redis, semel.redis, semel.namespace, 1)


def register(semel: Semel, id: str, name: str = "Ada") -> dict[str, Any]:
    """Register customer-1 on the command line; returns the outcome."""
    words = ("RegisterCustomer", "customer-1", f"name={name}", "--id", id)
    outcome: dict[str, Any] = semel.run("submit", *words, "-o", "json").data
    return outcome


def added(plain: PlainClient, key: str, id: str) -> dict[str, Any]:
    """The same, with nothing but a Redis client."""
    reply = secrets.token_hex(4)
    fields = {"id": id, "type": "RegisterCustomer", "aggregate": "customer-1"}
    meta = json.dumps({"reply": reply})
    plain.add(key, {**fields, "data": '{"name":"Ada"}', "meta": meta})
    _, answer = plain.redis.blpop(f"{plain.namespace}:reply:{reply}", 5)
    outcome: dict[str, Any] = json.loads(answer)
    return outcome


@pytest.mark.parametrize(
    "id", ["same", uuid7(time.time_ns() // 1_000_000)], ids=["no time", "a time"]
)
def test_from_any_client_before_and_after_a_crash(
    semel: Semel, plain: PlainClient, id: str
) -> None:
    with semel.daemon("run") as engine:
        engine.logged("engine.started")
        first = register(semel, id)
        assert first["status"] == "accepted"
        check_repeats(semel, plain, first)
        engine.stop(signal.SIGKILL)
    with semel.daemon("run") as engine:
        engine.logged("engine.started")
        check_repeats(semel, plain, first)
    assert [event["version"] for event in semel.run("events", "customer-1", "-o", "json").data] == [
        1
    ]


def check_repeats(semel: Semel, plain: PlainClient, first: dict[str, Any]) -> None:
    """Repeat it through every door, and misuse its id."""
    inbox = f"{{{plain.namespace}}}:inbox"
    repeats = [
        register(semel, first["id"]),
        added(plain, plain.key(0, "commands"), first["id"]),
        added(plain, inbox, first["id"]),
    ]
    for again in repeats:
        assert again["status"] == "duplicate"
        said = again["detail"]["first"]
        assert (said["entry"], said["version"]) == (first["entry"], first["version"])
    misuse = register(semel, first["id"], "Eve")
    assert (misuse["status"], misuse["detail"]["code"]) == ("rejected", "id_reused")


def test_who_is_killed_before_it_answers_has_the_next_one_answer(
    semel: Semel, plain: PlainClient
) -> None:
    """The repeat comes first to whoever takes over: the command itself is still to be decided."""
    fields = {"id": "same", "type": "RegisterCustomer", "aggregate": "customer-1"}
    entries = [
        plain.add(plain.key(0, "commands"), {**fields, "data": '{"name":"Ada"}', "meta": "{}"})
        for _ in range(2)
    ]
    with semel.daemon("run") as engine:
        engine.logged("engine.started")
        engine.stop(signal.SIGKILL)
    with semel.daemon("run") as engine:
        engine.logged("engine.started")
        outcomes = [plain.outcome(0, entry) for entry in entries]
    assert [outcome["status"] for outcome in outcomes] == ["accepted", "duplicate"]
    assert outcomes[1]["detail"]["first"]["entry"] == entries[0]


def test_an_id_that_left_the_window_has_expired_for_whoever_asks(semel: Semel) -> None:
    old = uuid7(time.time_ns() // 1_000_000)
    # Ids without a time: in such a small window those with one would expire on their way.
    crowd = "\n".join(
        json.dumps({"type": "Nothing", "aggregate": f"customer-x{n}", "data": {}, "id": f"x-{n}"})
        for n in range(300)
    )
    with semel.daemon("run", **SMALL) as engine:
        engine.logged("engine.started")
        assert register(semel, old)["status"] == "accepted"
        assert register(semel, old)["status"] == "duplicate"
        assert semel.run("submit", "--from", "-", stdin=crowd.encode()).code == 1  # unknown, all
        expired = register(semel, old)
        assert (expired["status"], expired["detail"]["code"]) == ("rejected", "expired")
        engine.stop(signal.SIGKILL)
    with semel.daemon("run", **SMALL) as engine:
        engine.logged("engine.started")
        expired = register(semel, old)
        assert (expired["status"], expired["detail"]["code"]) == ("rejected", "expired")
    assert len(semel.run("events", "customer-1", "-o", "json").data) == 1
