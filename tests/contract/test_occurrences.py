"""Occurrences of schedules: each command in one step with the mark of its source."""

import pytest

from engine.core.errors import Refused
from tests.contract.stores import Store

SOURCE = "schedule/nightly"
COMMAND = {"id": b"i", "type": b"T", "aggregate": b"a-1", "data": b"{}", "meta": b""}


def commands(store: Store) -> int:
    return len(store.dump().get(store.keys.commands(1), ([], {}))[0])


async def test_a_command_and_its_mark_go_in_together(store: Store) -> None:
    async with store.session() as session:
        assert await session.occurrences.mark(1, SOURCE) == "0-0"
        assert await session.occurrences.submit(1, SOURCE, "0-0", "7 * UTC", COMMAND) == "7 * UTC"
        assert await session.occurrences.mark(1, SOURCE) == "7 * UTC"
        entries, _ = store.dump()[store.keys.commands(1)]
        assert [fields for _, fields in entries] == [
            {name.encode(): value for name, value in COMMAND.items()}
        ]
        assert store.dump()[store.keys.sources(1)] == {SOURCE: "7 * UTC"}


async def test_another_mark_than_was_expected_is_told_and_nothing_is_written(store: Store) -> None:
    async with store.session() as session:
        await session.occurrences.submit(1, SOURCE, "0-0", "7 * UTC", COMMAND)
        before = store.dump()
        assert await session.occurrences.submit(1, SOURCE, "0-0", "8 * UTC", COMMAND) == "7 * UTC"
        assert store.dump() == before


async def test_a_mark_may_move_without_a_command(store: Store) -> None:
    async with store.session() as session:
        assert await session.occurrences.submit(1, SOURCE, "0-0", "7 * UTC", None) == "7 * UTC"
        assert commands(store) == 0
        assert await session.occurrences.mark(1, "schedule/other") == "0-0"


@pytest.mark.parametrize("key", ["commands", "sources"])
async def test_where_another_kind_of_key_stands_nothing_is_written(store: Store, key: str) -> None:
    async with store.session() as session:
        store.plant(store.keys.partition(1, key))
        before = store.dump()
        with pytest.raises(Refused):
            await session.occurrences.submit(1, SOURCE, "0-0", "7 * UTC", COMMAND)
        assert store.dump() == before
