"""Cut out of ``core/window.py``: whether an id was answered before."""

from engine.core.window import Window
from tests.faults.mutants.client import ANN
from tests.faults.mutants.judging import judge
from tests.faults.mutants.knife import Knife
from tests.faults.mutants.world import World


async def test_a_command_that_comes_again(knife: Knife, world: World) -> None:
    """A client renames a customer, another one renames her once more, and the first one repeats.

    Its command comes under the same id, so its outcome is the first one's. Without a window it
    has its effect a second time, and undoes what was done since.
    """
    knife.code(Window, "first", lambda _window, _received: None)
    async with world.owner():
        await world.answer(world.client.register("c-1", ANN, "Ann"))
        await world.answer(world.client.rename("c-2", ANN, "Anna"))
        await world.answer(world.client.rename("c-3", ANN, "Annabel"))
        again = await world.answer(world.client.rename("c-2", ANN, "Anna"))
    assert again.status == ("accepted" if knife.cuts else "duplicate")
    await judge(
        world, knife, "verify: doubled", "verify: answered_twice", "checker: two_effects",
        "checker: two_outcomes", "checker: answers_differ",
    )  # fmt: skip
