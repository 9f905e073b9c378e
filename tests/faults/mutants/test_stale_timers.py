"""Cut out of ``core/timebook.py``: whether a timer still stands once its command is decided."""

from engine.core.timebook import TimerBook
from tests.eventually import eventually
from tests.faults.mutants.banking import BANK, TRANSFER, begin, over, quiet, router, types
from tests.faults.mutants.client import HOME
from tests.faults.mutants.judging import judge
from tests.faults.mutants.knife import Knife
from tests.faults.mutants.world import World
from tests.runtime.meddling import Barrier, Meddler


async def test_a_timer_that_is_replaced_after_it_has_fired(knife: Knife, world: World) -> None:
    """While patience is extended, it runs out: the old one is a command by then.

    It is refused as stale, and the new one ends the transfer. Without a look at what stands, the
    old one ends it.
    """
    knife.code(TimerBook, "stale", lambda _book, _fired: None)
    extends = Barrier()
    async with world.owner(domain=BANK):
        begin(world, patience_ms=1000)
        await eventually(lambda: types(world) == ["Begun"], "it has begun")
    world.client.send("extend", "Extend", TRANSFER, {"patience_ms": 1})
    async with world.owner(lambda real: Meddler(real, {"commit": extends}), domain=BANK):
        await extends.reached.wait()
        due = world.keys.timers(HOME)
        await eventually(lambda: not world.redis.exists(due), "the timer fires", 20)
        extends.opened.set()
        await eventually(lambda: "Expired" in types(world), "patience is over")
        async with router(world):
            await over(world)
            await quiet(world)
    await judge(world, knife, "checker: timer_after_its_end", "checker: timer_refused")
