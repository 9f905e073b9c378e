"""What an owner does beside committing: drop what is behind, and answer who asked for it."""

import pytest

from engine.core.errors import Fenced, Refused
from tests.contract.owners import Owner, owned, record
from tests.contract.stores import Store

FAR = "9999999999999-0"


async def add_commands(owner: Owner, store: Store, *ids: str) -> None:
    for id in ids:
        store.add(store.keys.commands(owner.partition), {"id": id}, id)


def ids(store: Store, key: str) -> list[str]:
    return [id for id, _ in store.dump()[key][0]]


async def test_commands_and_outcomes_go_below_an_id_each(store: Store) -> None:
    commands, outcomes = store.keys.commands(0), store.keys.outcomes(0)
    async with owned(store) as owner:
        await add_commands(owner, store, "1-0", "2-0", "3-0", "4-0", "5-0")
        await owner.write(*(record(f"{n}-0") for n in range(1, 6)))
        await owner.ledger.trim("4-0", "3-0", "0-0")
        assert ids(store, commands) == ["4-0", "5-0"]
        assert ids(store, outcomes) == ["3-0", "4-0", "5-0"]
        assert (await owner.ledger.open()).forgotten == "2-0"


async def test_nothing_goes_beyond_head(store: Store) -> None:
    async with owned(store) as owner:
        await add_commands(owner, store, "1-0", "2-0", "3-0", "4-0")
        await owner.write(record("1-0"), record("2-0"))
        await owner.ledger.trim(FAR, FAR, FAR)
        assert ids(store, store.keys.commands(0)) == ["2-0", "3-0", "4-0"]
        assert ids(store, store.keys.outcomes(0)) == ["2-0"]
        assert (await owner.ledger.open()).forgotten == "1-0"
        await owner.write(record("3-0"))


async def test_where_nothing_was_done_nothing_goes(store: Store) -> None:
    async with owned(store) as owner:
        await add_commands(owner, store, "1-0", "2-0")
        before = store.dump()
        await owner.ledger.trim(FAR, FAR, FAR)
        assert store.dump() == before


@pytest.mark.parametrize("below", ["0-0", "1-0"])
async def test_where_no_outcome_goes_none_is_forgotten(store: Store, below: str) -> None:
    async with owned(store) as owner:
        await owner.write(record("1-0"), record("2-0"))
        before = store.dump()
        await owner.ledger.trim("0-0", below, "0-0")
        assert store.dump() == before


async def test_ids_are_compared_as_numbers(store: Store) -> None:
    async with owned(store) as owner:
        await owner.write(record("9-2"), record("9-10"), record("10-0"))
        await owner.ledger.trim("0-0", "9-10", "0-0")
        assert ids(store, store.keys.outcomes(0)) == ["9-10", "10-0"]
        assert (await owner.ledger.open()).forgotten == "9-2"
        await owner.ledger.trim("0-0", "10-0", "0-0")
        assert (await owner.ledger.open()).forgotten == "9-10"


async def test_who_does_not_hold_the_lease_trims_nothing(store: Store) -> None:
    async with owned(store) as owner:
        await add_commands(owner, store, "1-0", "2-0")
        await owner.write(record("1-0"), record("2-0"))
        before = store.dump()
        with pytest.raises(Fenced):
            await owner.session.ledger(0, "token-b").trim("2-0", "2-0", "0-0")
        assert store.dump() == before


async def test_replies_wait_in_the_lists_that_were_named(store: Store) -> None:
    async with owned(store) as owner:
        await owner.ledger.reply([("r1", b"one"), ("r2", b"two"), ("r1", b"three")], 300)
        dump = store.dump()
        assert dump[store.keys.reply("r1")] == [b"one", b"three"]
        assert dump[store.keys.reply("r2")] == [b"two"]


async def test_replies_expire(store: Store) -> None:
    async with owned(store) as owner:
        await owner.ledger.reply([("r1", b"one")], 300)
        assert 290_000 < store.lifetime_ms(store.keys.reply("r1")) <= 300_000
        await owner.ledger.reply([("r1", b"two")], 600)
        assert 590_000 < store.lifetime_ms(store.keys.reply("r1")) <= 600_000


async def test_a_list_that_cannot_take_its_reply_keeps_no_other_from_theirs(store: Store) -> None:
    async with owned(store) as owner:
        store.plant(store.keys.reply("r1"))
        with pytest.raises(Refused):
            await owner.ledger.reply([("r1", b"one"), ("r2", b"two"), ("r1", b"three")], 300)
        assert store.dump()[store.keys.reply("r2")] == [b"two"]
        assert await owner.ledger.outcomes("+", 1) == []
