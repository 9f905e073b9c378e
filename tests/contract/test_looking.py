"""Streams as those see them who look on: from both ends, within bounds."""

from tests.contract.stores import Store


async def test_entries_are_seen_from_either_end_and_no_more_than_asked_for(store: Store) -> None:
    async with store.session() as session:
        key = session.outcomes_key(0)
        assert await session.streams.between(key, "-", "+", 9) == []
        for id in ("1-0", "1-1", "2-0", "3-0"):
            store.add(key, {"id": f"c-{id}"}, id)

        async def seen(low: str, high: str, count: int) -> tuple[list[str], list[str]]:
            first = await session.streams.between(key, low, high, count)
            last = await session.streams.latest(key, low, high, count)
            return [entry.id for entry in first], [entry.id for entry in last]

        assert await seen("-", "+", 2) == (["1-0", "1-1"], ["3-0", "2-0"])
        assert await seen("1-1", "2-0", 9) == (["1-1", "2-0"], ["2-0", "1-1"])
        assert await seen("4-0", "+", 9) == ([], [])
        [entry] = await session.streams.between(key, "2-0", "2-0", 1)
        assert entry.fields == {b"id": b"c-2-0"}
