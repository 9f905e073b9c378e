"""Keys of another kind in the place of ours: what is looked at around them is seen all the same."""

from typing import Any, cast

import pytest

from engine.core.liveness import State
from engine.edge.projections import Projections
from engine.store.keys import Keys
from tests.edge.test_survey import HOME, survey
from tests.runtime.stage import NAMESPACE, PARTITIONS, Stage


@pytest.mark.parametrize("place", ["head", "commands", "lease"])
async def test_what_somebody_planted_blocks_its_partition_and_hides_no_other(place: str) -> None:
    stage = Stage()
    async with stage.session() as session:
        key = getattr(Keys(NAMESPACE), place)(HOME)
        stage.server.data.plant(key, "planted")
        look = survey(session)
        found = await look.partitions()
        assert [p.partition for p in found if p.state is State.BLOCKED] == [HOME]
        assert "cannot be read" in found[HOME].why
        assert "WRONGTYPE" in found[HOME].why
        assert found[HOME].owner == ""


async def test_a_planted_checkpoint_blocks_its_partition_of_its_projection() -> None:
    stage = Stage()
    async with stage.session() as session:
        stage.server.data.plant(Keys(NAMESPACE).projection(HOME, "customers", 1), "x")
        on: Any = session
        customers = await Projections(on, {}).live("customers")
        assert customers.states == {State.BLOCKED: 1, State.UNOWNED: PARTITIONS - 1}
        assert "WRONGTYPE" in customers.troubles[0]


async def test_planted_alarms_and_comparisons_hide_no_projection() -> None:
    stage = Stage()
    async with stage.session() as session:
        keys, on = Keys(NAMESPACE), cast("Any", session)
        stage.server.data.plant(keys.alarms(), "planted")
        stage.server.data.put(keys.live("customers"), {"compared": "planted"})
        found = await Projections(on, {}).look("customers")
        assert (found.compared, [each.alerts for each in found.generations]) == (None, [[]])
        assert found.generations[0].state is State.UNOWNED


async def test_planted_generations_block_their_projection() -> None:
    stage = Stage()
    async with stage.session() as session:
        stage.server.data.plant(Keys(NAMESPACE).live("customers"), "planted")
        [found] = (await Projections(cast("Any", session), {}).look("customers")).generations
        assert found.state is State.BLOCKED
        assert "WRONGTYPE" in found.troubles[0]
