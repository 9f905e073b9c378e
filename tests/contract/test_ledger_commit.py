"""The ledger's one write: a commit holds wholly or not at all, for its owner alone."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from engine.core.errors import Fenced, Refused, Torn
from engine.core.outcome import Status
from engine.core.records import Commit, NewEvent, Record
from tests.contract.owners import META, drafted_on_three, happened, owned, record
from tests.contract.stores import Store


async def test_a_commit_writes_events_log_outcomes_and_head(store: Store) -> None:
    keys = store.keys
    async with owned(store) as owner:
        branch = owner.head.branch
        before = store.dump()
        two = record("5-0", "order-1", NewEvent("A", b"1", b"m1"), NewEvent("B", b"2", b"m2"))
        none = Record(
            "5-1", b"c-2", Status.REJECTED, b"order-2", 0, "d2", b'{"code":"no"}', ()
        )  # fmt: skip
        one = record("7-3", "order-2", NewEvent("C", b"3", b"m3"), version=1)
        await owner.ledger.commit(owner.draft(two, none, one))
        first = [("1-0", "A", "1", "m1"), ("2-0", "B", "2", "m2")]
        log = [
            ("1-0", "order-1", "1", "A", "1", "m1"),
            ("2-0", "order-1", "2", "B", "2", "m2"),
            ("3-0", "order-2", "1", "C", "3", "m3"),
        ]
        outcomes = [
            ("5-0", "id-of-5-0", "accepted", "order-1", "0", "2", branch, "d1", "{}"),
            ("5-1", "c-2", "rejected", "order-2", "0", "2", branch, "d2", '{"code":"no"}'),
            ("7-3", "id-of-7-3", "accepted", "order-2", "1", "3", branch, "d1", "{}"),
        ]
        assert store.dump() == before | {
            keys.events(0, "order-1"): stream("type data meta", *first),
            keys.events(0, "order-2"): stream("type data meta", ("1-0", "C", "3", "m3")),
            keys.log(0): stream("aggregate version type data meta", *log),
            keys.outcomes(0): stream(
                "id status aggregate version position branch digest detail", *outcomes
            ),
            keys.head(0): {"commit": "1", "command": "7-3", "position": "3", "partitions": "4"},
        }  # fmt: skip


def stream(names: str, *entries: tuple[str, ...]) -> object:
    """A stream as a dump shows it."""
    fields = [name.encode() for name in names.split()]
    return [
        (id, dict(zip(fields, (value.encode() for value in values), strict=True)))
        for id, *values in entries
    ], {}


async def test_every_entry_of_a_stream_has_its_fields_in_the_same_order(store: Store) -> None:
    async with owned(store) as owner:
        await owner.write_events(2)
        await owner.write(record("9-0", "order-1"))
        dump = store.dump()
        for key in (store.keys.log(0), store.keys.outcomes(0), store.keys.events(0, "order-1")):
            assert len({tuple(fields) for _, fields in dump[key][0]}) == 1


async def test_commits_build_on_each_other_without_gaps(store: Store) -> None:
    async with owned(store) as owner:
        for _ in range(3):
            await owner.write_events(5, ["order-1", "order-2"])
        dump = store.dump()
        log, _ = dump[store.keys.log(0)]
        assert [id for id, _ in log] == [f"{n}-0" for n in range(1, 16)]
        for aggregate in ("order-1", "order-2"):
            stream, _ = dump[store.keys.events(0, aggregate)]
            assert [id for id, _ in stream] == [f"{n}-0" for n in range(1, len(stream) + 1)]
            said = [f[b"version"] for _, f in log if f[b"aggregate"] == aggregate.encode()]
            assert said == [b"%d" % n for n in range(1, len(stream) + 1)]
        assert dump[store.keys.head(0)]["commit"] == "3"
        assert dump[store.keys.head(0)]["position"] == "15"


async def test_an_outcomes_id_is_its_commands_id(store: Store) -> None:
    entries = ["1-0", "1-1", "1700000000000-0", "1700000000000-18446744073709551615"]
    async with owned(store) as owner:
        await owner.write(*(record(entry) for entry in entries))
        outcomes, _ = store.dump()[store.keys.outcomes(0)]
        assert [id for id, _ in outcomes] == entries


async def test_bytes_that_are_no_text_are_kept_as_they_are(store: Store) -> None:
    async with owned(store) as owner:
        raw = Record("1-0", b"\xff\x00id", Status.REJECTED, b"\xfe-1", 0, "", b"{}", ())
        commit = Commit(0, "1-0", 0, owner.head.branch, {}, [raw])
        await owner.ledger.commit(commit)
        [(_, fields)], _ = store.dump()[store.keys.outcomes(0)]
        assert (fields[b"id"], fields[b"aggregate"]) == (b"\xff\x00id", b"\xfe-1")
        [outcome] = await owner.ledger.outcomes("+", 1)
        assert (outcome.id, outcome.aggregate) == ("\ufffd\x00id", "\ufffd-1")


async def test_large_numbers_stay_whole_numbers(store: Store) -> None:
    async with owned(store) as owner:
        at = 10**14
        store.write(store.keys.head(0), {"commit": str(at), "position": str(at), "command": "1-0"})
        store.add(store.keys.log(0), {"any": "thing"}, f"{at}-0")
        head = await owner.ledger.open()
        assert (head.commit, head.position) == (at, at)
        owner.head = head
        await owner.write(record("2-0", "order-1", happened()))
        log, _ = store.dump()[store.keys.log(0)]
        assert log[-1][0] == f"{at + 1}-0"
        assert store.dump()[store.keys.head(0)]["commit"] == str(at + 1)


Wrong = Callable[[Store, Commit], Commit | None]
"""What is wrong with a commit: another commit, or a stranger's write before it."""


def _somebody_else_took_the_lease(store: Store, _: Commit) -> None:
    store.write(store.keys.lease(0), {"token": "token-b"})


def _the_lease_is_nobodys(store: Store, _: Commit) -> None:
    store.remove(store.keys.lease(0))


def _another_commit_came_first(_: Store, commit: Commit) -> Commit:
    return replace(commit, number=commit.number - 1)


def _a_commit_is_missing(_: Store, commit: Commit) -> Commit:
    return replace(commit, number=commit.number + 1)


def _another_position_stands(_: Store, commit: Commit) -> Commit:
    return replace(commit, position=commit.position + 1)


def _an_aggregate_is_further(_: Store, commit: Commit) -> Commit:
    return replace(commit, versions={**commit.versions, "order-2": 0})


def _an_aggregate_is_less_far(_: Store, commit: Commit) -> Commit:
    return replace(commit, versions={**commit.versions, "order-2": 2})


def _the_log_goes_on_beyond_head(store: Store, _: Commit) -> None:
    store.add(store.keys.log(0), {"any": "thing"}, "4-0")


def _the_log_is_gone(store: Store, _: Commit) -> None:
    store.remove(store.keys.log(0))


def _the_outcomes_go_on_beyond_head(store: Store, _: Commit) -> None:
    store.add(store.keys.outcomes(0), {"any": "thing"}, "4-0")


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (_somebody_else_took_the_lease, Fenced),
        (_the_lease_is_nobodys, Fenced),
        (_another_commit_came_first, Fenced),
        (_a_commit_is_missing, Fenced),
        (_another_position_stands, Fenced),
        (_an_aggregate_is_further, Torn),
        (_an_aggregate_is_less_far, Torn),
        (_the_log_goes_on_beyond_head, Torn),
        (_the_log_is_gone, Torn),
        (_the_outcomes_go_on_beyond_head, Torn),
    ],
)
async def test_a_refused_commit_writes_nothing(
    store: Store, wrong: Wrong, error: type[Exception]
) -> None:
    async with owned(store) as owner:
        commit = await drafted_on_three(owner)
        commit = wrong(store, commit) or commit
        before = store.dump()
        with pytest.raises(error):
            await owner.ledger.commit(commit)
        assert store.dump() == before


@pytest.mark.parametrize(
    "key", ["lease", "head", "log", "outcomes", "events:order-1", "events:order-2"]
)
async def test_a_commit_on_a_key_of_the_wrong_kind_writes_nothing(store: Store, key: str) -> None:
    async with owned(store) as owner:
        commit = await drafted_on_three(owner)
        store.plant(store.keys.partition(0, key))
        before = store.dump()
        with pytest.raises(Refused):
            await owner.ledger.commit(commit)
        assert store.dump() == before


async def test_the_same_commit_again_is_fenced(store: Store) -> None:
    async with owned(store) as owner:
        commit = owner.draft(record("1-0", "order-1", happened()))
        await owner.ledger.commit(commit)
        before = store.dump()
        with pytest.raises(Fenced):
            await owner.ledger.commit(commit)
        assert store.dump() == before


async def test_a_commit_needs_no_events(store: Store) -> None:
    async with owned(store) as owner:
        await owner.write(record("1-0"), record("2-0", "customer-1"))
        dump = store.dump()
        assert store.keys.log(0) not in dump
        head = {"commit": "1", "command": "2-0", "position": "0", "partitions": "4"}
        assert dump[store.keys.head(0)] == head


async def test_partitions_know_nothing_of_each_other(store: Store) -> None:
    async with owned(store, 1) as owner, owned(store, 2, "token-b") as other:
        await owner.write_events(3)
        before = {key: value for key, value in store.dump().items() if ":1}" in key}
        await other.write_events(2)
        assert {key: value for key, value in store.dump().items() if ":1}" in key} == before
        assert store.dump()[store.keys.head(2)]["position"] == "2"
        [history] = await other.ledger.load(["order-1"], [0])
        assert [event.meta for event in history] == [META, META]
