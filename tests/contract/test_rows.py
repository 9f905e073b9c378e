"""The read side: rows by id, and index groups slice by slice."""

import pytest

from tests.contract.projecting import GENERATION, NAME, Projecting, projecting, put, wipe
from tests.contract.stores import Store


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
        group = await one.session.rows.members(NAME, 2, "by_owner", ["ann"], 0, 9, False)
        assert group == ([], 0)


async def test_a_tombstone_is_a_row_without_fields(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", a="1"), wipe(2, "r"))
        [row] = await one.session.rows.rows(NAME, GENERATION, ["r"])
        assert not [name for name in row if not name.startswith("_")]


async def ranked(one: Projecting) -> None:
    """Five rows of one group; two of them are equal in rank."""
    ranks = {"r1": "10", "r3": "2", "r2": "10", "r5": "-1.5", "r4": "30"}
    changes = [put(n, row, owner="ann", rank=r) for n, (row, r) in enumerate(ranks.items(), 1)]
    await one.apply(*changes)


OLDEST_FIRST = ["r5", "r3", "r1", "r2", "r4"]


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize(("start", "count"), [(0, 2), (2, 2), (4, 2), (5, 2), (99, 2), (0, 99)])
async def test_a_group_is_read_slice_by_slice(
    store: Store,
    start: int,
    count: int,
    newest_first: bool,  # noqa: FBT001 -- a parameter of the port
) -> None:
    async with projecting(store) as one:
        await ranked(one)
        ids, total = await one.session.rows.members(
            NAME, GENERATION, "by_owner", ["ann"], start, count, newest_first
        )
        order = OLDEST_FIRST[::-1] if newest_first else OLDEST_FIRST
        assert ids == order[start : start + count]
        assert total == len(OLDEST_FIRST)


async def test_a_group_of_nobody_is_empty(store: Store) -> None:
    async with projecting(store) as one:
        members = one.session.rows.members(NAME, GENERATION, "by_owner", ["bob"], 0, 9, False)
        assert await members == ([], 0)
