"""Bounded lists: the last items in the order they came, each once, as they were written."""

import json

import msgspec
import pytest

from engine.core.lists import LIST_LIMIT
from engine.core.records import Appended, RowChange
from tests.contract.projecting import add, append, drop, project, projecting, put, wipe
from tests.contract.stores import Store


async def test_a_list_keeps_its_last_items(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(append(1, "r", "seen", '"a"'))
        assert one.row("r") == {"seen": '["a"]', "_at:0": "1"}
        await one.apply(append(2, "r", "seen", '"b"'), append(3, "r", "seen", '"c"', '"d"'))
        assert one.row("r") == {"seen": '["b",\n"c",\n"d"]', "_at:0": "3"}


async def test_two_partitions_and_a_batch_of_many_events(store: Store) -> None:
    async with projecting(store) as one:
        two = await project(store, one.session, 3)
        await one.apply(*(append(n, "r", "seen", f"{n}") for n in range(1, 8)))
        await two.apply(append(1, "r", "seen", "8"), append(2, "s", "seen", "9"))
        assert one.row("r") == {"seen": "[6,\n7,\n8]", "_at:0": "7", "_at:3": "1"}
        assert one.row("s") == {"seen": "[9]", "_at:3": "2"}


async def test_what_was_appended_is_passed_over(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(append(1, "r", "seen", "1"), append(2, "r", "seen", "2"))
        one.store.write(one.session.projection_lease("things", 1, 0), {"position": "0"})
        one.position = 0
        await one.apply(*(append(n, "r", "seen", str(n)) for n in (1, 2, 3)))
        assert one.row("r") == {"seen": "[1,\n2,\n3]", "_at:0": "3"}


EXACT = [
    '"12.50"', '"/ \\" \\\\ \\n \\u0000 \\u007f é \u2028 𝄞"', '",\\n"', "123456789012345678901",
    "1.10", "1e400", "[]", "{}", "null", '{"b":"1","a":"2","c":{"d":[]}}',
]  # fmt: skip


async def test_items_stand_as_they_were_written(store: Store) -> None:
    """Lua's own JSON would round numbers, turn [] into {}, and put names in another order."""
    async with projecting(store) as one:
        for n, item in enumerate(EXACT):
            await one.apply(append(n + 1, "r", "seen", item, limit=100))
        text = (one.row("r") or {})["seen"]
        assert text == "[" + ",\n".join(EXACT) + "]"
        assert json.loads(text) == [json.loads(item) for item in EXACT]


@pytest.mark.parametrize(
    ("limit", "left"), [(1, ["6"]), (2, ["5", "6"]), (5, ["2", "3", "4", "5", "6"])]
)
async def test_another_limit_holds_from_then_on(store: Store, limit: int, left: list[str]) -> None:
    async with projecting(store) as one:
        await one.apply(append(1, "r", "seen", *"12345", limit=5))
        await one.apply(append(2, "r", "seen", "6", limit=limit))
        assert (one.row("r") or {})["seen"] == "[" + ",\n".join(left) + "]"


async def test_the_longest_list_and_a_longer_item(store: Store) -> None:
    items = [msgspec.json.encode("x" * (n + 1) * 20).decode() for n in range(LIST_LIMIT + 5)]
    async with projecting(store) as one:
        for n, item in enumerate(items):
            await one.apply(append(n + 1, "r", "seen", item, limit=LIST_LIMIT))
        assert (one.row("r") or {})["seen"] == "[" + ",\n".join(items[5:]) + "]"


async def test_a_list_is_dropped_and_begins_anew(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(append(1, "r", "seen", "1"), put(1, "s", a="1"))
        await one.apply(drop(2, "r", "seen"), append(3, "r", "seen", "2"))
        assert one.row("r") == {"seen": "[2]", "_at:0": "3"}
        again = RowChange("r", 4, False, [], [], ["seen"], {}, [Appended("seen", "3", 3)])
        await one.apply(again)
        assert one.row("r") == {"seen": "[3]", "_at:0": "4"}


async def test_a_deleted_row_comes_back_with_what_is_appended(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(append(1, "r", "seen", "1"), wipe(2, "r"))
        assert one.row("r") == {"_deleted": "1", "_at:0": "2"}
        await one.apply(append(3, "r", "seen", "2"))
        assert one.row("r") == {"seen": "[2]", "_at:0": "3"}
        await one.apply(RowChange("r", 4, True, [], [], [], {}, [Appended("seen", "3", 3)]))
        assert one.row("r") == {"seen": "[3]", "_at:0": "4"}


async def test_appending_leaves_groups_and_ranks_alone(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", owner="ann", colour="red", rank="7"))
        await one.apply(append(2, "r", "seen", "1"), add(3, "r", n="1"))
        assert one.group("by_owner", "ann") == [("r", 7.0)]
        await one.apply(append(4, "s", "seen", "1"))
        assert one.group("by_owner", "ann") == [("r", 7.0)]
