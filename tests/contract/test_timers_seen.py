"""Timers as those see them who look on."""

from engine.core.firing import TimerWrite
from tests.contract.owners import owned
from tests.contract.stores import Store
from tests.contract.timing import setting, timer, write


async def test_who_looks_on_sees_what_is_due_first(store: Store) -> None:
    async with owned(store) as owner:
        look, later = owner.session.timers, store.now_ms() + 60_000
        assert (await look.first(0, 10), await look.of(0, "order-1")) == ([], [])
        await write(owner, setting(later, name="late"), setting(5), setting(6, name="x*"))
        first = await look.first(0, 2)
        assert [(one.name, one.at, one.fired) for one in first] == [
            ("payment", 5, False), ("x*", 6, False),
        ]  # fmt: skip
        assert (first[0].aggregate, first[0].type, first[0].number) == (
            "order-1", "ExpireOrder", "5-0",
        )  # fmt: skip
        assert (await look.counts(2)) == [(3, 2, 5), (0, 0, None)]
        await owner.ledger.timers.fire(1)
        assert [(one.name, one.at, one.fired) for one in await look.of(0, "order-1")] == [
            ("payment", 5, True), ("x*", 6, False), ("late", later, False),
        ]  # fmt: skip


async def test_an_aggregates_timers_are_its_own_whatever_it_is_called(store: Store) -> None:
    async with owned(store) as owner:
        for number, aggregate in enumerate(("order-1", "order-11", "order-*", "order-[1]")):
            one = TimerWrite(f"{aggregate}/a", timer(number))
            await write(owner, one)
        for aggregate in ("order-1", "order-*", "order-[1]"):
            [found] = await owner.session.timers.of(0, aggregate)
            assert found.aggregate == aggregate
        store.rank(store.keys.timers(0), "order-9/broken", -1)
        [broken, *_] = await owner.session.timers.first(0, 9)
        assert (broken.aggregate, broken.name, broken.number) == ("order-9", "broken", "")
