"""Services find the parameters that want them; clocks and ids are the command's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Protocol, Self, runtime_checkable

import pytest

from engine.core.errors import Misuse
from engine.core.messages import CommandContext
from engine.core.registry import Domain, build
from engine.core.services import QUERIES, Clock, Ids, Queries, ServiceContext
from engine.core.signatures import place_of
from tests.core.doors import Bell, Open, decider, refusal

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


class Loud(Bell):
    """A bell of a kind."""


class Bolt:
    """A service that is opened and closed by itself."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context

    async def __aenter__(self) -> Self:
        raise NotImplementedError

    async def __aexit__(self, *_error: object) -> None:
        raise NotImplementedError


@runtime_checkable
class Rings(Protocol):
    def ring(self) -> None: ...


class Knocks(Protocol):
    def knock(self) -> None: ...


class Knocker:
    def ring(self) -> None:
        raise NotImplementedError

    knock = ring


async def bell(_context: ServiceContext) -> AsyncIterator[Bell]:
    yield Bell()


@asynccontextmanager
async def loud(_context: ServiceContext) -> AsyncIterator[Loud]:
    yield Loud()


async def knocker(_context: ServiceContext) -> AsyncIterator[Knocks]:
    yield Knocker()


def rings(_command: Open, _state: str, bell: Bell) -> list[Any]:
    return [bell]


def knocks(_command: Open, _state: str, door: Knocks) -> list[Any]:
    return [door]


def asks(_command: Open, _state: str, queries: Queries, clock: Clock, ids: Ids) -> list[Any]:
    return [queries, clock.now(), ids.new(), ids.new()]


def context(entry: str = "5-0") -> CommandContext:
    return CommandContext("c-1", entry, "Open", "door-1", NOON)


def asked(domain: Domain, entry: str = "5-0") -> Any:
    return domain.commands["Open"].ask(Open(), "closed", lambda: context(entry))


@pytest.mark.parametrize("factory", [bell, loud])
def test_a_factory_is_known_by_what_it_makes(factory: Any) -> None:
    domain = build([decider(rings)], services=[factory])
    [offered] = domain.services
    assert (offered.name, domain.commands["Open"].needs) == (factory.__name__, {"bell": offered})
    opened = Loud()
    assert asked(domain.bound({offered: opened})) == [opened]


def test_a_class_is_a_factory_of_itself() -> None:
    def shut(_command: Open, _state: str, bolt: Bolt) -> list[Any]:
        return [bolt]

    [offered] = build([decider(shut)], services=[Bolt]).services
    assert (offered.name, offered.makes) == ("Bolt", Bolt)


def test_protocols_fit_by_name_and_at_run_time_by_what_they_ask() -> None:
    def ring(_command: Open, _state: str, bell: Rings) -> list[Any]:
        return [bell]

    assert build([decider(knocks)], services=[knocker]).commands["Open"].needs
    there = Knocker()
    assert asked(build([decider(ring)], services=[there])) == [there]
    assert "@runtime_checkable" in refusal([decider(knocks)], services=[there])


def test_what_does_not_fit_or_fits_twice_is_refused() -> None:
    assert "0 services fit the parameter 'bell'" in refusal([decider(rings)])
    assert "2 services fit" in refusal([decider(rings)], services=[bell, Loud()])
    assert "two factories in `services` are called bell" in refusal(services=[bell, bell])


def test_a_class_that_cannot_be_opened_is_no_service() -> None:
    said = refusal(services=[Bell])
    assert "list an object of it" in said
    assert place_of(Bell) in said


def test_a_factory_says_what_it_makes() -> None:
    async def untyped(_context: ServiceContext):  # type: ignore[no-untyped-def]  # noqa: ANN202
        yield Bell()

    async def hungry(_context: ServiceContext, _more: int) -> AsyncIterator[Bell]:
        yield Bell()

    async def once(_context: ServiceContext) -> Bell:
        return Bell()

    for factory in (untyped, hungry, once):
        said = refusal(services=[factory])
        assert f"the factory {factory.__name__} must be an async generator" in said
        assert place_of(factory) in said


def test_queries_a_clock_and_ids_are_always_there() -> None:
    domain = build([decider(asks)])
    handler = domain.commands["Open"]
    assert handler.needs == {"queries": QUERIES}
    queries: Any = object()
    bound = domain.bound({QUERIES: queries})
    given = asked(bound)
    assert given[:2] == [queries, NOON]
    assert given[2] != given[3]
    assert asked(bound) == given  # at every attempt
    assert asked(bound, entry="6-0")[2] not in given


def test_an_offered_clock_comes_before_the_built_in_one() -> None:
    def tell(_command: Open, _state: str, clock: Clock) -> list[Any]:
        return [clock.now()]

    midnight = datetime(2026, 1, 1, tzinfo=UTC)
    assert asked(build([decider(tell)], services=[Clock(midnight)])) == [midnight]


def test_a_query_that_nobody_answers_is_misuse() -> None:
    with pytest.raises(Misuse, match="no query GetDoor"):
        build().query_handler("GetDoor")
