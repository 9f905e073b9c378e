"""Indexes follow their rows in the same step: enter, move, leave, keep one's rank."""

from engine.core.listing import Listing
from tests.contract.projecting import INDEXES, Projecting, add, drop, projecting, put, wipe
from tests.contract.stores import Store

RED = "red"


async def test_a_row_enters_the_groups_of_its_fields(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", owner="ann", colour=RED, rank="5"))
        assert one.group("by_owner", "ann") == [("r", 5.0)]
        assert one.group("by_both", "ann", RED) == [("r", 5.0)]


async def test_a_row_that_lacks_a_field_is_in_no_group(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", owner="ann", rank="5"), put(2, "s", colour=RED, rank="6"))
        assert one.group("by_owner", "ann") == [("r", 5.0)]
        keys = [key for key in store.dump() if ":index:" in key]
        assert keys == [one.index_key("by_owner", "ann")]


async def test_a_row_moves_and_keeps_its_rank(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", owner="ann", colour=RED, rank="5.25"))
        await one.apply(put(2, "r", owner="bob"))
        assert one.group("by_owner", "ann") is None
        assert one.group("by_owner", "bob") == [("r", 5.25)]
        assert one.group("by_both", "ann", RED) is None
        assert one.group("by_both", "bob", RED) == [("r", 5.25)]


async def test_a_row_that_enters_its_group_later_has_its_rank(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", owner="ann", rank="5"))
        await one.apply(put(2, "r", colour=RED))
        assert one.group("by_both", "ann", RED) == [("r", 5.0)]


async def test_a_row_that_comes_back_to_a_group_has_its_rank(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", owner="ann", colour=RED, rank="5"))
        await one.apply(drop(2, "r", "colour"))
        await one.apply(put(3, "r", colour=RED))
        assert one.group("by_both", "ann", RED) == [("r", 5.0)]


async def test_a_row_leaves_when_a_field_is_dropped(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(
            put(1, "r", owner="ann", colour=RED, rank="1"), put(2, "s", owner="ann", rank="2")
        )
        await one.apply(drop(3, "r", "owner"))
        assert one.group("by_owner", "ann") == [("s", 2.0)]
        assert one.group("by_both", "ann", RED) is None


async def test_a_wiped_row_leaves_every_group(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", owner="ann", colour=RED, rank="1"))
        await one.apply(wipe(2, "r"))
        assert not [key for key in store.dump() if ":index:" in key]


async def test_a_row_made_anew_is_where_it_belongs_now(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", owner="ann", colour=RED, rank="1"))
        await one.apply(wipe(2, "r"), put(3, "r", owner="bob", rank="9"))
        assert one.group("by_owner", "ann") is None
        assert one.group("by_owner", "bob") == [("r", 9.0)]


async def test_another_rank_in_the_same_group(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", owner="ann", rank="1"), put(2, "s", owner="ann", rank="2"))
        await one.apply(put(3, "r", rank="3"))
        assert one.group("by_owner", "ann") == [("s", 2.0), ("r", 3.0)]


async def test_a_rank_that_is_added_to_is_the_sum(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", owner="ann", rank="1.50"))
        more = add(2, "r", rank="2.25")
        more.ranks["by_owner"] = "="
        await one.apply(put(2, "s", owner="ann", rank="2"))
        one.position = 2
        more.position = 3
        await one.apply(put(3, "t", owner="ann", rank="3"), more)
        assert one.group("by_owner", "ann") == [("s", 2.0), ("r", 2.25), ("t", 3.0)]


async def test_moves_within_one_step_come_to_the_last(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", owner="ann", rank="1"))
        await one.apply(
            put(2, "r", owner="bob", rank="2"), put(3, "r", owner="cid"), put(4, "r", owner="ann")
        )
        assert one.group("by_owner", "ann") == [("r", 2.0)]
        assert one.group("by_owner", "bob") is None
        assert one.group("by_owner", "cid") is None


async def test_a_change_that_was_applied_before_moves_nothing(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", owner="ann", rank="1"), put(2, "r", owner="bob"))
        before = store.dump()
        store.write(one.session.projection_lease("things", 1, 0), {"position": "0"})
        one.position = 0
        await one.apply(put(1, "r", owner="ann", rank="1"), upto=2)
        assert store.dump() == before


async def test_values_cannot_be_mistaken_for_each_other(store: Store) -> None:
    async with projecting(store) as one:
        pairs = [("a/b", "c"), ("a", "b/c"), ("a%2Fb", "c"), ("a%", "/"), ("", ""), ("é ü", "%25")]
        for n, (owner, colour) in enumerate(pairs, 1):
            await one.apply(put(n, f"r{n}", owner=owner, colour=colour, rank=str(n)))
        for n, pair in enumerate(pairs, 1):
            assert await members(one, "by_both", *pair) == [f"r{n}"]
        assert one.group("by_both", "a%2Fb", "c") == [("r1", 1.0)]
        assert one.group("by_both", "a%252Fb", "c") == [("r3", 3.0)]


async def members(one: Projecting, index: str, *group: str) -> list[str]:
    [by] = [each for each in INDEXES if each.name == index]
    found = await one.session.rows.members(Listing("things", by, group), 1, 0, 10)
    assert found.total == len(found.entries)
    return [entry.row for entry in found.entries]


async def test_a_row_that_begins_again_has_the_same_order_however_events_were_cut(
    store: Store,
) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", owner="ann", rank="7"), put(1, "s", owner="ann", rank="7"))
        await one.apply(wipe(2, "r"), put(3, "r", owner="ann"))
        await one.apply(wipe(4, "s"))
        await one.apply(put(5, "s", owner="ann"))
        assert one.group("by_owner", "ann") == [("r", 0.0), ("s", 0.0)]
