"""An event whose route raises stops its aggregate for that router, and nobody else's."""

from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog

from engine import EventContext, Send, send
from engine.core.parking import DROP, RETRY, Ask, Note, notes_in
from engine.runtime import follower as module
from engine.runtime import parking, standstill
from tests.eventually import eventually
from tests.runtime.bank import NAME, Bank
from tests.runtime.meddling import Death, die
from tests.runtime.stage import aggregates, home
from tests.transfers import Asked, Begin, Deposit

BEGUN = 1
ONE, TWO = aggregates("transfer", BEGUN, 2)


@pytest.fixture(autouse=True)
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged; what is waited for is waited for shortly."""
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.005)
    monkeypatch.setattr(standstill, "PAUSE_SECONDS", (0.001,))
    monkeypatch.setattr(parking, "ASKED_SECONDS", 0)
    with structlog.testing.capture_logs() as logged:
        yield logged


class Bugs:
    """A route that raises for one transfer, and counts how often."""

    def __init__(self) -> None:
        self.about, self.tries = {ONE}, 0

    def deposit_all(self, event: Asked, context: EventContext) -> list[Send]:
        if context.aggregate in self.about:
            self.tries += 1
            raise RuntimeError("a bug")
        return [
            send(event.account, Deposit(amount=event.amount, transfer=context.aggregate)),
            send("account-b", Deposit(amount=event.amount, transfer=context.aggregate)),
        ]


class Play:
    """A bank whose router has a bug, and what it has parked."""

    def __init__(self, **settings: Any) -> None:
        self.bugs = Bugs()
        self.bank = Bank(self.bugs.deposit_all, **settings)

    @property
    def fields(self) -> dict[str, str]:
        key = self.bank.stage.keys.reaction_parked(BEGUN, NAME)
        return dict(self.bank.stage.server.data.hash(key))

    @property
    def parked(self) -> dict[str, Note]:
        return notes_in(self.fields)

    def begin(self, transfer: str, amount: int) -> None:
        self.bank.send(Begin(source="account-a", target="account-b", amount=amount), transfer)

    def ask(self, verb: str, id: str = "ask-1") -> None:
        key = self.bank.stage.keys.reaction_parked(BEGUN, NAME)
        self.bank.stage.server.data.put(key, {Ask(verb, ONE, id).field: id})

    async def answered(self, verb: str, id: str = "ask-1") -> None:
        self.ask(verb, id)
        async with self.bank.routed():
            await eventually(
                lambda: ONE not in self.parked or self.parked[ONE].answered == id, "it is answered"
            )
            await self.bank.settled()

    @property
    def balances(self) -> tuple[int, int]:
        return self.bank.state("account-a"), self.bank.state("account-b")


@asynccontextmanager
async def played(**settings: Any) -> AsyncIterator[Play]:
    """One transfer of 1 whose route raises, one of 10 and, behind them, all is read."""
    play = Play(**settings)
    async with play.bank.engine():
        play.begin(ONE, 1)
        play.begin(TWO, 10)
        await eventually(play.bank.is_answered, "all is answered")
        async with play.bank.routed():
            await play.bank.settled()
        yield play


async def test_all_else_flows() -> None:
    async with played() as play:
        assert play.balances == (10, 10)
        assert play.bugs.tries == 4
        [(aggregate, note)] = play.parked.items()
        assert (aggregate, note.position, note.event) == (ONE, 2, "Asked")
        assert (str(note.error), note.attempts) == ("RuntimeError: a bug", 4)


async def test_it_is_passed_over_by_whoever_comes_next() -> None:
    async with played() as play:
        async with play.bank.routed():
            play.begin(TWO, 100)
            await play.bank.settled()
        assert (play.balances, play.bugs.tries) == ((10, 10), 4)


@pytest.mark.parametrize("size", [1, 2, 512])
async def test_after_repair_what_was_parked_is_sent_once(size: int) -> None:
    async with played(projection_batch_events=size) as play:
        play.bugs.about.clear()
        await play.answered(RETRY)
        assert (play.balances, play.fields) == ((11, 11), {})
        source = f"{NAME}/{BEGUN}/{ONE}"
        assert source in play.bank.marks(home("account-a"))
        await play_again(play)
        assert play.balances == (11, 11)


async def play_again(play: Play) -> None:
    """Have somebody without any memory of what was sent read it all."""
    play.bank.stage.server.data.remove(play.bank.stage.keys.reaction(BEGUN, NAME))
    async with play.bank.routed():
        await play.bank.settled()


@pytest.mark.parametrize("when", ["before submit", "after submit", "before move", "after move"])
@pytest.mark.parametrize("at", [1, 2])
async def test_a_repair_that_dies_half_way_repeats_nothing(when: str, at: int) -> None:
    async with played() as play:
        play.bugs.about.clear()
        where, what = when.split()
        calls = 0

        async def die_then() -> None:
            nonlocal calls
            calls += 1
            if calls == at:
                await die()

        play.ask(RETRY)
        play.bank.wrap = {where: {what: die_then}}
        await play.bank.life(BEGUN, lambda: ONE not in play.parked)
        play.bank.wrap = {}
        if ONE in play.parked:
            await play.answered(RETRY, "ask-2")
        assert (play.balances, play.parked) == ((11, 11), {})
        ids = [each["id"] for each in play.bank.from_inside()]
        assert len(ids) == len(set(ids))


async def test_one_that_still_raises_says_so(logged: list[MutableMapping[str, Any]]) -> None:
    async with played() as play:
        await play.answered(RETRY)
        assert (play.parked[ONE].answered, play.parked[ONE].attempts) == ("ask-1", 5)
        assert play.balances == (10, 10)
    assert [each["event"] for each in logged if each["event"].startswith("reaction.")] == [
        "reaction.blocked", "reaction.blocked", "reaction.blocked", "reaction.parked",
        "reaction.unmended",
    ]  # fmt: skip


async def test_what_is_dropped_is_never_sent_and_what_comes_behind_is() -> None:
    async with played() as play:
        play.bugs.about.clear()
        await play.answered(DROP)
        assert (play.balances, play.fields) == ((10, 10), {})


async def test_who_parks_notes_it_before_anything_behind_is_sent() -> None:
    """Else its event would count as sent: the mark would be beyond it."""
    play = Play()
    async with play.bank.engine():
        play.begin(ONE, 1)
        play.begin(TWO, 10)
        await eventually(play.bank.is_answered, "all is answered")
        play.bank.wrap = {"after": {"submit": die}}
        assert await play.bank.life(BEGUN, lambda: play.bank.is_read(BEGUN))
        assert play.bank.position(BEGUN) == 0
        assert list(play.parked) == [ONE]
        play.bank.wrap = {}
        play.bugs.about.clear()
        await play.answered(RETRY)
        assert play.balances == (11, 11)


async def test_what_kills_its_workers_is_parked_without_being_tried() -> None:
    play = Play()
    lives = 0

    def kill(event: Asked, context: EventContext) -> list[Send]:
        nonlocal lives
        if context.aggregate == ONE:
            lives += 1
            raise Death
        return [send("account-b", Deposit(amount=event.amount))]

    play.bank = Bank(kill)
    async with play.bank.engine():
        play.begin(ONE, 1)
        play.begin(TWO, 10)
        await eventually(play.bank.is_answered, "all is answered")
        while await play.bank.life(BEGUN, lambda: ONE in play.parked):
            assert lives < 10
        async with play.bank.routed():
            await play.bank.settled()
    assert lives == 6
    assert play.parked[ONE].error.type == "Death"
    assert play.bank.state("account-b") == 10
