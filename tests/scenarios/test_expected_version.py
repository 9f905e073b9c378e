"""The version that is expected, through every door: a conflict says which one there is."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

import engine
from engine.core.outcome import Status
from handlers.customers import RegisterCustomer, RenameCustomer
from tests.edge.command_line import Semel
from tests.scenarios.plain_client import PlainClient

EVE = RenameCustomer(name="Eve")
RENAME = ("RenameCustomer", "name=Eve")


@pytest.fixture(scope="module")
def semel(valkey_url: str) -> Iterator[Semel]:
    semel = Semel(valkey_url, f"test_{secrets.token_hex(4)}")
    assert semel.run("init", "--partitions", "1").code == 0
    with semel.daemon("run") as node:
        node.logged("engine.started")
        yield semel


@pytest.fixture
def customer(semel: Semel) -> str:
    """A customer at version 2."""
    customer = f"customer-{secrets.token_hex(4)}"
    assert semel.run("submit", "RegisterCustomer", customer, "name=Ada").code == 0
    assert semel.run("submit", *RENAME[:1], customer, "name=Uma", "--expect", "1").code == 0
    return customer


@pytest.fixture
def plain(semel: Semel) -> Iterator[PlainClient]:
    with Redis.from_url(semel.redis, protocol=2) as redis:
        yield PlainClient(redis, semel.redis, semel.namespace, 1)


@pytest.mark.parametrize("how", [("--expect", "7"), ("--meta", '{"expect": 7}')])
def test_on_the_command_line(semel: Semel, customer: str, how: tuple[str, ...]) -> None:
    said = semel.run("submit", RENAME[0], customer, RENAME[1], *how, "-o", "json")
    assert (said.code, said.data["status"], said.data["version"]) == (5, "rejected", 2)
    [error] = said.errors
    assert (error["code"], error["version"]) == ("version_conflict", 2)
    assert error["message"] == f"{customer} is at version 2, not 7"
    assert semel.run("submit", RENAME[0], customer, RENAME[1], "--expect", "2").code == 0


def test_in_a_file(semel: Semel, customer: str, tmp_path: Path) -> None:
    line = {"type": "RenameCustomer", "aggregate": customer}
    lines = [
        {**line, "data": {"name": name}, "meta": {"expect": version}}
        for name, version in (("Eve", 2), ("Zoe", 2), ("Kim", 3))
    ]
    file = tmp_path / "commands.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    said = semel.run("submit", "--from", str(file), "-o", "jsonl")
    assert said.code == 1
    # Of one aggregate, each is decided after the one before it.
    outcomes = sorted(said.lines, key=lambda one: tuple(map(int, one["entry"].split("-"))))
    assert [(one["status"], one["version"]) for one in outcomes] == [
        ("accepted", 3), ("rejected", 3), ("accepted", 4),
    ]  # fmt: skip


@pytest.mark.parametrize("door", ["commands", "inbox"])
def test_from_any_client(plain: PlainClient, customer: str, door: str) -> None:
    reply = secrets.token_hex(4)
    fields: dict[str, Any] = {"type": "RenameCustomer", "aggregate": customer}
    fields |= {"data": '{"name": "Eve"}', "meta": json.dumps({"expect": 7, "reply": reply})}
    key = plain.key(0, "commands") if door == "commands" else f"{{{plain.namespace}}}:inbox"
    plain.add(key, fields)
    _, answer = plain.redis.blpop(f"{plain.namespace}:reply:{reply}", 5)
    said = json.loads(answer)
    assert (said["status"], said["version"]) == ("rejected", 2)
    assert said["detail"]["code"] == "version_conflict"
    assert plain.outcome(0, said["entry"])["version"] == "2"


async def test_in_the_sdk_and_for_whoever_repeats(semel: Semel, customer: str) -> None:
    async with engine.connect(semel.redis, namespace=semel.namespace) as client:
        send = client.commands.dispatch
        with pytest.raises(engine.VersionConflict) as conflict:
            await send(EVE, aggregate=customer, expect=1, id="late")
        assert conflict.value.version == 2
        renamed = await send(EVE, aggregate=customer, expect=conflict.value.version)
        assert (renamed.status, renamed.version) == (Status.ACCEPTED, 3)
        with pytest.raises(engine.VersionConflict) as again:
            await send(EVE, aggregate=customer, expect=1, id="late")
        assert again.value.version == 2  # the first outcome, not how it stands now
        with pytest.raises(engine.Rejected, match="id_reused"):
            await send(EVE, aggregate=customer, expect=3, id="late")


async def test_of_what_is_not_there_yet(semel: Semel) -> None:
    async with engine.connect(semel.redis, namespace=semel.namespace) as client:
        ada, new = RegisterCustomer(name="Ada"), f"customer-{secrets.token_hex(4)}"
        with pytest.raises(engine.VersionConflict) as conflict:
            await client.commands.dispatch(ada, aggregate=new, expect=1)
        assert conflict.value.version == 0
        first = await client.commands.dispatch(ada, aggregate=new, expect=0)
        assert first.version == 1
