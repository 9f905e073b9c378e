"""The inbox: entries and the mark they stand for move in one step, and never again."""

from collections.abc import Mapping

import pytest

from engine.core.errors import Fenced, Refused
from engine.store import commands as redis_commands
from tests.contract.stores import Store

TOKEN = "token-a"


def command(id: str) -> Mapping[str, bytes]:
    return {
        "id": id.encode(), "type": b"T", "aggregate": b"order-1", "data": b"{}", "meta": b"",
    }  # fmt: skip


async def test_entries_and_mark_move_together(store: Store) -> None:
    async with store.session() as session:
        mark, ids = await session.inbox().submit(1, "0-0", "7-0", [command("a"), command("b")])
        assert mark == "7-0"
        entries, _ = store.dump()[store.keys.commands(1)]
        assert [id for id, _ in entries] == ids
        assert [fields[b"id"] for _, fields in entries] == [b"a", b"b"]
        assert store.dump()[store.keys.sources(1)] == {"inbox": "7-0"}


async def test_a_command_carries_its_five_fields_in_order(store: Store) -> None:
    async with store.session() as session:
        given = {
            "meta": b"\xff", "data": b"\x00", "aggregate": b"", "type": b"T", "id": b"i",
        }  # fmt: skip
        await session.inbox().submit(0, "0-0", "1-0", [given])
        [(_, fields)], _ = store.dump()[store.keys.commands(0)]
        assert list(fields.items()) == [
            (b"id", b"i"), (b"type", b"T"), (b"aggregate", b""), (b"data", b"\x00"),
            (b"meta", b"\xff"),
        ]  # fmt: skip


async def test_what_else_a_command_carries_comes_behind(store: Store) -> None:
    async with store.session() as session:
        strange = {"reply": b"", **command("a")}
        await session.inbox().submit(0, "0-0", "1-0", [strange, command("b")])
        entries, _ = store.dump()[store.keys.commands(0)]
        assert [list(fields)[5:] for _, fields in entries] == [[b"reply"], []]


async def test_each_step_builds_on_the_mark_before(store: Store) -> None:
    async with store.session() as session:
        inbox = session.inbox()
        assert (await inbox.submit(1, "0-0", "7-0", [command("a")]))[0] == "7-0"
        assert (await inbox.submit(1, "7-0", "9-2", [command("b")]))[0] == "9-2"
        assert (await inbox.submit(2, "0-0", "8-0", [command("c")]))[0] == "8-0"
        assert store.dump()[store.keys.sources(1)] == {"inbox": "9-2"}
        assert store.dump()[store.keys.sources(2)] == {"inbox": "8-0"}


@pytest.mark.parametrize("expected", ["0-0", "6-0", "8-0"])
async def test_another_mark_than_expected_writes_nothing(store: Store, expected: str) -> None:
    async with store.session() as session:
        inbox = session.inbox()
        await inbox.submit(1, "0-0", "7-0", [command("a")])
        before = store.dump()
        assert await inbox.submit(1, expected, "9-0", [command("b")]) == ("7-0", [])
        assert store.dump() == before


async def test_a_mark_that_is_ahead_of_the_store_writes_nothing(store: Store) -> None:
    async with store.session() as session:
        before = store.dump()
        assert await session.inbox().submit(1, "7-0", "9-0", [command("a")]) == ("0-0", [])
        assert store.dump() == before


@pytest.mark.parametrize("key", ["sources", "commands"])
async def test_on_a_key_of_the_wrong_kind_nothing_is_written(store: Store, key: str) -> None:
    async with store.session() as session:
        store.plant(store.keys.partition(1, key))
        before = store.dump()
        with pytest.raises(Refused):
            await session.inbox().submit(1, "0-0", "7-0", [command("a")])
        assert store.dump() == before


async def test_forwarding_notes_where_entries_went_and_drops_what_is_behind(store: Store) -> None:
    async with store.session() as session:
        assert await session.leases.acquire(session.inbox_lease(), "node", TOKEN, 30)
        for id in ("5-0", "6-0", "7-0"):
            store.add(store.keys.inbox(), {"type": "T"}, id)
        await session.inbox().forward([("5-0", 3, "11-0"), ("6-0", 0, "")], TOKEN)
        dump = store.dump()
        assert dump[store.keys.forwarded()][0] == [
            ("5-0", {b"partition": b"3", b"entry": b"11-0"}),
            ("6-0", {b"partition": b"0", b"entry": b""}),
        ]
        assert [id for id, _ in dump[store.keys.inbox()][0]] == ["7-0"]
        assert await session.inbox().last_forwarded() == "6-0"


async def test_nothing_was_forwarded_yet(store: Store) -> None:
    async with store.session() as session:
        assert await session.inbox().last_forwarded() == "0-0"


async def test_who_does_not_hold_the_lease_forwards_nothing(store: Store) -> None:
    async with store.session() as session:
        store.add(store.keys.inbox(), {"type": "T"}, "5-0")
        before = store.dump()
        with pytest.raises(Fenced):
            await session.inbox().forward([("5-0", 0, "1-0")], TOKEN)
        assert store.dump() == before


@pytest.mark.parametrize("key", ["forwarded", "inbox"])
async def test_forwarding_on_a_key_of_the_wrong_kind_writes_nothing(store: Store, key: str) -> None:
    async with store.session() as session:
        assert await session.leases.acquire(session.inbox_lease(), "node", TOKEN, 30)
        store.add(store.keys.inbox(), {"type": "T"}, "5-0")
        store.plant(getattr(store.keys, key)())
        before = store.dump()
        with pytest.raises(Refused):
            await session.inbox().forward([("5-0", 0, "1-0")], TOKEN)
        assert store.dump() == before


async def test_notes_of_where_entries_went_are_bounded(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit, nodes = 10, 3
    monkeypatch.setattr(redis_commands, "FORWARDED_LIMIT", limit)
    async with store.session() as session:
        assert await session.leases.acquire(session.inbox_lease(), "node", TOKEN, 30)
        moved = [(f"{n}-0", 0, "1-0") for n in range(1, 501)]
        await session.inbox().forward(moved, TOKEN)
        kept, _ = store.dump()[store.keys.forwarded()]
        # Redis trims whole nodes of a hundred entries, which is cheap.
        assert limit <= len(kept) <= limit + nodes * 100
        assert kept[-1][0] == "500-0"
