"""A stream id set by hand, far in the future, through plain Redis: an alarm, and work goes on."""

import json
import secrets
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import redis
import structlog
from anyio.from_thread import BlockingPortal

from engine import app
from engine.core.routing import partition_of
from engine.settings import Settings
from tests.scenarios.plain_client import Fields, PlainClient

PARTITIONS = 2
FAR = 9_999_999_999_999
TOP = 2**64 - 1
INTRUDERS = pytest.mark.parametrize("intruder", [f"{FAR}-0", f"{FAR}-{TOP}", f"{TOP}-{TOP}"])


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """What the engine logs meanwhile."""
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.fixture
def server(
    server_url: str, namespace: str, logged: list[Any], portal: BlockingPortal
) -> Iterator[PlainClient]:
    """An engine node in this process, on each real server in turn."""
    settings = Settings(redis=server_url, namespace=namespace, partitions=PARTITIONS)
    roles = [app.engine_role(settings, app.domain_of(settings))]
    with (
        redis.Redis.from_url(server_url) as client,
        portal.wrap_async_context_manager(app.serving(roles, settings.drain_seconds)) as ready,
    ):
        portal.call(ready.wait)
        yield PlainClient(client, server_url, namespace, PARTITIONS)
    assert not [one for one in logged if one["event"] in ("partition.stopped", "session.broken")]


def customers(number: int, partition: int) -> list[str]:
    """So many new aggregates of a partition."""
    prefix = f"customer-{secrets.token_hex(4)}"
    found = (
        name for n in count() if partition_of(name := f"{prefix}-{n}", PARTITIONS) == partition
    )
    return [next(found) for _ in range(number)]


def registering(name: str) -> Fields:
    return {
        "id": f"id-{name}", "type": "RegisterCustomer", "aggregate": name, "data": '{"name":"Ada"}',
        "meta": json.dumps({"reply": name}),
    }  # fmt: skip


def check_answered(server: PlainClient, name: str) -> None:
    """One reply that says accepted, one event."""
    reply = server.redis.blpop(f"{server.namespace}:reply:{name}", timeout=5)
    assert reply, f"{name} was not answered"
    assert json.loads(reply[1])["status"] == "accepted"
    home = partition_of(name, PARTITIONS)
    assert server.redis.xlen(server.key(home, f"events:{name}")) == 1


def add_around(server: PlainClient, key: str, intruder: str, names: list[str]) -> None:
    """One step: honest entries before and, where there is room for them, behind an intruder."""
    before, *behind = names
    together = server.redis.pipeline(transaction=True)
    together.xadd(key, registering(before))
    together.xadd(key, {"type": "Nonsense", "colour": b"\xff"}, intruder)
    for name in behind if intruder != f"{TOP}-{TOP}" else ():
        together.xadd(key, registering(name))
    together.execute()


def check_alarm(server: PlainClient, logged: list[Any], event: str, dead: str, id: str) -> None:
    """The intruder is in the dead letters, and somebody was told."""
    [(_, letter)] = server.redis.xrange(dead)
    assert letter[b"entry"].decode() == id
    error = json.loads(letter[b"error"])
    assert (error["code"], error["others"]) == ("future_id", ["colour", "\xff"])
    [alarm] = [one for one in logged if one["event"] == event]
    assert (alarm["log_level"], alarm["ids"]) == ("error", [id])


@INTRUDERS
def test_in_a_partitions_stream(server: PlainClient, logged: list[Any], intruder: str) -> None:
    commands, names = server.key(1, "commands"), customers(4, 1)
    add_around(server, commands, intruder, names)
    for name in names if intruder != f"{TOP}-{TOP}" else names[:1]:
        check_answered(server, name)
    [later] = customers(1, 1)
    entry = server.add(commands, registering(later))
    assert server.outcome(1, entry)["status"] == "accepted"
    check_alarm(server, logged, "partition.mended", server.key(1, "dead"), intruder)


@INTRUDERS
def test_in_the_inbox(server: PlainClient, logged: list[Any], intruder: str) -> None:
    inbox, names = f"{{{server.namespace}}}:inbox", customers(2, 0) + customers(2, 1)
    add_around(server, inbox, intruder, names)
    for name in names if intruder != f"{TOP}-{TOP}" else names[:1]:
        check_answered(server, name)
    [later] = customers(1, 0)
    server.forwarded(server.add(inbox, registering(later)))
    check_answered(server, later)
    assert server.redis.xlen(inbox) == 0
    check_alarm(server, logged, "inbox.mended", f"{{{server.namespace}}}:dead", intruder)
