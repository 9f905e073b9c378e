"""Dead letters: what could not be handled is kept as it was, with the outcome that says so."""

import json

import pytest
from msgspec.structs import replace

from engine.core.errors import Refused
from engine.core.records import Entry, Letter
from engine.store.commands import DEAD_FIELDS
from tests.contract.owners import happened, owned, record
from tests.contract.stores import Store


async def test_a_dead_letter_is_written_with_the_outcome(store: Store) -> None:
    async with owned(store) as owner:
        fields = {b"type": b"Boom", b"aggregate": b"order-1", b"data": b"{}", b"odd": b"\xff"}
        failed = record("1-0")
        letter = Letter(Entry("1-0", fields), "deadly", "it kills", 3)
        commit = replace(owner.draft(failed), letters=[letter])
        await owner.ledger.commit(commit)
        [(_, said)], _ = store.dump()[store.keys.dead(0)]
        assert list(said) == [name.encode() for name in DEAD_FIELDS]
        why = json.loads(said.pop(b"error"))
        assert why == {"code": "deadly", "message": "it kills", "others": ["odd", "\u00ff"]}
        assert said == {
            b"source": b"command", b"entry": b"1-0", b"id": b"", b"type": b"Boom",
            b"aggregate": b"order-1", b"data": b"{}", b"meta": b"", b"attempts": b"3",
        }  # fmt: skip


async def test_where_no_dead_letter_can_be_written_nothing_is(store: Store) -> None:
    async with owned(store) as owner:
        letter = Letter(Entry("1-0", {b"type": b"Boom"}), "deadly", "it kills", 3)
        commit = replace(owner.draft(record("1-0")), letters=[letter])
        store.plant(store.keys.dead(0))
        before = store.dump()
        with pytest.raises(Refused):
            await owner.ledger.commit(commit)
        assert store.dump() == before


async def test_a_dead_letter_may_have_more_fields_than_a_script_can_hand_on(store: Store) -> None:
    """Lua hands on 8000 values at once; a hostile entry has as many as fit into its size."""
    async with owned(store) as owner:
        fields = {b"type": b"Boom"} | {b"f%d" % n: b"" for n in range(5000)}
        letter = Letter(Entry("1-0", fields), "deadly", "it kills", 3)
        await owner.ledger.commit(replace(owner.draft(record("1-0")), letters=[letter]))
        [(_, said)], _ = store.dump()[store.keys.dead(0)]
        assert len(json.loads(said[b"error"])["others"]) == 2 * 5000


async def test_where_dead_letters_have_no_id_left_nothing_is_written(store: Store) -> None:
    async with owned(store) as owner:
        letter = Letter(Entry("1-0", {b"type": b"Boom"}), "deadly", "it kills", 3)
        commit = replace(owner.draft(record("1-0", "order-1", happened())), letters=[letter])
        store.add(store.keys.dead(0), {"any": "thing"}, f"{2**64 - 1}-{2**64 - 1}")
        before = store.dump()
        with pytest.raises(Refused):
            await owner.ledger.commit(commit)
        assert store.dump() == before
