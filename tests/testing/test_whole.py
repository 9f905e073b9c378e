"""An engine in memory: what production has, at a time that the test says."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

import handlers
import projections
from engine import (
    Clock,
    Command,
    Decider,
    Event,
    EventContext,
    Ids,
    Operation,
    Projection,
    Row,
    ServiceContext,
    put,
)
from engine.core.errors import Misuse, Refused
from engine.core.outcome import Status
from engine.testing import NOON, engine
from handlers.customers import CustomerRegistered, RegisterCustomer, RenameCustomer
from projections.customers import GetCustomer, customers
from projections.orders import orders
from tests.eventually import eventually

ADA = RegisterCustomer(name="Ada")


async def test_commands_go_in_and_rows_come_out() -> None:
    async with engine(handlers, projections) as semel:
        outcome = await semel.submit(ADA, aggregate="customer-1", expect=0, user="eve")
        assert (outcome.status, outcome.version) == (Status.ACCEPTED, 1)
        assert semel.events("customer-1") == [CustomerRegistered("Ada")]
        await semel.settled()
        assert semel.rows(customers)["customer-1"].name == "Ada"
        assert semel.rows(orders) == {}
        renamed = await semel.submit(RenameCustomer(name="Eve"), aggregate="customer-1")
        assert (await semel.ask(GetCustomer(customer_id="1"), after=renamed)).name == "Eve"


async def test_what_is_refused_is_an_outcome_and_repeats_are_known() -> None:
    async with engine(handlers) as semel:
        first = await semel.submit(ADA, aggregate="customer-1", id="same")
        again = await semel.submit(ADA, aggregate="customer-1", id="same")
        assert (again.status, again.detail["first"]["entry"]) == ("duplicate", first.entry)
        refused = await semel.submit(ADA, aggregate="customer-1")
        assert refused.status is Status.REJECTED
        foreseen = await semel.client.commands.dry_run(ADA, aggregate="customer-2")
        assert foreseen.outcome.version == 1


async def test_an_entry_of_the_inbox_is_waited_for() -> None:
    async with engine(handlers, projections) as semel:
        fields = {b"type": b"RegisterCustomer", b"aggregate": b"customer-7"}
        semel._server.add("{semel}:inbox", {**fields, b"data": b'{"name": "Ada"}'})
        await semel.settled()
        assert semel.rows(customers)["customer-7"].name == "Ada"


# -- Time, ids and services -------------------------------------------------------------


class Stamp(Command):
    pass


class Stamped(Event):
    at: str
    id: str
    ink: str


class Ink:
    def __init__(self, colour: str) -> None:
        self.colour = colour


async def ink(context: ServiceContext) -> AsyncIterator[Ink]:
    yield Ink(context.settings["colour"])


def stamp(_command: Stamp, _state: None, clock: Clock, ids: Ids, ink: Ink) -> Stamped:
    return Stamped(clock.now().isoformat(), ids.new(), ink.colour)


def evolve(_state: None, _event: Stamped) -> None:
    return None


letters = SimpleNamespace(
    deciders=[Decider(kind="letter", initial=None, decide=[stamp], evolve=evolve)], services=[ink]
)


async def stamps(count: int, **settings: Any) -> list[Any]:
    async with engine(letters, **settings) as semel:
        for _ in range(count):
            assert (await semel.submit(Stamp(), aggregate="letter-1")).status == "accepted"
            semel.clock.advance(timedelta(days=1))
        return semel.events("letter-1")


async def test_the_clock_stands_until_it_is_wound() -> None:
    first, second = await stamps(2, services=[Ink("red")])
    assert first.at == NOON.isoformat()
    assert second.at == (NOON + timedelta(days=1)).isoformat()
    assert first.id != second.id
    assert first.ink == "red"


async def test_services_are_opened_with_settings_and_stood_in_for() -> None:
    [stamped] = await stamps(1, service_settings={"ink": {"colour": "blue"}})
    assert stamped.ink == "blue"
    with pytest.raises(Misuse, match="settings for the service ink"):
        await stamps(1, services=[Ink("red")], service_settings={"ink": {"colour": "blue"}})


async def test_time_does_not_go_back() -> None:
    async with engine(letters, services=[Ink("red")]) as semel:
        with pytest.raises(ValueError, match="does not go back"):
            semel.clock.advance(-1)
        assert semel.clock.now == NOON


# -- What does not settle ---------------------------------------------------------------


class Note(Row):
    id: str


def stumble(event: Stamped, context: EventContext) -> Iterator[Operation]:
    if event.ink == "red":
        raise ValueError("it cannot be read")
    yield put(context.aggregate)


async def test_what_does_not_settle_is_named() -> None:
    notes = Projection(name="notes", row=Note, on=[stumble])
    shelf = SimpleNamespace(projections=[notes])
    never: Any = {"services": [Ink("red")], "park_after_attempts": 1000, "park_after_seconds": 1000}
    async with engine(letters, shelf, **never) as semel:
        await semel.submit(Stamp(), aggregate="letter-1")
        with pytest.raises(AssertionError, match=r"notes has applied 0 of 1 events of partition"):
            await semel.settled(seconds=0.1)


async def test_what_is_parked_has_settled() -> None:
    notes = Projection(name="notes", row=Note, on=[stumble])
    shelf = SimpleNamespace(projections=[notes])
    async with engine(letters, shelf, services=[Ink("red")], park_after_attempts=1) as semel:
        await semel.submit(Stamp(), aggregate="letter-1")
        await semel.settled()
        assert semel.rows(notes) == {}


async def struck() -> None:
    """An engine whose partitions find something else where their commands were."""
    async with engine(handlers) as semel:
        data, commands = semel._server.data, "{semel:0}:commands"
        data.remove(commands)
        data.put(commands, {"no": "stream"})
        semel._server.wake(commands)
        await eventually(lambda: False, "it came out")


async def test_what_ends_a_partition_comes_out() -> None:
    with pytest.raises(Refused, match="WRONGTYPE"):
        await struck()
