"""The log as a router reads it: its checkpoint with the marks, and commands with theirs."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from engine.core.errors import Fenced, Refused
from engine.core.ports import ReactionLog, Submission
from engine.core.records import Checkpoint
from tests.contract.owners import own
from tests.contract.stores import Store

NAME, SOURCE, TOKEN = "fulfilment", "fulfilment/0", "token-r"
REACHED = Checkpoint(3, "3-7", "branch-a")


def command(id: str) -> Mapping[str, bytes]:
    return {"id": id.encode(), "type": b"T", "aggregate": b"a-1", "data": b"{}", "meta": b""}


def submission(target: int, expected: str, mark: str, *ids: str) -> Submission:
    return Submission(target, SOURCE, expected, mark, [command(id) for id in ids])


@asynccontextmanager
async def reacting(store: Store, token: str = TOKEN) -> AsyncIterator[ReactionLog]:
    """A session that holds the lease of a router in partition 0."""
    async with store.session() as session:
        assert await session.leases.acquire(session.reaction_lease(NAME, 0), "worker", token, 30)
        yield session.reaction_log(NAME, 0, token)


def arrived(store: Store, partition: int) -> list[bytes]:
    entries, _ = store.dump().get(store.keys.commands(partition), ([], {}))
    return [fields[b"id"] for _, fields in entries]


# -- The checkpoint ---------------------------------------------------------------------


async def test_a_new_router_stands_at_the_beginning(store: Store) -> None:
    async with reacting(store) as log:
        assert await log.checkpoint() == Checkpoint(0, "", "")
        assert await log.sent() == {}
        assert await log.parked() == {}


async def test_checkpoint_marks_and_notes_move_together(store: Store) -> None:
    async with reacting(store) as log:
        key = store.keys.reaction(0, NAME)
        before = store.dump()[key]
        await log.move(0, REACHED, {2: "3-b", 0: "1-b"}, {"order-1": "note"})
        dump = store.dump()
        moved = {"position": "3", "command": "3-7", "branch": "branch-a"}
        assert dump[key] == before | moved | {"sent:2": "3-b", "sent:0": "1-b"}
        assert dump[store.keys.reaction_parked(0, NAME)] == {"order-1": "note"}
        assert await log.checkpoint() == REACHED
        assert await log.sent() == {0: "1-b", 2: "3-b"}
        assert await log.parked() == {"order-1": "note"}


async def test_marks_and_notes_that_are_not_named_stay(store: Store) -> None:
    async with reacting(store) as log:
        await log.move(0, REACHED, {2: "3-b", 0: "1-b"}, {"order-1": "note", "order-2": "n"})
        await log.move(3, Checkpoint(5, "5-0", "branch-a"), {2: "5-b"}, {"order-1": ""})
        assert await log.sent() == {0: "1-b", 2: "5-b"}
        assert await log.parked() == {"order-2": "n"}


@pytest.mark.parametrize("position", [0, 2, 4])
async def test_a_step_that_builds_on_another_position_writes_nothing(
    store: Store, position: int
) -> None:
    async with reacting(store) as log:
        await log.move(0, REACHED)
        before = store.dump()
        with pytest.raises(Fenced):
            await log.move(position, Checkpoint(9, "9-0", "b"), {1: "9-b"}, {"order-1": "note"})
        assert store.dump() == before


async def test_who_does_not_hold_the_lease_moves_nothing(store: Store) -> None:
    async with reacting(store) as log:
        store.write(store.keys.reaction(0, NAME), {"token": "another"})
        before = store.dump()
        with pytest.raises(Fenced):
            await log.move(0, REACHED, {1: "3-b"}, {"order-1": "note"})
        assert store.dump() == before


async def test_on_a_key_of_the_wrong_kind_nothing_moves(store: Store) -> None:
    async with reacting(store) as log:
        store.plant(store.keys.reaction_parked(0, NAME))
        before = store.dump()
        with pytest.raises(Refused):
            await log.move(0, REACHED, {1: "3-b"})
        assert store.dump() == before


async def test_the_log_is_read_from_any_position(store: Store) -> None:
    async with reacting(store) as log, store.session() as session:
        owner = await own(session)
        await owner.write_events(5)
        assert await log.head_position() == 5
        assert [event.position for event in await log.events_after(2, 2)] == [3, 4]
        subscription = session.log_feed().subscribe(session.log_key(0), "3-0")
        assert [entry.id for entry in await subscription.take() or ()] == ["4-0", "5-0"]
        subscription.close()


async def test_two_routers_read_one_log_each_by_itself(store: Store) -> None:
    async with store.session() as session:
        owner = await own(session)
        await owner.write_events(2)
        one, two = (session.log_feed().subscribe(session.log_key(0), "0-0") for _ in range(2))
        for each in (one, two):
            assert [entry.id for entry in await each.take() or ()] == ["1-0", "2-0"]
            each.close()


# -- Commands ---------------------------------------------------------------------------


async def test_commands_and_marks_move_together_in_each_partition(store: Store) -> None:
    async with reacting(store) as log:
        sent = [submission(1, "0-0", "3-b", "a", "b"), submission(2, "0-0", "2-b", "c")]
        assert await log.submit(sent) == ["3-b", "2-b"]
        assert (arrived(store, 1), arrived(store, 2)) == ([b"a", b"b"], [b"c"])
        assert store.dump()[store.keys.sources(1)] == {SOURCE: "3-b"}
        assert await log.marks(SOURCE, [1, 2, 3]) == {1: "3-b", 2: "2-b", 3: "0-0"}
        assert await log.marks("another", [1]) == {1: "0-0"}


async def test_another_mark_than_expected_is_told_and_adds_nothing(store: Store) -> None:
    async with reacting(store) as log:
        await log.submit([submission(1, "0-0", "3-b", "a")])
        sent = [submission(1, "0-0", "4-b", "b"), submission(2, "0-0", "4-b", "c")]
        assert await log.submit(sent) == ["3-b", "4-b"]
        assert (arrived(store, 1), arrived(store, 2)) == ([b"a"], [b"c"])


async def test_a_partition_that_takes_nothing_keeps_nobody_else_from_it(store: Store) -> None:
    async with reacting(store) as log:
        store.plant(store.keys.commands(1))
        sent = [submission(1, "0-0", "3-b", "a"), submission(2, "0-0", "3-b", "b")]
        with pytest.raises(Refused):
            await log.submit(sent)
        assert arrived(store, 2) == [b"b"]
        assert await log.marks(SOURCE, [1, 2]) == {1: "0-0", 2: "3-b"}


async def test_sources_do_not_know_of_each_other(store: Store) -> None:
    async with reacting(store) as log:
        own_source = Submission(1, f"{SOURCE}/order-1", "0-0", "2-b", [command("p")])
        assert await log.submit([submission(1, "0-0", "3-b", "a"), own_source]) == ["3-b", "2-b"]
        assert arrived(store, 1) == [b"a", b"p"]
