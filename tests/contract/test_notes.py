"""A command from inside that was refused is noted in the log, in the step of its outcome."""

import pytest

from engine.core.errors import Refused
from engine.core.outcome import Status
from engine.core.records import NewEvent, Record
from engine.core.rejections import REJECTED
from tests.contract.owners import META, Owner, happened, owned, record
from tests.contract.stores import Store

NOTE = NewEvent(REJECTED, b'{"code":"no"}', META)


def refused(entry: str, aggregate: str = "order-1") -> Record:
    return Record(
        entry, b"r/1", Status.REJECTED, aggregate.encode(), 1, "d1", b'{"code":"no"}', (), NOTE
    )  # fmt: skip


async def commit(owner: Owner, *records: Record) -> None:
    await owner.ledger.commit(owner.draft(*records))


async def test_a_note_has_a_place_in_the_log_and_no_version(store: Store) -> None:
    async with owned(store) as owner:
        await commit(
            owner, record("5-0", "order-1", happened(1)), refused("5-1"),
            record("5-2", "order-1", happened(2)), refused("5-3", "order-2"),
        )  # fmt: skip
        dump = store.dump()
        log, _ = dump[store.keys.log(0)]
        said = [(id, f[b"aggregate"], f[b"version"], f[b"type"]) for id, f in log]
        assert said == [
            ("1-0", b"order-1", b"1", b"Happened"), ("2-0", b"order-1", b"0", b"_rejected"),
            ("3-0", b"order-1", b"2", b"Happened"), ("4-0", b"order-2", b"0", b"_rejected"),
        ]  # fmt: skip
        assert (log[1][1][b"data"], log[1][1][b"meta"]) == (NOTE.data, NOTE.meta)
        assert len({tuple(fields) for _, fields in log}) == 1
        stream, _ = dump[store.keys.events(0, "order-1")]
        assert [id for id, _ in stream] == ["1-0", "2-0"]
        assert store.keys.events(0, "order-2") not in dump
        outcomes, _ = dump[store.keys.outcomes(0)]
        assert [f[b"position"] for _, f in outcomes] == [b"1", b"2", b"3", b"4"]
        assert dump[store.keys.head(0)]["position"] == "4"


async def test_a_commit_of_a_note_alone(store: Store) -> None:
    async with owned(store) as owner:
        await commit(owner, refused("5-0"))
        assert store.dump()[store.keys.head(0)]["position"] == "1"
        head = await owner.ledger.open()
        assert (head.position, head.command) == (1, "5-0")


async def test_where_the_log_is_none_no_note_is_written(store: Store) -> None:
    async with owned(store) as owner:
        store.plant(store.keys.log(0))
        before = store.dump()
        with pytest.raises(Refused):
            await commit(owner, refused("5-0"))
        assert store.dump() == before
