"""Dead letters of commands: submitted again once, or thrown away, in one step."""

import pytest

from engine.core.errors import Refused
from tests.contract.stores import Store

LETTER: dict[str, str | bytes] = {
    "source": "command", "entry": "9-9", "id": "c-1", "type": "Ship", "aggregate": "order-1",
    "data": b"\xff", "meta": "", "error": "{}", "attempts": "3",
}  # fmt: skip
WHERE = pytest.mark.parametrize("partition", [1, None])


def streams(store: Store, partition: int | None) -> tuple[str, str]:
    if partition is None:
        return store.keys.inbox_dead(), store.keys.inbox()
    return store.keys.dead(partition), store.keys.commands(partition)


@WHERE
async def test_a_letter_is_submitted_again_once(store: Store, partition: int | None) -> None:
    dead, commands = streams(store, partition)
    async with store.session() as session:
        for n in (1, 2):
            store.add(dead, LETTER, f"{n}-0")
        entry = await session.parked.revive(partition, "1-0", "dead/c-1/1/tag")
        assert await session.parked.revive(partition, "1-0", "dead/c-1/1/tag") == ""
        dump = store.dump()
        assert [id for id, _ in dump[dead][0]] == ["2-0"]
        fields = {
            b"id": b"dead/c-1/1/tag", b"type": b"Ship", b"aggregate": b"order-1", b"data": b"\xff",
            b"meta": b"",
        }  # fmt: skip
        assert dump[commands] == ([(entry, fields)], {})
        assert list(dump[commands][0][0][1]) == list(fields)


@WHERE
async def test_a_letter_is_thrown_away_once(store: Store, partition: int | None) -> None:
    dead, commands = streams(store, partition)
    async with store.session() as session:
        store.add(dead, LETTER, "1-0")
        assert await session.parked.drop(partition, "1-0")
        assert not await session.parked.drop(partition, "1-0")
        assert await session.parked.revive(partition, "1-0", "x") == ""
        assert commands not in store.dump()


async def test_where_it_cannot_be_submitted_it_stays(store: Store) -> None:
    dead, commands = streams(store, 1)
    async with store.session() as session:
        store.add(dead, LETTER, "1-0")
        store.plant(commands)
        before = store.dump()
        with pytest.raises(Refused):
            await session.parked.revive(1, "1-0", "x")
        assert store.dump() == before
