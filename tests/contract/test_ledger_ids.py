"""A commit and the ids of streams: they go on from what stands, whatever stood there meanwhile."""

import pytest
from msgspec.structs import replace

from engine.core.errors import Torn
from tests.contract.owners import drafted_on_three, owned, record
from tests.contract.stores import Store


async def test_ids_that_no_double_tells_apart_follow_each_other(store: Store) -> None:
    """A client may set the sequence of an id: Redis counts on from there, up to 64 bits."""
    async with owned(store) as owner:
        await owner.write(record("1700000000000-18446744073709551613"))
        await owner.write(record("1700000000000-18446744073709551614"))
        await owner.write(record("1700000000000-18446744073709551615"))
        outcomes, _ = store.dump()[store.keys.outcomes(0)]
        assert len(outcomes) == 3


async def test_an_answer_below_one_that_stands_is_torn(store: Store) -> None:
    async with owned(store) as owner:
        commit = await drafted_on_three(owner)
        before = store.dump()
        with pytest.raises(Torn):
            await owner.ledger.commit(replace(commit, records=[record("2-0"), record("9-0")]))
        assert store.dump() == before


@pytest.mark.parametrize("key", ["log", "outcomes", "events:order-2"])
async def test_an_entry_that_was_tidied_up_costs_no_commit(store: Store, key: str) -> None:
    async with owned(store) as owner:
        commit = await drafted_on_three(owner)
        before = store.dump()[store.keys.partition(0, key)]
        stray = store.add(store.keys.partition(0, key), {"any": "thing"}, "99-0")
        store.delete(store.keys.partition(0, key), stray)
        assert store.dump()[store.keys.partition(0, key)] == before
        await owner.ledger.commit(commit)
        dump = store.dump()
        assert [id for id, _ in dump[store.keys.log(0)][0]][-2:] == ["4-0", "5-0"]
        assert [id for id, _ in dump[store.keys.outcomes(0)][0]][-2:] == ["8-0", "9-0"]
        assert [id for id, _ in dump[store.keys.events(0, "order-2")][0]] == ["1-0", "2-0"]
