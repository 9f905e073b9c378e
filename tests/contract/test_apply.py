"""Row changes: each has its effect once, decimals add up exactly, and errors write nothing."""

import pytest

from engine.core.errors import Refused
from engine.core.records import RowChange
from tests.contract.projecting import (
    Projecting,
    add,
    append,
    drop,
    project,
    projecting,
    put,
    wipe,
)
from tests.contract.stores import Store


async def test_fields_are_put_dropped_and_put_again(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", a="1", b="2"))
        assert one.row("r") == {"a": "1", "b": "2", "_at:0": "1"}
        await one.apply(put(2, "r", a="3"), drop(3, "r", "b", "never"))
        assert one.row("r") == {"a": "3", "_at:0": "3"}
        await one.apply(drop(4, "r", "a"), put(5, "r", b="again"))
        assert one.row("r") == {"b": "again", "_at:0": "5"}


async def test_one_change_puts_adds_and_drops_at_once(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", old="x", sum="1"))
        await one.apply(RowChange("r", 2, False, ["new", "y"], ["sum", "2"], ["old"], {}))
        assert one.row("r") == {"new": "y", "sum": "3", "_at:0": "2"}


async def test_what_was_applied_is_passed_over(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(add(1, "r", n="1"), add(2, "r", n="1"))
        one.store.write(one.session.projection_lease("things", 1, 0), {"position": "0"})
        one.position = 0
        await one.apply(add(1, "r", n="1"), add(2, "r", n="1"), add(3, "r", n="1"))
        assert one.row("r") == {"n": "3", "_at:0": "3"}


async def test_watermarks_are_each_rows_own(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", n="1"), put(4, "s", n="1"))
        one.store.write(one.session.projection_lease("things", 1, 0), {"position": "0"})
        one.position = 0
        await one.apply(add(2, "r", n="1"), add(3, "s", n="1"), add(4, "r", n="1"))
        assert one.row("r") == {"n": "3", "_at:0": "4"}
        assert one.row("s") == {"n": "1", "_at:0": "4"}


async def test_two_partitions_feed_one_row(store: Store) -> None:
    async with projecting(store, 0) as one:
        two = await project(store, one.session, 3)
        await one.apply(add(5, "r", n="1", amount="2.50"))
        await two.apply(add(2, "r", n="1", amount="0.25"))
        assert one.row("r") == {"n": "2", "amount": "2.75", "_at:0": "5", "_at:3": "2"}
        await one.apply(wipe(6, "r"))
        assert one.row("r") == {"_deleted": "1", "_at:0": "6", "_at:3": "2"}


async def test_a_wiped_row_leaves_its_watermark_and_may_come_back(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", a="1"))
        await one.apply(wipe(2, "r"))
        assert one.row("r") == {"_deleted": "1", "_at:0": "2"}
        await one.apply(add(3, "r", n="4"))
        assert one.row("r") == {"n": "4", "_at:0": "3"}


async def test_a_row_is_wiped_and_made_anew_by_one_event(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", a="1", n="7"))
        await one.apply(RowChange("r", 2, True, ["b", "2"], ["n", "1"], [], {}))
        assert one.row("r") == {"b": "2", "n": "1", "_at:0": "2"}


async def test_events_of_one_batch_fold_in_their_order(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(
            put(1, "r", a="1", n="1"), add(2, "r", n="2"), wipe(3, "r"), add(4, "r", n="5"),
            put(5, "r", a="5"), drop(6, "r", "a"),
        )  # fmt: skip
        assert one.row("r") == {"n": "5", "_at:0": "6"}


SUMS = [
    ("0", "1", "1"),
    ("1.10", "2.25", "3.35"),
    ("1", "0.50", "1.50"),
    ("9.99", "0.01", "10.00"),
    ("0.1", "0.02", "0.12"),
    ("-1.50", "0.75", "-0.75"),
    ("1.50", "-1.50", "0.00"),
    ("-0.05", "0.04", "-0.01"),
    ("5", "-7", "-2"),
    ("-0.00", "0.00", "0.00"),
    ("0.000001", "0.000001", "0.000002"),
    ("999999999999.98", "0.01", "999999999999.99"),
    ("9999999999999.99", "-9999999999999.98", "0.01"),
    ("1354458.58", "0.01", "1354458.59"),
    ("999999999999998", "1", "999999999999999"),
    ("999999999999999", "1", "1000000000000000"),
    ("999999999999999999999999.99", "0.01", "1000000000000000000000000.00"),
    ("-999999999999999999999999.99", "1.00", "-999999999999999999999998.99"),
    ("1000000000000.00", "-0.01", "999999999999.99"),
    ("-1000000000000", "1000000000001", "1"),
    ("-5", "-7", "-12"),
    ("-0.00", "-0.00", "0.00"),
]


@pytest.mark.parametrize(("stands", "amount", "sum_"), SUMS)
async def test_decimals_add_up_exactly(store: Store, stands: str, amount: str, sum_: str) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", n=stands), add(2, "s", n=stands), add(3, "s", n=amount))
        await one.apply(add(4, "r", n=amount))
        assert one.row("r") == {"n": sum_, "_at:0": "4"}
        assert (one.row("s") or {})["n"] == sum_


async def test_a_sum_begins_at_nothing_with_the_places_of_what_is_added(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(add(1, "r", a="0.00", b="-12.50", c="7"))
        assert one.row("r") == {"a": "0.00", "b": "-12.50", "c": "7", "_at:0": "1"}


async def indexed(one: Projecting) -> None:
    """Rows that stand in indexes, for a step that goes wrong."""
    await one.apply(
        put(1, "r", owner="ann", colour="red", n="1", text="words", rank="1"),
        put(2, "s", owner="ann", n="1", rank="2"),
    )


WRONG = {
    "a word is added to": add(4, "r", text="1"),
    "nothing is added to": add(4, "r", empty="1"),
    "a power of ten is added to": add(4, "r", large="1"),
    "a number of too many digits is added to": add(4, "r", most="-1"),
    "a number that gets too many digits is added to": add(4, "r", many="0.01"),
    "what is no list is appended to": append(4, "r", "text", '"x"'),
    "nothing is appended to": append(4, "r", "empty", '"x"', limit=1),
    "an empty list of a stranger is appended to": append(4, "r", "blank", '"x"'),
    "a rank that is no number": put(4, "r", owner="bob", rank="NaN"),
    "a rank beyond all numbers": put(4, "r", owner="bob", rank="1" + "0" * 400),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
async def test_a_step_that_goes_wrong_writes_nothing(store: Store, change: RowChange) -> None:
    async with projecting(store) as one:
        await indexed(one)
        odd = {"empty": "", "large": "1e3", "most": "1" * 28, "many": "1" * 26, "blank": "[]"}
        await one.apply(put(3, "r", **odd))
        before = store.dump()
        with pytest.raises(Refused):
            await one.apply(put(4, "s", owner="bob", n="2"), change, put(5, "t", owner="ann"))
        assert store.dump() == before


async def test_a_row_of_the_wrong_kind_writes_nothing(store: Store) -> None:
    async with projecting(store) as one:
        await indexed(one)
        store.plant(one.key("t"))
        before = store.dump()
        with pytest.raises(Refused):
            await one.apply(put(4, "r", owner="bob"), put(5, "t", owner="ann"))
        assert store.dump() == before


@pytest.mark.parametrize("group", [("ann",), ("bob",)], ids=["left", "entered"])
async def test_an_index_of_the_wrong_kind_writes_nothing(
    store: Store, group: tuple[str, ...]
) -> None:
    async with projecting(store) as one:
        await indexed(one)
        store.plant(one.index_key("by_owner", *group))
        before = store.dump()
        with pytest.raises(Refused):
            await one.apply(put(4, "t", n="1"), put(5, "r", owner="bob"))
        assert store.dump() == before
