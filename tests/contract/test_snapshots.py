"""Snapshots of aggregates: written under the token, never ahead, and read with what is above."""

import pytest

from engine.core.errors import Fenced
from engine.core.records import Keeping
from engine.store import snapshots as redis_snapshots
from tests.contract.owners import Owner, owned
from tests.contract.stores import Store

OURS, OTHER = "0a" * 8, "0b" * 8


def text(version: int, schema: str = OURS, state: str = '"so far"') -> bytes:
    said = f'{{"version":{version},"entry":"{version}-0","schema":"{schema}","state":{state}}}'
    return said.encode()


async def keep(owner: Owner, version: int, aggregate: str = "order-1") -> int:
    return await owner.ledger.snapshots.keep([Keeping(aggregate, version, text(version))])


async def recalled(owner: Owner, schema: str = OURS) -> tuple[bytes | None, int, list[int]]:
    [found] = await owner.ledger.snapshots.recall(["order-1"], [schema])
    return found.snapshot, found.length, [event.version for event in found.events]


async def test_without_a_snapshot_all_events_are_read(store: Store) -> None:
    async with owned(store) as owner:
        await owner.write_events(3)
        assert await recalled(owner) == (None, 0, [1, 2, 3])
        assert await owner.ledger.snapshots.recall([], []) == []


async def test_a_snapshot_is_read_with_its_own_event_and_those_above(store: Store) -> None:
    async with owned(store, 2) as owner:
        await owner.write_events(5)
        assert await keep(owner, 3) == 1
        assert store.dump()[store.keys.snapshot(2, "order-1")] == text(3).decode()
        assert await recalled(owner) == (text(3), 5, [3, 4, 5])


async def test_a_newer_snapshot_takes_the_place_of_the_older_one(store: Store) -> None:
    async with owned(store) as owner:
        await owner.write_events(4)
        await keep(owner, 2)
        assert await keep(owner, 4) == 1
        assert await recalled(owner) == (text(4), 4, [4])


async def test_many_are_written_and_read_at_once(store: Store) -> None:
    async with owned(store) as owner:
        await owner.write_events(6, ["order-1", "order-2", "order-3"])
        keepings = [Keeping("order-3", 1, text(1)), Keeping("order-1", 2, text(2))]
        assert await owner.ledger.snapshots.keep(keepings) == 2
        found = await owner.ledger.snapshots.recall(
            ["order-1", "order-2", "order-3", "nobody-1"], [OURS, OURS, "", OURS]
        )
        assert [one.snapshot for one in found] == [text(2), None, None, None]
        assert [[event.version for event in one.events] for one in found] == [
            [2], [1, 2], [1, 2], [],
        ]  # fmt: skip


async def test_what_is_ahead_of_its_stream_is_not_written(store: Store) -> None:
    async with owned(store) as owner:
        await owner.write_events(2)
        assert await keep(owner, 3) == 0
        keepings = [Keeping("order-1", 3, text(3)), Keeping("nobody-1", 1, text(1))]
        assert await owner.ledger.snapshots.keep(keepings) == 0
        assert not [key for key in store.dump() if ":snapshot:" in key]


async def test_who_does_not_hold_the_lease_writes_none(store: Store) -> None:
    async with owned(store) as owner, store.session() as session:
        await owner.write_events(2)
        before = store.dump()
        stale = session.ledger(0, "token-b").snapshots
        with pytest.raises(Fenced):
            await stale.keep([Keeping("order-1", 2, text(2))])
        assert store.dump() == before


async def test_of_another_schema_only_the_beginning_is_read(store: Store) -> None:
    async with owned(store) as owner:
        await owner.write_events(3)
        long = text(2, OTHER, '"' + "x" * 500 + '"')
        await owner.ledger.snapshots.keep([Keeping("order-1", 2, long)])
        assert await recalled(owner) == (long[:200], 3, [1, 2, 3])


async def test_what_is_no_snapshot_at_all_hides_nothing(store: Store) -> None:
    async with owned(store) as owner:
        await owner.write_events(3)
        store.plant(store.keys.snapshot(0, "order-1"))
        assert await recalled(owner) == (b"planted", 3, [1, 2, 3])
        store.remove(store.keys.snapshot(0, "order-1"))
        store.write(store.keys.snapshot(0, "order-1"), {"of": "another kind"})
        assert await recalled(owner) == (b"", 3, [1, 2, 3])
        assert await keep(owner, 2) == 1, "it takes the place of whatever stood there"
        assert await recalled(owner) == (text(2), 3, [2, 3])


async def test_one_that_is_ahead_comes_without_events(store: Store) -> None:
    async with owned(store) as owner:
        await owner.write_events(3)
        await keep(owner, 3)
        key = store.keys.events(0, "order-1")
        for id in ("2-0", "3-0"):
            store.delete(key, id)
        assert await recalled(owner) == (text(3), 1, [])


async def test_one_without_any_stream_is_not_looked_for(store: Store) -> None:
    async with owned(store) as owner:
        await owner.write_events(3)
        await keep(owner, 3)
        store.remove(store.keys.events(0, "order-1"))
        assert await recalled(owner) == (None, 0, [])


@pytest.mark.parametrize("count", [4, 5, 6, 8, 9])
async def test_many_events_above_a_snapshot_are_read_to_the_end(
    store: Store, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(redis_snapshots, "RECALL_EVENTS", 3)
    async with owned(store) as owner:
        await owner.write_events(count)
        await keep(owner, 2)
        assert await recalled(owner) == (text(2), count, list(range(2, count + 1)))
