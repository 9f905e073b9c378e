"""Schemas are recorded once each, and none hides another."""

from tests.contract.stores import Store


async def test_what_is_recorded_is_read(store: Store) -> None:
    async with store.session() as session:
        assert await session.schemas.read() == {}
        await session.schemas.record({})
        assert store.keys.schemas() not in store.dump()
        await session.schemas.record({"event A 1 ab": '{"a":"ä"}', "command B 1 cd": "{}"})
        recorded = {"event A 1 ab": '{"a":"ä"}', "command B 1 cd": "{}"}
        assert await session.schemas.read() == recorded
        assert store.dump()[store.keys.schemas()] == recorded


async def test_what_others_recorded_stays(store: Store) -> None:
    async with store.session() as one, store.session() as another:
        await one.schemas.record({"event A 1 ab": "first"})
        await another.schemas.record({"event A 1 ab": "second", "event A 2 cd": "new"})
        await one.schemas.record({"event A 1 ab": "third"})
        assert await another.schemas.read() == {"event A 1 ab": "first", "event A 2 cd": "new"}
