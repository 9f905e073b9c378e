"""The log as a projector sees it: its checkpoint, its events, and the fence around it all."""

import pytest

from engine.core.errors import Fenced
from engine.core.records import Checkpoint, LoggedEvent
from tests.contract.owners import META, own
from tests.contract.projecting import GENERATION, NAME, project, projecting, put
from tests.contract.stores import Store


async def test_a_new_generation_stands_at_the_beginning(store: Store) -> None:
    async with projecting(store) as one:
        assert await one.log.checkpoint() == Checkpoint(0, "", "")
        assert await one.session.checkpoints.applied(NAME, GENERATION, 0) == Checkpoint(0, "", "")


async def test_the_checkpoint_is_where_the_last_step_left_it(store: Store) -> None:
    async with projecting(store, 2) as one:
        await one.apply(put(3, "r", a="1"))
        reached = Checkpoint(3, "3-7", "branch-a")
        assert await one.log.checkpoint() == reached
        assert await one.session.checkpoints.applied(NAME, GENERATION, 2) == reached
        assert await one.session.checkpoints.applied(NAME, GENERATION + 1, 2) == Checkpoint()
        assert await one.session.checkpoints.applied(NAME, GENERATION, 1) == Checkpoint()


async def test_a_step_without_changes_moves_the_checkpoint(store: Store) -> None:
    async with projecting(store) as one:
        before = store.dump()
        await one.apply(upto=5)
        key = one.session.projection_lease(NAME, GENERATION, 0)
        moved = {"position": "5", "command": "5-7", "branch": "branch-a"}
        assert store.dump() == before | {key: before[key] | moved}


@pytest.mark.parametrize("position", [0, 2, 4])
async def test_a_step_that_builds_on_another_position_writes_nothing(
    store: Store, position: int
) -> None:
    async with projecting(store) as one:
        await one.apply(put(3, "r", a="1"))
        before = store.dump()
        one.position = position
        with pytest.raises(Fenced):
            await one.apply(put(9, "r", a="2"))
        assert store.dump() == before


async def test_who_does_not_hold_the_lease_writes_nothing(store: Store) -> None:
    async with projecting(store) as one:
        await one.apply(put(1, "r", a="1"))
        await one.session.leases.release(
            one.session.projection_lease(NAME, GENERATION, 0), "token-p"
        )
        before = store.dump()
        with pytest.raises(Fenced):
            await one.apply(put(2, "r", a="2"))
        assert store.dump() == before
        other = await project(store, one.session, token="token-q")
        with pytest.raises(Fenced):
            await one.apply(put(2, "r", a="2"))
        other.position = 1
        await other.apply(put(2, "r", a="3"))
        assert other.row("r") == {"a": "3", "_at:0": "2"}


async def test_the_log_says_how_far_it_reaches(store: Store) -> None:
    async with projecting(store) as one:
        assert await one.log.head_position() == 0
        owner = await own(one.session)
        await owner.write_events(4)
        assert await one.log.head_position() == 4


async def test_an_event_is_found_by_its_position(store: Store) -> None:
    async with projecting(store) as one:
        assert await one.log.event_at(1) is None
        owner = await own(one.session)
        await owner.write_events(3, ["order-1", "order-2"])
        assert await one.log.event_at(2) == LoggedEvent(
            2, "order-2", 1, "Happened", b'{"n":1}', META
        )
        assert await one.log.event_at(4) is None


async def test_the_branches_are_those_that_the_log_was_written_on(store: Store) -> None:
    async with projecting(store) as one:
        assert await one.log.branches() == []
        owner = await own(one.session)
        [first] = await one.log.branches()
        assert first == (owner.head.branch, 0, one.session.server)
        store.add(store.keys.branches(0), {"branch": "later", "from": "7", "server": "another"})
        assert await one.log.branches() == [first, ("later", 7, "another")]
        assert await one.session.checkpoints.branches(0) == await one.log.branches()
