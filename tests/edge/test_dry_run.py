"""Dry runs: what they say comes true, and saying it changes nothing."""

import json
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
import pytest

from engine.core.errors import Misuse
from engine.core.ids import uuid7
from engine.core.outcome import Status
from engine.edge.client import Client
from engine.runtime.rehearsal import rehearse
from engine.runtime.sessions import work_on_sessions
from engine.runtime.shutdown import Shutdown
from handlers.customers import RegisterCustomer, RenameCustomer
from tests.contract.stores import RedisStore
from tests.edge.command_line import Said, Semel
from tests.runtime.stage import ORDER, Stage, home


class History:
    """A namespace with a history: an order that was created and shipped, of a customer."""

    def __init__(self, url: str, namespace: str) -> None:
        self.semel, self.store = Semel(url, namespace), RedisStore("valkey", url, namespace)
        self.foreseen: Any = None
        self.seen: Any = None

    def submit(self, type: str, aggregate: str, *words: str) -> Said:
        return self.semel.run("submit", type, aggregate, *words, "-o", "json")

    def dry(self, type: str, aggregate: str, *words: str) -> Said:
        """A dry run: whatever it says, no key on the server changes."""
        before = self.store.dump()
        said = self.submit(type, aggregate, *words, "--dry-run")
        assert self.store.dump() == before
        return said

    def order(self, receipt: str) -> Any:
        asked = ("GetOrderById", "order_id=order-1", "--after", receipt, "-o", "json")
        return self.semel.run("query", *asked).data


@pytest.fixture(scope="module")
def history(valkey_url: str) -> Iterator[History]:
    """It was served, and is not any more: what changes now, a dry run changes."""
    history = History(valkey_url, f"test_{secrets.token_hex(4)}")
    assert history.semel.run("init", "--partitions", "4").code == 0
    with history.semel.served():
        assert history.submit("RegisterCustomer", "customer-c-1", "name=Ada").code == 0
        created = history.submit("CreateOrder", "order-1", json.dumps(ORDER), "--id", "first")
        before = history.order(created.data["receipt"])
        history.foreseen = history.submit("ShipOrder", "order-1", "--dry-run").data
        shipped = history.submit("ShipOrder", "order-1")
        after = history.order(shipped.data["receipt"])
        history.seen = {name: [before[name], after[name]] for name in after}
    yield history
    history.store.close()


def test_what_was_foreseen_has_come(history: History) -> None:
    foreseen = history.foreseen
    assert (foreseen["dry_run"], foreseen["status"], foreseen["version"]) == (True, "accepted", 2)
    assert foreseen["events"] == [{"version": 2, "type": "OrderShipped", "data": {}}]
    [row] = foreseen["rows"]
    assert (row["projection"], row["row"]) == ("orders", "order-1")
    assert row["fields"] == {n: seen for n, seen in history.seen.items() if seen[0] != seen[1]}
    assert foreseen["notes"] == []


def test_rows_that_would_come_are_shown_whole(history: History) -> None:
    said = history.dry("CreateOrder", "order-2", json.dumps(ORDER))
    assert said.code == 0
    orders, customers = said.data["rows"]
    assert (orders["is_new"], customers["is_new"]) == (True, False)
    assert orders["fields"]["status"] == [None, "created"]
    assert customers["fields"] == {"order_count": ["1", "2"], "order_amount": ["25.00", "50.00"]}


@pytest.mark.parametrize(
    ("type", "words", "code", "said"),
    [
        ("ShipOrder", (), 1, "order_shipped"),
        ("ShipOrder", ("--expect", "1"), 5, "version_conflict"),
        ("NoSuch", (), 1, "unknown_type"),
        ("CancelOrder", ("reason:=7", "more=1"), 1, "malformed"),
        ("RegisterCustomer", ("name=Ada",), 1, "wrong_kind"),
        ("CreateOrder", (json.dumps(ORDER), "--id", "first"), 0, None),
        ("CancelOrder", ("reason=late", "--id", "first"), 1, "id_reused"),
        ("CancelOrder", ("reason=late", "--id", uuid7(9_000_000_000_000)), 1, "clock"),
    ],
)
def test_an_answer_of_no_is_the_one_that_would_be_given(
    history: History, type: str, words: tuple[str, ...], code: int, said: str | None
) -> None:
    answered = history.dry(type, "order-1", *words)
    assert (answered.code, answered.data["detail"].get("code")) == (code, said)
    assert (answered.data["events"], answered.data["rows"]) == ([], [])
    if said is None:
        assert answered.data["status"] == "duplicate"
        assert answered.data["detail"]["first"]["version"] == 1
    if said == "version_conflict":
        assert answered.data["version"] == 2


def test_at_a_version_of_the_past_all_is_as_it_was(history: History) -> None:
    cancel = ("CancelOrder", "order-1", "reason=late")
    assert history.dry(*cancel).code == 1
    said = history.dry(*cancel, "--at-version", "1")
    assert (said.code, said.data["version"]) == (0, 2)
    [row] = said.data["rows"]
    assert row["fields"]["status"] == ["created", "cancelled"]
    first = history.dry("CreateOrder", "order-1", json.dumps(ORDER), "--at-version", "0")
    assert [row["is_new"] for row in first.data["rows"]] == [True, False]
    assert first.data["rows"][1]["fields"]["order_count"] == [None, "1"]  # Ada, without orders
    now = history.dry("CreateOrder", "order-1", json.dumps(ORDER), "--at-version", "2")
    assert now.data["detail"]["code"] == "order_exists"
    never = history.dry(*cancel, "--at-version", "3")
    assert never.code == 4
    assert "it never was at 3" in never.err


def test_it_is_shown_as_text(history: History) -> None:
    said = history.semel.run("submit", "ShipOrder", "order-1", "--dry-run", "--at-version", "1")
    assert said.out.splitlines() == [
        "would be accepted  order-1  version 2",
        "2  OrderShipped  {}",
        "orders order-1",
        "  status  created → shipped",
        "nothing was written",
    ]


@pytest.mark.parametrize(
    "words", [("ShipOrder", "order-1", "--at-version", "1"), ("--from", "-", "--dry-run")]
)
def test_what_does_not_go_together_is_refused(history: History, words: tuple[str, ...]) -> None:
    assert history.semel.run("submit", *words).code == 2


# -- From Python ------------------------------------------------------------------------


@asynccontextmanager
async def client_of(stage: Stage) -> AsyncIterator[Client]:
    stage.server.clock = time.time
    client = Client(stage.domain, 10, partial(rehearse, stage.settings))
    async with stage.session(), anyio.create_task_group() as tasks:
        tasks.start_soon(work_on_sessions, stage.session, client.work, Shutdown(), 5)
        yield client
        tasks.cancel_scope.cancel()


async def test_the_sdk_has_it_too_and_says_what_rows_lack() -> None:
    stage, ada = Stage(), "customer-c-1"
    async with client_of(stage) as client, stage.owner(home(ada)):
        foreseen = await client.commands.dry_run(RegisterCustomer(name="Ada"), aggregate=ada)
        assert (foreseen.outcome.version, foreseen.notes) == (1, [])
        await client.commands.dispatch(RegisterCustomer(name="Ada"), aggregate=ada)
        before = stage.server.data.dump()
        foreseen = await client.commands.dry_run(RenameCustomer(name="Eve"), aggregate=ada)
        assert stage.server.data.dump() == before
    assert foreseen.outcome.status is Status.ACCEPTED
    [row] = foreseen.rows  # nobody projects here
    assert (row.is_new, row.fields) == (True, {"name": (None, "Eve")})
    expected = f"customers has yet to apply 1 event of partition {home(ada)}"
    assert foreseen.notes == [expected]


async def test_rows_that_other_code_made_are_said_to_be() -> None:
    stage = Stage()
    async with client_of(stage) as client, stage.session() as session:
        found = await session.builds.read("customers")
        assert await session.builds.revise("customers", found.adopted("of another code"))
        ada = RegisterCustomer(name="Ada")
        foreseen = await client.commands.dry_run(ada, aggregate="customer-c-1")
    assert foreseen.notes == ["customers@1 was made by other code"]


async def test_a_decider_that_raises_is_foreseen_and_a_bad_id_is_misuse() -> None:
    stage = Stage()
    async with client_of(stage) as client:
        foreseen = await client.dry_runs.run("Raise", "probe-1", b"{}")
        assert (foreseen.outcome.status, foreseen.events) == (Status.FAILED, [])
        [traceback] = foreseen.notes
        assert traceback.endswith("RuntimeError: the service is down\n")
        with pytest.raises(Misuse, match="the aggregate"):
            await client.dry_runs.run("Raise", "probe", b"{}")
