"""The inbox mover: each entry once and in order, whoever dies in between."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from engine.core.inside import inside_id
from engine.core.ports import Session
from engine.runtime.inbox import SOURCE, STRANGE_LIMIT, InboxMover
from tests.eventually import eventually
from tests.runtime.meddling import Barrier, Death, Meddler, die
from tests.runtime.stage import LEASE_SECONDS, ORDER, PARTITIONS, Stage, aggregates, home


class Mail:
    """An inbox and what came out of it."""

    def __init__(self, **settings: Any) -> None:
        self.stage = Stage(**settings)
        self._tokens = 0

    def drop(self, aggregate: str | bytes | None, **fields: str | bytes) -> str:
        """Add an entry to the inbox."""
        given: dict[str, str | bytes] = {"type": "Note", "data": "{}", **fields}
        if aggregate is not None:
            given["aggregate"] = aggregate
        raw = {n.encode(): v if isinstance(v, bytes) else v.encode() for n, v in given.items()}
        return self.stage.server.add(self.stage.keys.inbox(), raw)

    def made_id(self, entry: str) -> bytes:
        """The id that an inbox entry without one gets."""
        secret = self.stage.server.data.hash(self.stage.keys.meta())["secret"]
        return inside_id(secret.encode(), SOURCE, entry).encode()

    def arrived(self, partition: int) -> list[bytes]:
        """The ids of a partition's commands."""
        stream = self.stage.server.data.stream(self.stage.keys.commands(partition))
        return [entry.fields[b"id"] for entry in stream.entries]

    def forwarded(self) -> dict[str, tuple[bytes, bytes]]:
        """Where entries went."""
        stream = self.stage.server.data.stream(self.stage.keys.forwarded())
        return {e.id: (e.fields[b"partition"], e.fields[b"entry"]) for e in stream.entries}

    async def acquire(self, session: Session) -> str:
        """Take the inbox's lease, whose former holder is dead or gone."""
        self._tokens += 1
        token = f"token-{self._tokens}"
        self.stage.clock.now += LEASE_SECONDS + 1
        assert await session.leases.acquire(session.inbox_lease(), "node", token, LEASE_SECONDS)
        return token

    async def mover(self, session: Session, inbox: Any = None) -> InboxMover:
        """A mover, ready to be served."""
        return InboxMover(
            session.inbox_key(),
            PARTITIONS,
            session.secret,
            await session.feed(),
            inbox or session.inbox(),
            self.stage.settings,
        )

    @asynccontextmanager
    async def moving(self) -> AsyncIterator[InboxMover]:
        """Move the inbox."""
        async with self.stage.session() as session:
            mover, token = await self.mover(session), await self.acquire(session)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(mover.serve, token)
                yield mover
                mover.stop()

    async def all_forwarded(self, last: str) -> None:
        """Until the inbox is moved up to this entry."""
        await eventually(lambda: last in self.forwarded(), f"{last} was forwarded")


async def test_entries_go_where_their_aggregates_live_in_their_order() -> None:
    mail = Mail()
    some = [aggregates("probe", n, 1)[0] for n in range(PARTITIONS)]
    sent = [mail.drop(some[n % PARTITIONS], id=f"c-{n}") for n in range(20)]
    async with mail.moving():
        await mail.all_forwarded(sent[-1])
        for n in range(PARTITIONS):
            assert mail.arrived(n) == [b"c-%d" % i for i in range(n, 20, PARTITIONS)]
        later = mail.drop(some[0], id="later")
        await mail.all_forwarded(later)
    commands = mail.stage.server.data.stream(mail.stage.keys.commands(0)).entries
    places = [mail.forwarded()[id] for id in sent[::PARTITIONS]]
    assert places == [(b"0", entry.id.encode()) for entry in commands[:-1]]


async def test_an_entry_keeps_what_its_sender_said() -> None:
    mail = Mail()
    given = {"id": b"\xff", "type": b"\xfe", "data": b"\x00", "meta": b"{}"}
    last = mail.drop("order-42", **given)
    async with mail.moving():
        await mail.all_forwarded(last)
    [entry] = mail.stage.server.data.stream(mail.stage.keys.commands(home("order-42"))).entries
    assert entry.fields == {
        b"id": b"\xff", b"type": b"\xfe", b"aggregate": b"order-42", b"data": b"\x00",
        b"meta": b"{}",
    }  # fmt: skip


async def test_an_entry_without_an_id_gets_one_of_its_own_place() -> None:
    mail = Mail()
    last = mail.drop("probe-1")
    async with mail.moving():
        await mail.all_forwarded(last)
    assert mail.arrived(home("probe-1")) == [mail.made_id(last)]


@pytest.mark.parametrize(
    "aggregate", [None, "", b"\xff-1", "nohyphen", "a b-1", "{x}-1", "probe-" + "x" * 300]
)
async def test_what_has_no_usable_aggregate_goes_to_the_first_partition(
    aggregate: str | bytes | None,
) -> None:
    mail = Mail()
    last = mail.drop(aggregate, id="c")
    async with mail.moving(), mail.stage.owner(0):
        await mail.all_forwarded(last)
        assert mail.arrived(0) == [b"c"]
        [outcome] = await eventually(lambda: mail.stage.outcomes(0), "it is answered")
        assert (outcome.status, outcome.detail["code"]) == ("rejected", "malformed")
        assert "aggregate" in outcome.detail["errors"]


@pytest.mark.parametrize("died", ["before submit", "after submit", "after forward"])
@pytest.mark.parametrize("size", [1, 3, 256])
async def test_a_mover_that_dies_is_followed_without_a_repeat_or_a_gap(
    died: str, size: int
) -> None:
    mail = Mail(batch_commands=size)
    some = [aggregates("probe", n, 1)[0] for n in range(2)]
    sent = [mail.drop(some[n % 2], id=f"c-{n}") for n in range(10)]
    where, what = died.split()
    async with mail.stage.session() as session:
        inbox = Meddler(session.inbox(), **{where: {what: die}})
        mover, token = await mail.mover(session, inbox), await mail.acquire(session)
        with pytest.raises(Death):
            await mover.serve(token)
    async with mail.moving():
        await mail.all_forwarded(sent[-1])
    assert mail.arrived(0) == [b"c-%d" % n for n in range(0, 10, 2)]
    assert mail.arrived(1) == [b"c-%d" % n for n in range(1, 10, 2)]
    assert list(mail.forwarded()) == sent


async def test_two_movers_at_once_move_each_entry_once() -> None:
    mail, barrier = Mail(batch_commands=2), Barrier()
    sent = [mail.drop("probe-1", id=f"c-{n}") for n in range(9)]
    async with mail.stage.session() as session:
        stale = await mail.mover(session, Meddler(session.inbox(), before={"submit": barrier}))
        token = await mail.acquire(session)
        async with anyio.create_task_group() as tasks:

            async def serve() -> None:
                with pytest.raises(Exception, match="lease"):
                    await stale.serve(token)

            tasks.start_soon(serve)
            await barrier.reached.wait()
            async with mail.moving():
                await mail.all_forwarded(sent[-1])
                barrier.opened.set()
    assert mail.arrived(home("probe-1")) == [b"c-%d" % n for n in range(9)]
    assert list(mail.forwarded()) == sent


async def test_who_is_stopped_moves_what_is_in_hand_and_no_more() -> None:
    mail, barrier = Mail(batch_commands=2), Barrier()
    sent = [mail.drop("probe-1", id=f"c-{n}") for n in range(6)]
    async with mail.stage.session() as session:
        mover = await mail.mover(session, Meddler(session.inbox(), before={"submit": barrier}))
        token = await mail.acquire(session)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(mover.serve, token)
            await barrier.reached.wait()
            mover.stop()
            barrier.opened.set()
    assert list(mail.forwarded()) == sent[:2]


async def test_an_order_by_way_of_the_inbox_is_answered_in_its_list() -> None:
    mail = Mail()
    data = str(ORDER).replace("'", '"')
    async with mail.moving(), mail.stage.owner(home("order-42")):
        entry = mail.drop("order-42", type="CreateOrder", data=data, meta='{"reply":"r1"}')
        key = mail.stage.keys.reply("r1")
        [reply] = await eventually(lambda: mail.stage.server.data.queue(key), "the reply came")
    assert b'"status":"accepted"' in reply
    assert b'"id":"%s"' % mail.made_id(entry) in reply


async def test_a_field_that_no_command_has_is_refused_and_named() -> None:
    mail = Mail()
    strange = {f"f{n}": "x" for n in range(20)}
    async with mail.moving(), mail.stage.owner(home("probe-1")):
        mail.drop("probe-1", id="i", reply="r1", **strange)
        await mail.all_forwarded(mail.drop("probe-1"))
        refused, fine = await eventually(
            lambda: (found := mail.stage.outcomes(home("probe-1")))[1:] and found, "both answered"
        )
    assert (refused.status, refused.detail["code"], refused.id) == ("rejected", "malformed", "i")
    assert refused.detail["errors"]["reply"] == "is not a field of a command"
    assert len(refused.detail["errors"]) == STRANGE_LIMIT
    assert fine.status == "accepted"


@pytest.mark.parametrize("id", ["inbox/9-0", "inbox/9-0/0123456789abcdef", "a/b", "/"])
async def test_nobody_else_can_make_an_id_of_the_inboxs(id: str) -> None:
    stage = Stage()
    async with stage.owner(home("probe-1")):
        outcome = await stage.answer("Note", "probe-1", id=id)
        assert (outcome.status, outcome.detail["code"]) == ("rejected", "malformed")
        assert "id" in outcome.detail["errors"]
