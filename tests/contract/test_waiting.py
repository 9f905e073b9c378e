"""Commands that wait: moved there with their outcome, and out of there with their late one."""

import pytest
from msgspec.structs import replace

from engine.core.errors import Fenced, Refused, Torn
from engine.core.outcome import Status
from engine.core.records import Commit, Record, Waits
from tests.contract.owners import TOKEN, Owner, happened, owned, record
from tests.contract.stores import Store

KEPT = b'{"tries":1}'


def deferred(entry: str, aggregate: str = "order-1") -> Record:
    """A command that was not decided."""
    return replace(record(entry, aggregate), status=Status.DEFERRED)


async def defer(owner: Owner, *entries: str) -> None:
    """Commit that commands wait."""
    commit = replace(
        owner.draft(*map(deferred, entries)),
        waits=Waits(dict.fromkeys(entries, KEPT), {}, owner.head.late),
    )
    await owner.ledger.commit(commit)
    owner.head.commit, owner.head.command = commit.number + 1, commit.command


def decided(owner: Owner, id: str, *records: Record) -> Commit:
    """A commit of late outcomes alone, the first under this id."""
    ms, _, first = id.partition("-")
    late = {f"{ms}-{int(first) + n}": one for n, one in enumerate(records)}
    head, touched = owner.head, {one.aggregate.decode(): 0 for one in records if one.events}
    return Commit(
        head.commit, head.command, head.position, head.branch, touched, (),
        waits=Waits({}, late, head.late),
    )  # fmt: skip


async def test_a_deferred_command_waits_as_it_was_kept(store: Store) -> None:
    async with owned(store) as owner:
        assert await owner.ledger.waiting() == {}
        await defer(owner, "5-0", "5-1")
        assert store.dump()[store.keys.waiting(0)] == dict.fromkeys(("5-0", "5-1"), KEPT.decode())
        assert await owner.ledger.waiting() == dict.fromkeys(("5-0", "5-1"), KEPT)
        [last, first] = await owner.ledger.outcomes("+", 10)
        assert (first.entry, first.status, last.entry) == ("5-0", Status.DEFERRED, "5-1")


async def test_many_that_wait_are_all_read(store: Store) -> None:
    async with owned(store) as owner:
        entries = [f"5-{n}" for n in range(700)]
        await defer(owner, *entries)
        assert (await owner.ledger.waiting()).keys() == set(entries)


async def test_another_try_is_noted_without_an_outcome(store: Store) -> None:
    async with owned(store) as owner:
        await defer(owner, "5-0")
        waits = Waits({"5-0": b"tried again"}, {}, "0-0")
        await owner.ledger.commit(replace(decided(owner, "5-0"), waits=waits))
        dump = store.dump()
        assert dump[store.keys.waiting(0)] == {"5-0": "tried again"}
        assert len(dump[store.keys.outcomes(0)][0]) == 1
        assert dump[store.keys.head(0)]["commit"] == "2"
        assert dump[store.keys.head(0)]["command"] == "5-0"


async def test_a_late_outcome_comes_with_its_events_and_ends_the_wait(store: Store) -> None:
    async with owned(store) as owner:
        await defer(owner, "5-0", "5-1")
        made = record("5-0", "order-1", happened(), version=1)
        await owner.ledger.commit(decided(owner, "5-0", made))
        dump = store.dump()
        assert dump[store.keys.waiting(0)] == {"5-1": KEPT.decode()}
        [(id, said)], _ = dump[store.keys.late(0)]
        assert (id, said[b"of"], said[b"status"]) == ("5-0", b"5-0", b"accepted")
        assert (said[b"position"], said[b"version"]) == (b"1", b"1")
        assert [id for id, _ in dump[store.keys.log(0)][0]] == ["1-0"]
        assert [id for id, _ in dump[store.keys.events(0, "order-1")][0]] == ["1-0"]
        head = dump[store.keys.head(0)]
        assert (head["position"], head["command"], head["late"]) == ("1", "5-1", "5-0")


async def test_who_comes_next_sees_where_late_ends(store: Store) -> None:
    async with owned(store) as owner:
        await defer(owner, "5-0", "5-1")
        await owner.ledger.commit(decided(owner, "5-7", record("5-1"), record("5-0")))
        assert (await owner.ledger.open()).late == "5-8"
        late = await owner.ledger.late("+", 10)
        assert [(one.late, one.entry) for one in late] == [("5-8", "5-0"), ("5-7", "5-1")]
        assert [one.late for one in await owner.ledger.late("5-8", 10)] == ["5-7"]


@pytest.mark.parametrize("wrong", ["behind", "not waiting", "late", "waiting", "beyond"])
async def test_where_anything_differs_nothing_is_written(store: Store, wrong: str) -> None:
    async with owned(store) as owner:
        await defer(owner, "5-0")
        made = record("5-0", "order-1", happened(), version=1)
        commit = decided(owner, "5-0", made)
        if wrong == "behind":
            owner.head.late = "4-0"
            commit = decided(owner, "5-0", made)
        elif wrong == "not waiting":
            commit = decided(owner, "5-0", made, record("5-1"))
        elif wrong == "beyond":
            store.add(store.keys.late(0), {"any": "thing"}, "5-9")
        else:
            key = getattr(store.keys, wrong)(0)
            store.remove(key)
            store.plant(key)
        before = store.dump()
        with pytest.raises((Torn, Refused)):
            await owner.ledger.commit(commit)
        assert store.dump() == before


async def test_who_lost_the_lease_ends_no_wait(store: Store) -> None:
    async with owned(store) as owner:
        await defer(owner, "5-0")
        commit = decided(owner, "5-0", record("5-0", "order-1", happened()))
        store.write(store.keys.lease(0), {"token": "another"})
        before = store.dump()
        with pytest.raises(Fenced):
            await owner.ledger.commit(commit)
        assert store.dump() == before


async def test_a_late_outcome_beyond_head_is_a_torn_commit(store: Store) -> None:
    async with owned(store) as owner:
        await defer(owner, "5-0")
        await owner.ledger.commit(decided(owner, "5-0", record("5-0")))
        store.add(store.keys.late(0), {"any": "thing"}, "5-9")
        with pytest.raises(Torn, match="late"):
            await owner.session.ledger(0, TOKEN).open()


async def test_late_outcomes_are_trimmed_with_others(store: Store) -> None:
    async with owned(store) as owner:
        await defer(owner, "5-0", "6-0")
        await owner.ledger.commit(decided(owner, "6-0", record("5-0"), record("6-0")))
        owner.head.late, owner.head.commit = "6-1", 2
        await defer(owner, "7-0")
        await owner.ledger.commit(decided(owner, "7-0", record("7-0")))
        await owner.ledger.trim("0-0", "7-0", "7-0")
        assert [one.late for one in await owner.ledger.late("+", 10)] == ["7-0"]
        await owner.ledger.trim("9-0", "9-0", "9-0")
        assert [one.late for one in await owner.ledger.late("+", 10)] == ["7-0"]
        assert (await owner.ledger.open()).late == "7-0"
