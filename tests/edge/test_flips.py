"""Read your writes, while another generation takes the place of the one that is waited for."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import anyio
import pytest
from redis import Redis

from engine import app, settings
from engine.core.errors import Behind
from engine.core.outcome import Receipt
from engine.store.keys import Keys
from projections.customers import GetCustomer
from tests.edge.asking import OLD, SECONDS, Asking, asking
from tests.edge.command_line import Semel
from tests.eventually import at_last, eventually

# -- In memory --------------------------------------------------------------------------


async def flipped(one: Asking, flip: Callable[[], None], position: int = 8) -> int:
    """What a query sees that waits in vain until there is a flip."""
    seen: list[int] = []

    async def ask() -> None:
        seen.append(await one.orders(position, OLD, SECONDS))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await one.waits()
        assert not seen
        flip()
    return seen[0]


async def test_the_generation_that_is_live_is_read_whichever_was() -> None:
    async with asking() as one:
        one.said(live="7")
        one.applied(9, OLD, generation=7)
        one.counted(70, generation=7)
        assert await one.orders(8, OLD, seconds=0) == 70


async def test_who_waits_goes_on_waiting_for_what_went_live_meanwhile() -> None:
    async with asking() as one:
        one.applied(8, OLD, generation=2)
        one.counted(20, generation=2)
        assert await flipped(one, lambda: one.said(live="2")) == 20


async def test_who_waits_for_a_build_that_was_taken_back_reads_the_one_before() -> None:
    async with asking() as one:
        one.said(live="2", previous="1")
        one.applied(7, OLD, generation=2)
        one.applied(8, OLD)
        assert await flipped(one, lambda: one.said(live="1", previous="2")) == 2


async def test_what_went_live_is_waited_for_in_its_turn() -> None:
    async with asking() as one:
        one.applied(7, OLD, generation=2)
        one.counted(20, generation=2)

        async def reach() -> None:
            await one.waits()
            one.applied(8, OLD, generation=2)

        async with anyio.create_task_group() as tasks:

            def flip() -> None:
                one.said(live="2")
                one.applied(99, OLD, generation=1)
                tasks.start_soon(reach)

            assert await flipped(one, flip) == 20


async def test_who_waited_for_what_stands_still_is_told_of_what_is_live() -> None:
    async with asking() as one:
        one.said(live="3")
        one.applied(4, OLD, generation=3)
        with pytest.raises(Behind, match="position 4 of partition 1; the receipt asks for 6"):
            await one.orders(6, OLD)


# -- On a real server -------------------------------------------------------------------

RECEIPT = Receipt(1, 8, OLD)


class Builds:
    """Generations of the customers that nobody builds: a test says what stands in them."""

    def __init__(self, url: str, namespace: str) -> None:
        self._redis: Any = Redis.from_url(url, protocol=2, decode_responses=True)
        self._keys = Keys(namespace)

    def stand(self, generation: int, position: int) -> None:
        """Have a generation stand there, and its row say which one it is."""
        stands = {"position": str(position), "command": "0-1", "branch": RECEIPT.branch}
        key = self._keys.projection(RECEIPT.partition, "customers", generation)
        self._redis.hset(key, mapping=stands)
        row = self._keys.row("customers", generation, "customer-a")
        self._redis.hset(row, "name", f"of generation {generation}")

    def flip(self, live: int, **said: str) -> None:
        """Have another generation be live."""
        self._redis.hset(self._keys.live("customers"), mapping={"live": str(live), **said})

    @property
    def looks(self) -> int:
        """How often anybody has looked how far something is."""
        return int(self._redis.info("commandstats").get("cmdstat_hmget", {"calls": 0})["calls"])

    def are_looked_at_since(self, looks: int) -> bool:
        """Whether somebody waits: who looks once or twice does not."""
        return self.looks >= looks + 20

    def close(self) -> None:
        self._redis.close()


@pytest.fixture
def semel(server_url: str, namespace: str) -> Semel:
    """A namespace that nobody serves."""
    semel = Semel(server_url, namespace)
    assert semel.run("init", "--partitions", "4").code == 0
    return semel


@pytest.fixture
def builds(semel: Semel) -> Iterator[Builds]:
    """Generation 1 has not got as far as the receipt."""
    builds = Builds(semel.redis, semel.namespace)
    builds.stand(1, 7)
    yield builds
    builds.close()


async def test_the_sdk_waits_across_a_flip_and_back(semel: Semel, builds: Builds) -> None:
    set_up = settings.load(redis=semel.redis, namespace=semel.namespace)
    async with app.open_client(set_up, app.domain_of(set_up)) as client:
        seen: list[str | None] = []

        async def ask() -> None:
            asked = GetCustomer(customer_id="a")
            seen.append((await client.queries.dispatch(asked, after=RECEIPT)).name)

        for generation in (2, 1):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask)
                await eventually(partial(builds.are_looked_at_since, builds.looks), "it waits")
                assert len(seen) == 2 - generation
                builds.stand(generation, 8)
                builds.flip(generation)
            builds.stand(generation, 7)
        assert seen == ["of generation 2", "of generation 1"]


def test_the_command_line_waits_across_a_flip(semel: Semel, builds: Builds) -> None:
    words = ["query", "GetCustomer", "customer_id=a", "--after", str(RECEIPT), "-o", "json"]
    with semel.daemon(*words) as asking:
        at_last(partial(builds.are_looked_at_since, builds.looks), "it waits")
        assert asking.runs
        builds.stand(2, 8)
        builds.flip(2)
        said = asking.end()
    assert (said.code, said.data["name"]) == (0, "of generation 2")


def test_the_command_line_says_how_far_what_is_live_has_come(semel: Semel, builds: Builds) -> None:
    builds.stand(2, 3)
    builds.flip(2, state="paused")
    said = semel.run(
        "query", "GetCustomer", "customer_id=a", "--after", str(RECEIPT), "--wait", "0.1"
    )
    assert said.code == 6
    assert "position 3 of partition 1; the receipt asks for 8, 5 events further on" in said.err
    assert "semel projection resume customers" in said.err
