"""Clients whose commands stood behind an id from the future: they find their outcomes by id."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count, islice
from typing import Any

import anyio
import pytest
from redis import Redis

from engine import app, settings
from engine.core.errors import Rejected, Unknown
from engine.core.outcome import Outcome, Status
from engine.core.routing import partition_of
from engine.edge.client import Client
from engine.store.keys import Keys
from engine.store.session import open_session
from handlers.customers import RegisterCustomer, RenameCustomer
from tests.eventually import eventually

PARTITIONS, HOME = 4, 2
FAR = 9_999_999_999_999
ADA = RegisterCustomer(name="Ada")


class Place:
    """One namespace on a server: clients and engines come and go."""

    def __init__(self, url: str, namespace: str) -> None:
        self.settings = settings.load(redis=url, namespace=namespace, partitions=PARTITIONS)
        self.domain = app.domain_of(self.settings)
        self.keys = Keys(namespace)
        self.redis: Any = Redis.from_url(url, protocol=2)

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[None]:
        """An engine node."""
        roles = [app.engine_role(self.settings, self.domain)]
        async with app.serving(roles, 5) as ready:
            await ready.wait()
            yield

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """A client, in a namespace that is there."""
        async with open_session(self.settings.redis, self.settings.namespace) as session:
            await session.create(PARTITIONS)
        async with app.open_client(self.settings, self.domain) as client:
            yield client

    def intrude(self, id: str = f"{FAR}-0") -> None:
        """Add an entry as no honest client does."""
        self.redis.xadd(self.keys.commands(HOME), {"type": "Nonsense"}, id)

    def waiting(self) -> int:
        """How many commands are in the partition's stream."""
        return int(self.redis.xlen(self.keys.commands(HOME)))

    def dead(self) -> list[bytes]:
        """What is in the partition's dead letters."""
        return [fields[b"entry"] for _, fields in self.redis.xrange(self.keys.dead(HOME))]


@pytest.fixture
def place(server_url: str, namespace: str) -> Iterator[Place]:
    """An empty namespace on each real server in turn."""
    place = Place(server_url, namespace)
    yield place
    place.redis.close()


def customers(number: int) -> list[str]:
    """So many aggregates of the partition where it happens."""
    found = (name for n in count() if partition_of(name := f"customer-{n}", PARTITIONS) == HOME)
    return list(islice(found, number))


async def dispatch_all(client: Client, names: list[str], outcomes: list[Outcome]) -> None:
    """Register customers all at once."""

    async def one(name: str) -> None:
        outcomes.append(await client.commands.dispatch(ADA, aggregate=name, wait_seconds=20))

    async with anyio.create_task_group() as tasks:
        for name in names:
            tasks.start_soon(one, name)


def check_each_once(place: Place, names: list[str], outcomes: list[Outcome]) -> None:
    assert sorted(one.aggregate for one in outcomes) == sorted(names)
    assert {(one.status, one.version) for one in outcomes} == {(Status.ACCEPTED, 1)}
    for name in names:
        assert place.redis.xlen(place.keys.events(HOME, name)) == 1


async def test_twenty_that_stand_behind_an_intruder_are_answered(place: Place) -> None:
    names, outcomes = customers(20), list[Outcome]()
    async with place.client() as client, anyio.create_task_group() as tasks:
        place.intrude()
        tasks.start_soon(dispatch_all, client, names, outcomes)
        await eventually(lambda: place.waiting() == 21, "all stand behind it")
        async with place.engine():
            await eventually(lambda: len(outcomes) == 20, "all are answered")
            later = customers(22)[20:]
            await dispatch_all(client, later, outcomes)
    check_each_once(place, names + later, outcomes)
    assert place.dead() == [b"%d-0" % FAR]


@pytest.mark.parametrize("top", [FAR, 2**64 - 1])
async def test_intruders_under_load_cost_nobody_an_outcome(place: Place, top: int) -> None:
    names, outcomes = customers(120), list[Outcome]()
    async with place.engine(), place.client() as client:
        for n in range(6):
            place.intrude(f"{top - n}-0")
            await dispatch_all(client, names[n * 20 : n * 20 + 20], outcomes)
    check_each_once(place, names, outcomes)
    assert place.dead() == [b"%d-0" % (top - n) for n in range(6)]


async def test_outcomes_are_found_by_who_reads_them_already(place: Place) -> None:
    """The partition is watched, commands of before are under way, and the engine is away."""
    first, *names = customers(11)
    outcomes = list[Outcome]()
    async with place.client() as client:
        async with place.engine():
            await client.commands.dispatch(ADA, aggregate=first)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(dispatch_all, client, names[:5], outcomes)
            await eventually(lambda: place.waiting() == 6, "some stand before it")
            place.intrude()
            tasks.start_soon(dispatch_all, client, names[5:], outcomes)
            await eventually(lambda: place.waiting() == 12, "some stand behind it")
            async with place.engine():
                await eventually(lambda: len(outcomes) == 10, "all are answered")
    check_each_once(place, names, outcomes)


async def test_who_gave_up_stands_in_nobodys_way(place: Place) -> None:
    names, outcomes = customers(6), list[Outcome]()
    async with place.client() as client:
        place.intrude()
        with pytest.raises(Unknown):
            await client.commands.dispatch(ADA, aggregate=names[0], id="gave-up", wait_seconds=0.2)
        async with place.engine():
            await dispatch_all(client, names[1:], outcomes)
            again = await client.commands.dispatch(ADA, aggregate=names[0], id="gave-up")
    assert (again.status, again.decisive) == (Status.DUPLICATE, Status.ACCEPTED)
    check_each_once(place, names[1:], outcomes)


async def test_an_id_used_by_others_answers_nobody_behind_an_intruder(place: Place) -> None:
    """Only the same content is the same command: what another said of the id is not taken."""
    [name] = customers(1)
    async with place.client() as client, anyio.create_task_group() as tasks:
        other = {"id": "mine", "type": "RegisterCustomer", "aggregate": name}
        place.redis.xadd(place.keys.commands(HOME), other | {"data": '{"name":"Eve"}'})
        place.intrude()
        refused, bob = list[BaseException](), RenameCustomer(name="Bob")

        async def rename() -> None:
            sent = client.commands.dispatch(bob, aggregate=name, id="mine", wait_seconds=3)
            with pytest.raises(Unknown) as caught:
                await sent
            refused.append(caught.value)

        tasks.start_soon(rename)
        await eventually(lambda: place.waiting() == 3, "it stands behind it")
        async with place.engine():
            await eventually(place.dead, "the intruder is taken out, while it waits")
            assert not refused
            await eventually(lambda: bool(refused), "it is not answered by the other's")
            with pytest.raises(Rejected, match="id_reused"):
                await client.commands.dispatch(bob, aggregate=name, id="mine")
