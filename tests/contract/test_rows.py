"""The read side: rows by id."""

from engine.core.listing import Listing
from tests.contract.projecting import GENERATION, INDEXES, NAME, projecting, put, wipe
from tests.contract.stores import Store

OF_ANN = Listing(NAME, INDEXES[0], ("ann",))


async def test_rows_come_in_the_order_of_their_ids(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", a="1"), put(2, "s", b="ü"))
        rows = await one.session.rows.rows(NAME, GENERATION, ["s", "nowhere", "r", "s"])
        s, r = {"b": "ü", "_at:0": "2"}, {"a": "1", "_at:0": "1"}
        assert rows == [s, {}, r, s]
        assert await one.session.rows.rows(NAME, GENERATION, []) == []


async def test_a_generation_has_rows_of_its_own(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", a="1", owner="ann", rank="1"))
        assert await one.session.rows.rows(NAME, 2, ["r"]) == [{}]
        assert await one.session.rows.rows("others", 1, ["r"]) == [{}]
        assert await one.session.rows.members(OF_ANN, 2, 0, 9) == ([], 0, 0)


async def test_a_tombstone_is_a_row_without_fields(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", a="1"), wipe(2, "r"))
        [row] = await one.session.rows.rows(NAME, GENERATION, ["r"])
        assert not [name for name in row if not name.startswith("_")]
