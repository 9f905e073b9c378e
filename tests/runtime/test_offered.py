"""What can be owned changes while it is owned: generations come and go."""

from tests.eventually import eventually
from tests.runtime.house import Guest, house


async def test_what_can_be_owned_no_more_is_given_back_and_what_is_new_is_taken() -> None:
    log: list[str] = []
    async with house() as h:
        keeping = h.move_in("a", lambda: Guest(log), count=2)
        await keeping.ready.wait()
        assert h.holders() == ["a", "a", "", ""]
        keeping.groups["things"] = dict.fromkeys(h.keys[1:], lambda: Guest(log))
        await eventually(lambda: h.holders() == ["", "a", "a", "a"], "the first one has gone")
        assert log.count("leaving") == 1
        del keeping.groups["things"]
        await h.held_by("", "", "", "")
        assert log.count("gone") == log.count("served") == 4
