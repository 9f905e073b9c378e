"""Timers in the store: written with a commit, made commands once, known until these are handled."""

import msgspec
import pytest
from msgspec.structs import replace

from engine.core.errors import Fenced, Refused, Torn
from engine.core.firing import FiredSome, Timer, TimerWrite
from engine.core.records import Entry, Letter
from tests.contract.owners import happened, own, owned, record
from tests.contract.stores import Store
from tests.contract.timing import KEY, setting, timer, write

CANCELLED = TimerWrite(KEY)
HANDLED = TimerWrite(KEY, number="5-0")


def waiting(store: Store) -> list[tuple[str, float]]:
    """The timers that have not fired, by when they are due."""
    found: list[tuple[str, float]] = store.dump().get(store.keys.timers(0), [])
    return found


def known(store: Store) -> dict[str, str]:
    """The number of each timer until it was handled."""
    kept = store.dump().get(store.keys.timer(0), {})
    return {key: msgspec.json.decode(value)["number"] for key, value in kept.items()}


def commands(store: Store) -> list[dict[str, str]]:
    """What stands in the command stream."""
    entries, _ = store.dump().get(store.keys.commands(0), ([], {}))
    return [{k.decode(): v.decode() for k, v in fields.items()} for _, fields in entries]


async def test_a_commit_without_timers_makes_no_keys(store: Store) -> None:
    async with owned(store) as owner:
        await write(owner)
        assert store.dump().keys().isdisjoint({store.keys.timers(0), store.keys.timer(0)})


async def test_a_commit_sets_replaces_and_cancels_timers(store: Store) -> None:
    async with owned(store) as owner:
        await write(owner, setting(2_000_000_000_001), setting(1_900_000_000_000, name="reminder"))
        reminder = ("order-1/reminder", 1_900_000_000_000.0)
        assert waiting(store) == [reminder, (KEY, 2_000_000_000_001.0)]
        kept = store.dump()[store.keys.timer(0)]
        assert msgspec.json.decode(kept[KEY], type=Timer) == timer(2_000_000_000_001)
        await write(owner, setting(1_800_000_000_000, "6-0"))
        assert waiting(store) == [(KEY, 1_800_000_000_000.0), reminder]
        assert known(store) == {KEY: "6-0", "order-1/reminder": "5-0"}
        await write(owner, CANCELLED, TimerWrite("order-1/never-set"))
        assert waiting(store) == [reminder]
        assert known(store) == {"order-1/reminder": "5-0"}


async def test_the_writes_of_one_commit_happen_in_their_order(store: Store) -> None:
    async with owned(store) as owner:
        await write(owner, CANCELLED, setting(7, "5-0"), setting(8, "5-1"))
        assert (waiting(store), known(store)) == ([(KEY, 8.0)], {KEY: "5-1"})
        await write(owner, setting(9, "6-0"), CANCELLED)
        assert (waiting(store), known(store)) == ([], {})


async def test_what_is_due_becomes_a_command_and_the_next_is_told(store: Store) -> None:
    async with owned(store) as owner:
        now = store.now_ms()
        await write(owner, setting(now - 50), setting(now + 60_000, name="reminder"))
        fired = await owner.ledger.timers.fire(10)
        [late] = fired.late_ms
        assert 50 <= late <= 10_000
        assert (fired.damaged, fired.next_ms) == ([], now + 60_000)
        assert abs(fired.now_ms - store.now_ms()) < 10_000
        assert commands(store) == [{
            "id": "timer/order-1/payment/5-0/tag", "type": "ExpireOrder", "aggregate": "order-1",
            "data": '{"why":"é"}', "meta": '{"user":"ann"}',
        }]  # fmt: skip
        assert waiting(store) == [("order-1/reminder", now + 60_000.0)]
        assert known(store) == {KEY: "5-0", "order-1/reminder": "5-0"}


async def test_nothing_is_due_twice(store: Store) -> None:
    async with owned(store) as owner:
        await write(owner, setting(0))
        assert len((await owner.ledger.timers.fire(10)).late_ms) == 1
        assert (await owner.ledger.timers.fire(10)).next_ms is None
        assert len(commands(store)) == 1


async def test_some_fire_at_a_time_the_oldest_first(store: Store) -> None:
    async with owned(store) as owner:
        await write(owner, *(setting(ms, name=f"n-{ms}") for ms in (30, 10, 20)))
        fired = await owner.ledger.timers.fire(2)
        assert (len(fired.late_ms), fired.next_ms, fired.left) == (2, 30, 1)
        ids = [one["id"].split("/")[2] for one in commands(store)]
        assert ids == ["n-10", "n-20"]


async def test_only_the_owner_fires(store: Store) -> None:
    async with owned(store) as owner:
        await write(owner, setting(0))
        store.write(store.keys.lease(0), {"token": "token-b"})
        before = store.dump()
        with pytest.raises(Fenced):
            await owner.ledger.timers.fire(10)
        assert store.dump() == before


async def test_a_new_owner_fires_what_an_old_one_set(store: Store) -> None:
    async with owned(store) as owner:
        await write(owner, setting(0))
        await owner.session.leases.release(store.keys.lease(0), "token-a")
        heir = await own(owner.session, token="token-b")
        assert len((await heir.ledger.timers.fire(10)).late_ms) == 1


async def test_a_timer_that_fired_stands_until_its_command_is_handled(store: Store) -> None:
    async with owned(store) as owner:
        timers = owner.ledger.timers
        await write(owner, setting(0))
        assert await timers.fired([KEY]) == [None]
        await timers.fire(10)
        assert await timers.fired([KEY, "order-1/other"]) == [timer(0), None]
        await write(owner, HANDLED)
        assert (await timers.fired([KEY]), known(store)) == ([None], {})


async def test_what_was_handled_takes_nothing_off_that_was_set_since(store: Store) -> None:
    async with owned(store) as owner:
        await write(owner, setting(0))
        await owner.ledger.timers.fire(10)
        await write(owner, setting(0, "6-0"))
        await owner.ledger.timers.fire(10)
        await write(owner, HANDLED)
        assert await owner.ledger.timers.fired([KEY]) == [timer(0, "6-0")]


async def test_a_command_that_comes_before_its_timer_fired_takes_nothing_off(store: Store) -> None:
    async with owned(store) as owner:
        await write(owner, setting(0))
        await write(owner, HANDLED)
        assert len((await owner.ledger.timers.fire(10)).late_ms) == 1


@pytest.mark.parametrize(
    "value", [None, "", "[]", "null", '{"id":"x"}', '{"number":"1-0","id":{}}']
)
async def test_a_timer_that_cannot_be_read_holds_up_no_other(
    store: Store, value: str | None
) -> None:
    async with owned(store) as owner:
        await write(owner, setting(20))
        store.rank(store.keys.timers(0), "order-1/broken", 10)
        if value is not None:
            store.write(store.keys.timer(0), {"order-1/broken": value})
        fired = await owner.ledger.timers.fire(10)
        assert (fired.damaged, len(fired.late_ms)) == (["order-1/broken"], 1)
        assert (waiting(store), len(commands(store))) == ([], 1)


async def test_where_the_stream_has_no_more_ids_nothing_is_lost(store: Store) -> None:
    async with owned(store) as owner:
        await write(owner, setting(0))
        top = f"{2**64 - 1}-{2**64 - 1}"
        store.add(store.keys.commands(0), {"any": "thing"}, top)
        before = store.dump()
        with pytest.raises(Refused):
            await owner.ledger.timers.fire(10)
        assert store.dump() == before


async def test_a_commit_that_is_refused_does_nothing_to_timers(store: Store) -> None:
    async with owned(store) as owner:
        await write(owner, setting(7))
        commit = replace(owner.draft(record("9-0", "order-1", happened())), timers=[CANCELLED])
        before = store.dump()
        for wrong, error in [
            (replace(commit, number=7), Fenced),
            (replace(commit, versions={"order-1": 7}), Torn),
        ]:
            with pytest.raises(error):
                await owner.ledger.commit(wrong)
        assert store.dump() == before


@pytest.mark.parametrize("key", ["timers", "timer"])
async def test_where_another_kind_of_key_stands_a_commit_writes_nothing(
    store: Store, key: str
) -> None:
    async with owned(store) as owner:
        store.plant(store.keys.partition(0, key))
        draft = owner.draft(record("9-0", "order-1", happened()))
        before = store.dump()
        with pytest.raises(Refused):
            await owner.ledger.commit(replace(draft, timers=[setting(7)]))
        assert store.dump() == before
        await owner.ledger.commit(draft)


@pytest.mark.parametrize("key", ["timers", "timer", "commands"])
async def test_where_another_kind_of_key_stands_nothing_fires(store: Store, key: str) -> None:
    async with owned(store) as owner:
        await write(owner, setting(0))
        store.plant(store.keys.partition(0, key))
        before = store.dump()
        with pytest.raises(Refused):
            await owner.ledger.timers.fire(10)
        assert store.dump() == before


async def test_timers_and_dead_letters_go_into_one_commit(store: Store) -> None:
    async with owned(store) as owner:
        await write(owner, setting(7))
        fields = {b"type": b"T", b"aggregate": b"order-1", b"data": b"{}", b"meta": b""}
        letter = Letter(Entry("9-0", fields), "deadly", "it died", 3)
        draft = owner.draft(record("9-0", "order-1", happened()))
        await owner.ledger.commit(replace(draft, timers=[CANCELLED], letters=[letter]))
        [(_, fields)], _ = store.dump()[store.keys.dead(0)]
        assert (fields[b"aggregate"], fields[b"attempts"]) == (b"order-1", b"3")
        assert (waiting(store), known(store)) == ([], {})


async def test_no_time_has_a_next_timer_where_none_is_set(store: Store) -> None:
    async with owned(store) as owner:
        fired = await owner.ledger.timers.fire(10)
        assert fired == FiredSome(fired.now_ms, 0, [], [], None)
