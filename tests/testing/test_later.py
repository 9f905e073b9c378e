"""An engine in memory does what follows later: timers, schedules, routers and side effects."""

from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace

import pytest

from engine import (
    Command,
    Decider,
    Effect,
    EffectContext,
    Event,
    Rejected,
    Router,
    Schedule,
    Send,
    TimerChange,
    cancel_timer,
    send,
    set_timer,
)
from engine.testing import NOON, engine
from tests import transfers
from tests.transfers import Begin, Cancelled, Deposit, Deposited, Finished

DAY = timedelta(days=1)


class Place(Command):
    pass


class Pay(Command):
    pass


class Expire(Command):
    pass


class Placed(Event):
    pass


class Paid(Event):
    pass


class Expired(Event):
    pass


def place(_command: Place, _state: str) -> Iterator[Event | TimerChange]:
    yield Placed()
    yield set_timer("payment", Expire(), after=DAY)


def pay(_command: Pay, state: str) -> Iterator[Event | TimerChange]:
    if state != "Placed":
        raise Rejected("not_due", f"it is {state}")
    yield Paid()
    yield cancel_timer("payment")


def expire(_command: Expire, _state: str) -> Expired:
    return Expired()


def evolve(_state: str, event: Placed | Paid | Expired) -> str:
    return type(event).__name__


order = Decider(kind="order", initial="", decide=[place, pay, expire], evolve=evolve)


class Report(Command):
    pass


class Reported(Event):
    pass


def report(_command: Report, _state: None) -> Reported:
    return Reported()


def as_before(state: None, _event: Reported) -> None:
    return state


reports = Decider(kind="report", initial=None, decide=[report], evolve=as_before)


class Post:
    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []


nightly = Schedule("nightly", cron="0 3 * * *", aggregate="report-all", command=Report())


async def test_a_timer_fires_when_the_clock_has_come_there() -> None:
    async with engine(SimpleNamespace(deciders=[order])) as semel:
        for id in ("order-1", "order-2"):
            await semel.submit(Place(), aggregate=id)
        assert semel.timers("order-1") == {"payment": NOON + DAY}
        await semel.submit(Pay(), aggregate="order-2")
        await semel.settled()
        assert semel.events("order-1") == [Placed()]
        semel.clock.advance(DAY)
        await semel.settled()
        assert semel.events("order-1") == [Placed(), Expired()]
        assert semel.events("order-2") == [Placed(), Paid()]
        assert semel.timers("order-1") == {}


async def test_a_schedule_has_its_occurrences_by_that_clock() -> None:
    async with engine(SimpleNamespace(deciders=[reports], schedules=[nightly])) as semel:
        for nights in range(3):
            await semel.settled()
            assert semel.events("report-all") == [Reported()] * nights
            semel.clock.advance(DAY)
        semel.clock.advance(DAY * 10)  # as where nobody ran: only the last one is made up for
        await semel.settled()
        assert len(semel.events("report-all")) == 3


async def test_process_managers_come_to_their_end() -> None:
    async with engine(transfers) as semel:
        await semel.submit(Deposit(amount=10), aggregate="account-1")
        for id, amount in (("transfer-1", 7), ("transfer-2", 7)):
            begin = Begin(source="account-1", target="account-2", amount=amount)
            await semel.submit(begin, aggregate=id)
            await semel.settled()
        assert semel.events("account-2") == [Deposited(7, "transfer-1")]
        assert semel.events("transfer-1")[-1] == Finished()
        assert semel.events("transfer-2")[-1] == Cancelled("too_little")


async def test_side_effects_are_done_and_routes_lead_from_timers_on() -> None:
    post = Post()

    async def tell(event: Expired, post: Post, context: EffectContext) -> None:
        post.told.append((type(event).__name__, context.aggregate))

    def tell_reports(_event: Expired) -> Send:
        return send("report-all", Report())

    shop = SimpleNamespace(
        deciders=[order, reports],
        routers=[Router(name="books", routes=[tell_reports])],
        effects=[Effect(name="mail", react=[tell])],
        services=[post],
    )
    async with engine(shop) as semel:
        await semel.submit(Place(), aggregate="order-1")
        semel.clock.advance(DAY)
        await semel.settled()
        assert post.told == [("Expired", "order-1")]
        assert semel.events("report-all") == [Reported()]


async def test_what_does_not_settle_of_these_is_named() -> None:
    async def tell(_event: Placed) -> None:
        raise OSError("nobody is there")

    mail = Effect(name="mail", react=[tell], attempts=1000)
    async with engine(SimpleNamespace(deciders=[order], effects=[mail])) as semel:
        await semel.submit(Place(), aggregate="order-1")
        with pytest.raises(AssertionError, match="mail has reacted to 0 of 1 events of partition"):
            await semel.settled(seconds=0.1)
