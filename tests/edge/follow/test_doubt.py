"""Live views where something is lost on the way: no change is missed, and no answer goes back."""

from typing import Any

import pytest

from tests.contract.projecting import GENERATION, NAME, add, put
from tests.contract.stores import Store
from tests.edge.follow.following import OF_ANN, R, followed
from tests.eventually import eventually

NOBODY = {"after": "0-0", "rows": "[]", "groups": "[]"}


async def test_broken_sessions_lose_nothing(store: Store) -> None:
    async with followed(store) as f:
        one, page = f.follow(R), f.follow(OF_ANN)
        await one.sees(None)
        for position in range(1, 41):
            await f.apply(add(position, "r", n="1"))
            if position % 8 == 0:
                f.cut()
        await one.sees(40)
        await f.apply(put(41, "s", owner="ann"))
        await page.sees(["s"])
        assert one.answers[1:] == sorted(set(one.answers[1:])), "it never went back"


async def test_a_change_that_is_missing_has_everything_asked_again(store: Store) -> None:
    """As when changes come faster than they are read, and are trimmed meanwhile."""
    async with followed(store) as f:
        one, page = f.follow(R), f.follow(OF_ANN)
        await one.sees(None)
        await page.sees([])
        store.write(store.keys.row(NAME, GENERATION, "r"), {"n": "5", "owner": "ann"})
        store.rank(f"{store.keys.index(NAME, GENERATION, 'by_owner')}:ann", "r", 1)
        f.tell({**NOBODY, "after": "6-0"}, "7-0")
        await one.sees(5)
        await page.sees(["r"])
        await f.apply(put(8, "r", n="6"))
        await one.sees(6)


async def test_a_watch_that_ends_just_before_something_is_read_is_begun_anew(store: Store) -> None:
    async with followed(store) as f:

        async def miss_one() -> None:
            f.tell({**NOBODY, "after": "6-0"}, "7-0")
            await eventually(lambda: not f.client._watches.standing(), "the gap is seen")

        one = f.follow(R)
        await one.sees(None)
        f.before = [miss_one]
        await f.apply(put(1, "r", n="1"))
        await one.sees(1)
        await f.apply(put(8, "r", n="8"))
        await one.sees(8)


@pytest.mark.parametrize("entry", [{"a": "b"}, {**NOBODY, "rows": "{"}, {**NOBODY, "rows": "[1]"}])
async def test_a_strangers_entry_hides_no_change(store: Store, entry: dict[str, str]) -> None:
    async with followed(store) as f:
        one = f.follow(R)
        await f.apply(put(1, "r", n="1"))
        await one.sees(1)
        store.add(store.keys.changed(0, NAME, GENERATION), entry, "1769860800000-0")
        for n in range(2, 5):
            await f.apply(put(n, "r", n=str(n)))
            await one.sees(n)


@pytest.mark.usefixtures("looking")
async def test_what_is_not_told_is_found_by_looking(store: Store) -> None:
    """The rows are those of an older time, and so are the checkpoints: ids come again."""
    async with followed(store, wait_seconds=0.05) as f:
        one = f.follow(R)
        await f.apply(put(9, "r", n="9"))
        await one.sees(9)
        store.remove(store.keys.changed(0, NAME, GENERATION))
        store.remove(store.keys.projection(0, NAME, GENERATION))
        store.remove(store.keys.row(NAME, GENERATION, "r"))
        await one.sees(None)
        await f.apply(put(1, "r", n="1"))
        await one.sees(1)


async def test_a_flip_that_is_met_is_followed_at_once(store: Store) -> None:
    async with followed(store) as f:
        one = f.follow(R)
        await f.apply(put(1, "r", n="1"))
        await f.apply(put(1, "r", n="100"), generation=2)
        await one.sees(1)
        f.serve(2)
        await f.apply(put(2, "r", n="2"))
        await one.sees(100)
        await f.apply(put(3, "r", n="101"), generation=2)
        await one.sees(101)


@pytest.mark.usefixtures("looking")
async def test_a_flip_is_followed_and_what_comes_before_and_after_it(store: Store) -> None:
    async with followed(store) as f:
        one, page = f.follow(R), f.follow(OF_ANN)
        await f.apply(put(1, "r", n="1", owner="ann"))
        await f.apply(put(1, "r", n="100", owner="ann"), put(2, "s", owner="ann"), generation=2)
        await one.sees(1)
        await page.sees(["r"])
        f.serve(2)
        await one.sees(100)
        await page.sees(["s", "r"])
        await f.apply(put(2, "r", n="2"))
        await f.apply(put(3, "r", n="101"), generation=2)
        await one.sees(101)
        f.serve(1)
        await f.apply(put(3, "r", n="3"))
        await one.sees(3)
        assert 2 not in one.answers, "it is from before what was told"


@pytest.mark.usefixtures("looking")
async def test_what_nobody_follows_is_not_watched(store: Store) -> None:
    async with followed(store) as f:
        standing = f.client._watches.standing
        updates: list[Any] = [f.client.queries.follow(R), f.client.queries.follow(OF_ANN)]
        for each in updates:
            await anext(each)
        assert standing().keys() == {NAME}
        await updates[0].aclose()
        await f.apply(put(1, "r", owner="ann"))
        assert (await anext(updates[1])).answer.total == 1
        await updates[1].aclose()
        await eventually(lambda: not standing(), "the watch has ended")
        assert f.client._watches._readers == {}
