"""A query with a receipt: it waits for what exists, and says so where that is lost."""

import anyio
import pytest

from engine.core.errors import Behind, HistoryLost, NotFound
from tests.edge.asking import KEPT, NEW, OLD, SECONDS, asking
from tests.runtime.reading import PARTITION


async def test_what_was_reached_is_read_at_once() -> None:
    async with asking() as one:
        assert await one.orders(6, OLD, seconds=0) == 2
        assert await one.orders(0, "any", seconds=0) == 2
        with pytest.raises(Behind, match="asks for 7"):
            await one.orders(7, OLD)


async def test_what_the_server_kept_is_waited_for_and_read() -> None:
    async with asking() as one:
        one.lose()
        one.applied(2, OLD)
        with pytest.raises(Behind):
            await one.orders(KEPT, OLD)
        one.applied(KEPT + 1, NEW)
        assert await one.orders(KEPT, OLD) == 2
        assert await one.orders(KEPT + 1, NEW) == 2
        with pytest.raises(Behind):
            await one.orders(KEPT + 2, NEW)


@pytest.mark.parametrize("position", [KEPT + 1, 6])
@pytest.mark.parametrize("applied", [0, KEPT, KEPT + 1, 100])
async def test_what_the_server_lost_is_named_and_not_waited_for(
    position: int, applied: int
) -> None:
    async with asking() as one:
        one.lose()
        one.applied(applied, NEW)
        with pytest.raises(HistoryLost, match=rf"{PARTITION}\.{position}\.old .*same id"):
            with anyio.fail_after(SECONDS / 2):
                await one.orders(position, OLD, SECONDS)


async def test_what_the_server_lost_is_lost_though_nothing_happened_since() -> None:
    """The projection stands where the old branch ends, and the new one has no event yet."""
    async with asking() as one:
        one.lose()
        one.applied(KEPT, OLD)
        with pytest.raises(HistoryLost):
            await one.orders(KEPT + 1, OLD)


async def test_a_branch_that_nobody_knows_is_lost() -> None:
    async with asking() as one:
        with pytest.raises(HistoryLost):
            await one.orders(1, "unknown")


async def test_who_waits_is_told_how_far_it_is_and_what_it_lacks() -> None:
    async with asking() as one:
        with pytest.raises(Behind, match=r"asks for 7, 1 event further on.* worker running"):
            await one.orders(7, OLD)
        with pytest.raises(Behind, match=r"position 6 of partition 1; .* 9, 3 events further on"):
            await one.orders(9, OLD)


async def test_who_waits_for_what_is_paused_is_told_so() -> None:
    async with asking() as one:
        one.said(live="1", state="paused")
        assert await one.orders(6, OLD, seconds=0) == 2
        with pytest.raises(Behind, match="It is paused: `semel projection resume customers`"):
            await one.orders(7, OLD)


async def test_a_receipt_of_the_beginning_is_reached_by_whoever_has_seen_nothing() -> None:
    """A command without events, in a partition that has none: its position is 0."""
    async with asking() as one:
        one.said(live="5")
        with pytest.raises(NotFound):
            await one.orders(0, OLD, seconds=0)
