"""Dead letters: what could not be handled is kept as it was, with the outcome that says so."""

import json

import pytest
from msgspec.structs import replace

from engine.core.errors import Refused
from engine.core.records import Entry, Letter
from engine.store.commands import DEAD_FIELDS
from tests.contract.owners import owned, record
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
