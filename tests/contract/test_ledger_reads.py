"""What an owner learns of its partition: where it stands, its aggregates, what was answered."""

import pytest
from msgspec.structs import replace

from engine.core.errors import Fenced, Torn
from engine.core.outcome import Status
from engine.core.records import Head, StoredEvent
from engine.store import events as redis_events
from tests.contract.owners import META, happened, own, owned, record
from tests.contract.stores import Store


async def test_a_new_partition_stands_at_its_beginning(store: Store) -> None:
    async with owned(store, 3) as owner:
        assert owner.head == Head(0, "0-0", 0, "0-0", owner.head.branch)
        dump = store.dump()
        assert dump[store.keys.head(3)] == {"partitions": "4"}
        [(_, noted)], _ = dump[store.keys.branches(3)]
        assert noted[b"branch"].decode() == owner.head.branch != ""
        assert noted[b"from"] == b"0"


async def test_head_says_how_far_the_partition_came(store: Store) -> None:
    async with owned(store) as owner:
        await owner.write_events(3)
        await owner.write(record("9-1"))
        assert await owner.ledger.open() == Head(2, "9-1", 3, "0-0", owner.head.branch)


async def test_head_can_be_read_by_who_owns_nothing(store: Store) -> None:
    async with store.session() as session:
        before = store.dump()
        assert await session.ledger(0, "").peek() == Head()
        assert store.dump() == before
    async with owned(store) as owner:
        await owner.write_events(3)
        await owner.ledger.trim("0-0", "2-0", "0-0")
        owner.head.forgotten = "1-0"
        before = store.dump()
        assert await owner.session.ledger(0, "").peek() == owner.head
        assert store.dump() == before


async def test_a_server_is_noted_once(store: Store) -> None:
    async with owned(store) as owner:
        await owner.write_events(1)
        before = store.dump()
        assert (await owner.ledger.open()).branch == owner.head.branch
        async with store.session() as session:
            again = await session.ledger(0, "token-a").open()
        assert again.branch == owner.head.branch
        assert store.dump() == before


async def test_another_server_begins_another_branch(store: Store) -> None:
    async with owned(store) as owner:
        await owner.write_events(2)
        stranger = {"branch": "elsewhere", "from": "1", "server": "of another name"}
        store.add(store.keys.branches(0), stranger)
        head = await owner.ledger.open()
        assert head.branch not in ("elsewhere", owner.head.branch)
        noted, _ = store.dump()[store.keys.branches(0)]
        assert [fields[b"from"] for _, fields in noted] == [b"0", b"1", b"2"]
        assert noted[-1][1][b"branch"].decode() == head.branch


async def test_who_does_not_hold_the_lease_opens_nothing(store: Store) -> None:
    async with store.session() as session:
        before = store.dump()
        with pytest.raises(Fenced):
            await session.ledger(0, "token-b").open()
        await own(session, 1, "token-a")
        after = store.dump()
        with pytest.raises(Fenced):
            await session.ledger(1, "token-b").open()
        assert store.keys.head(0) not in before
        assert store.dump() == after


@pytest.mark.parametrize(("key", "id"), [("log", "3-0"), ("outcomes", "8-0")])
async def test_what_stands_beyond_head_is_a_torn_commit(store: Store, key: str, id: str) -> None:
    async with owned(store) as owner:
        await owner.write_events(2)
        store.add(store.keys.partition(0, key), {"any": "thing"}, id)
        before = store.dump()
        with pytest.raises(Torn):
            await owner.ledger.open()
        assert store.dump() == before


async def test_a_log_short_of_head_is_torn(store: Store) -> None:
    async with owned(store) as owner:
        await owner.write_events(2)
        store.write(store.keys.head(0), {"position": "3"})
        with pytest.raises(Torn):
            await owner.ledger.open()


async def test_aggregates_are_loaded_above_a_version_each(store: Store) -> None:
    async with owned(store) as owner:
        await owner.write_events(5, ["order-1", "customer-1"])
        histories = await owner.ledger.load(["order-1", "nobody-1", "customer-1"], [1, 0, 0])
        first, nobody, second = histories
        assert first == [
            StoredEvent(2, "Happened", b'{"n":2}', META),
            StoredEvent(3, "Happened", b'{"n":4}', META),
        ]
        assert nobody == []
        assert [event.version for event in second] == [1, 2]


async def test_nothing_is_above_the_last_version(store: Store) -> None:
    async with owned(store) as owner:
        await owner.write_events(3)
        assert await owner.ledger.load(["order-1"], [3]) == [[]]
        assert await owner.ledger.load([], []) == []


@pytest.mark.parametrize("count", [2, 3, 4, 6, 7])
async def test_a_long_history_is_read_to_its_end(
    store: Store, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(redis_events, "LOAD_EVENTS", 3)
    async with owned(store) as owner:
        await owner.write_events(count)
        await owner.write_events(2, ["order-2"])
        long, short = await owner.ledger.load(["order-1", "order-2"], [0, 0])
        assert [event.version for event in long] == list(range(1, count + 1))
        assert [event.version for event in short] == [1, 2]


async def test_outcomes_come_newest_first_page_by_page(store: Store) -> None:
    async with owned(store) as owner:
        await owner.write_events(5)
        pages, below = [], "+"
        while page := await owner.ledger.outcomes(below, 2):
            pages.append([outcome.entry for outcome in page])
            below = page[-1].entry
        assert pages == [["5-0", "4-0"], ["3-0", "2-0"], ["1-0"]]


async def test_an_outcome_says_everything_about_its_command(store: Store) -> None:
    async with owned(store, 2) as owner:
        detail = b'{"code":"no","message":"not today"}'
        refused = replace(
            record("4-2", "order-1"), status=Status.REJECTED, version=7, digest="d9", detail=detail
        )
        await owner.write(record("1-0", "order-1", happened()), refused)
        [outcome] = await owner.ledger.outcomes("+", 1)
        assert (outcome.entry, outcome.id, outcome.status) == ("4-2", "id-of-4-2", "rejected")
        assert (outcome.aggregate, outcome.version, outcome.position) == ("order-1", 7, 1)
        assert (outcome.partition, outcome.branch) == (2, owner.head.branch)
        assert (outcome.digest, outcome.detail["message"]) == ("d9", "not today")
