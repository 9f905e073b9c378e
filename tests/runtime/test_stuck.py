"""What has work and gets nothing done is counted as long as it is served, and no longer."""

from tests.counted import Counted
from tests.eventually import eventually
from tests.runtime.house import Guest, house


async def test_who_has_work_and_gets_nothing_done_is_counted() -> None:
    guest, counted = Guest([]), Counted()
    async with house() as h:
        keeping = h.move_in("a", lambda: guest, count=1)
        await keeping.ready.wait()

        def stuck() -> float:
            return counted.now("semel_stuck_seconds", kind=guest.kind)

        await eventually(lambda: stuck() == 0, "it has nothing to do")
        guest.progress.took()
        await eventually(lambda: stuck() > 0, "it has something to do")
        guest.progress.rests()
        await eventually(lambda: stuck() == 0, "it has done it")


async def test_what_is_served_no_more_is_not_counted_as_stuck() -> None:
    guest, counted = Guest([]), Counted()
    async with house() as h:
        keeping = h.move_in("a", lambda: guest, count=1)
        await keeping.ready.wait()

        def stuck() -> float:
            return counted.now("semel_stuck_seconds", kind=guest.kind)

        guest.progress.took()
        await eventually(lambda: stuck() > 0, "it has something to do")
        theirs = {"node": "b", "token": "theirs", "until": str(h.stage.server.now_ms() + 10_000)}
        h.stage.server.data.put(h.keys[0], theirs)
        await eventually(lambda: keeping.count == 0, "somebody else has it")
        await h.beaten()
        assert stuck() == 0
        assert h.holders()[0] == "b"


async def test_a_session_that_breaks_leaves_nothing_counted_as_stuck() -> None:
    guest, counted = Guest([]), Counted()
    async with house() as h:
        keeping = h.move_in("a", lambda: guest, count=1)
        await keeping.ready.wait()
        guest.progress.took()

        def stuck() -> float:
            return counted.now("semel_stuck_seconds", kind=guest.kind)

        await eventually(lambda: stuck() > 0, "it has something to do")
        keeping.die()
        await keeping.done.wait()
        assert stuck() == 0
