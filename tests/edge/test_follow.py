"""Live views: every change comes to an answer, whatever is lost on the way, and none goes back."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.core.errors import Misuse, Refused
from engine.edge import follow, watches
from tests.contract.projecting import GENERATION, NAME, add, drop, put, wipe
from tests.contract.stores import MemoryStore, RedisStore, Store
from tests.edge.following import GetThing, ListThings, followed, things
from tests.eventually import eventually

R = GetThing(thing="r")
OF_ANN = ListThings(owner="ann")
NOBODY = {"after": "0-0", "rows": "[]", "groups": "[]"}


@pytest.fixture(params=["memory", "valkey"])
def store(request: pytest.FixtureRequest, namespace: str) -> Iterator[Store]:
    """In memory, and on a real server."""
    if request.param == "memory":
        yield MemoryStore(namespace)
        return
    redis = RedisStore("valkey", request.getfixturevalue("valkey_url"), namespace)
    yield redis
    redis.close()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is paced for people and for servers is quicker here."""
    monkeypatch.setattr(follow, "PAUSE_SECONDS", 0.005)
    monkeypatch.setattr(watches, "LOOK_SECONDS", 0.05)


async def test_a_row_is_followed_from_before_it_is_there_until_after_it_is_gone(
    store: Store,
) -> None:
    async with followed(store) as f:
        query, row = f.follow(R), f.start(f.client.queries.follow_row(things, "r"))
        steps = [put(1, "r", n="1"), add(2, "r", n="1"), wipe(3, "r"), put(4, "r", n="7")]
        answers = [None, 1, 2, None, 7]
        for step, answer in zip([None, *steps], answers, strict=True):
            if step is not None:
                await f.apply(step)
            await query.sees(answer)
            await row.sees(answer)
        assert query.answers == row.answers == answers
        assert {update.row for update in row.told} == {"r"}
        assert len({update.token for update in query.told}) == 4, "None was told twice"
        assert not {each.token for each in query.told} & {each.token for each in row.told}


async def test_a_page_is_followed_as_rows_come_change_places_and_go(store: Store) -> None:
    async with followed(store) as f:
        page = f.follow(OF_ANN)
        await page.sees([])
        await f.apply(*(put(n, f"r{n}", owner="ann", rank=str(n)) for n in (1, 2, 3)))
        await page.sees(["r3", "r2"])
        await f.apply(put(4, "r1", rank="9"))
        await page.sees(["r1", "r3"])
        await f.apply(put(5, "r3", owner="bob"))
        await page.sees(["r1", "r2"])
        await f.apply(drop(6, "r1", "owner"), wipe(7, "r2"))
        await page.sees([])
        await f.apply(put(8, "r3", owner="ann"))
        await page.sees(["r3"])


async def test_only_what_an_answer_was_made_of_has_it_asked_again(store: Store) -> None:
    async with followed(store) as f:
        one, page = f.follow(R), f.follow(OF_ANN)
        await one.sees(None)
        await page.sees([])
        await f.apply(put(1, "r", n="1", owner="ann", rank="1"))
        await one.sees(1)
        await page.sees(["r"])
        before = len(f.asked)
        for position in range(2, 12):
            await f.apply(put(position, "s", n=str(position), owner="bob", rank="1"))
        await f.apply(put(12, "r", n="2"))
        await one.sees(2)
        await eventually(lambda: len(page.told) == 3, "the row on the page has changed too")
        assert len(f.asked) == before + 2


async def test_a_change_that_comes_to_the_same_answer_is_not_told(store: Store) -> None:
    async with followed(store) as f:
        one = f.follow(R)
        await f.apply(put(1, "r", n="1"))
        await one.sees(1)
        asked = len(f.asked)
        await f.apply(put(2, "r", n="1"))
        await eventually(lambda: len(f.asked) > asked, "it is asked")
        await f.apply(put(3, "r", n="2"))
        await one.sees(2)
        assert [answer for answer in one.answers if answer is not None] == [1, 2]


async def test_a_change_while_an_answer_is_made_comes_to_another(store: Store) -> None:
    async with followed(store) as f:
        await f.apply(put(1, "r", n="1"))
        f.meanwhile = [put(2, "r", n="2")]
        one = f.follow(R)
        await one.sees(2)
        f.meanwhile = [put(4, "r", n="4")]
        await f.apply(put(3, "r", n="3"))
        await one.sees(4)
        assert one.answers[-2:] == [3, 4]


async def test_a_burst_comes_to_few_answers_and_the_last_is_right(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "PAUSE_SECONDS", 0.2)
    async with followed(store) as f:
        one = f.follow(R)
        await one.sees(None)
        for position in range(1, 101):
            await f.apply(add(position, "r", n="1"))
        await one.sees(100)
        assert len(one.answers) < 50
        assert one.answers[1:] == sorted(one.answers[1:])


async def test_who_takes_long_over_an_answer_is_told_the_last_one_next(store: Store) -> None:
    async with followed(store) as f:
        updates = f.client.queries.follow(R)
        assert (await anext(updates)).answer is None
        for position in range(1, 51):
            await f.apply(add(position, "r", n="1"))
        answer = (await anext(updates)).answer
        assert answer is not None
        assert answer.n == 50
        await updates.aclose()


async def test_from_a_token_on_only_what_differs_is_told(store: Store) -> None:
    async with followed(store) as f:
        await f.apply(put(1, "r", n="1"))
        first = f.follow(R)
        await first.sees(1)
        old = first.token
        same, other = f.follow(R, old), f.follow(OF_ANN, old)
        await other.sees([])
        await f.apply(put(2, "r", n="2"))
        await same.sees(2)
        assert same.answers == [2]
        late = f.follow(R, old)
        await late.sees(2)
        assert late.token == same.token
    async with followed(store) as f:
        later = f.follow(R, late.token)
        await f.apply(put(3, "r", n="3"))
        await later.sees(3)
        assert later.answers == [3], "another client goes on where the first one was"
        for word in ("", "1.7.1f9c83d0", late.token + "0", late.token.upper()):
            with pytest.raises(Misuse, match="token"):
                f.client.queries.follow(R, after=word)


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
        store.write(store.keys.row(NAME, GENERATION, "r"), {"n": "5"})
        store.rank(f"{store.keys.index(NAME, GENERATION, 'by_owner')}:ann", "r", 1)
        f.tell({**NOBODY, "after": "6-0"}, "7-0")
        await one.sees(5)
        await page.sees(["r"])
        await f.apply(put(8, "r", n="6"))
        await one.sees(6)


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


async def test_what_is_not_told_is_found_by_looking(store: Store) -> None:
    """The rows are those of an older time, and so are the checkpoints: ids come again."""
    async with followed(store) as f:
        one = f.follow(R)
        await f.apply(put(9, "r", n="9"))
        await one.sees(9)
        store.remove(store.keys.changed(0, NAME, GENERATION))
        store.remove(store.keys.projection(0, NAME, GENERATION))
        store.remove(store.keys.row(NAME, GENERATION, "r"))
        await one.sees(None)
        await f.apply(put(1, "r", n="1"))
        await one.sees(1)


async def test_a_flip_is_followed_and_what_comes_before_and_after_it(store: Store) -> None:
    async with followed(store) as f:
        one, page = f.follow(R), f.follow(OF_ANN)
        await f.apply(put(1, "r", n="1", owner="ann"))
        await f.apply(put(1, "r", n="100", owner="ann"), put(2, "s", owner="ann"), generation=2)
        await one.sees(1)
        await page.sees(["r"])
        store.write(store.keys.live(NAME), {"live": "2"})
        await one.sees(100)
        await page.sees(["s", "r"])
        await f.apply(put(2, "r", n="2"))
        await f.apply(put(3, "r", n="101"), generation=2)
        await one.sees(101)
        store.write(store.keys.live(NAME), {"live": "1"})
        await one.sees(2)
        assert 2 not in one.answers[:-1]


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


async def test_followers_share_one_watch(store: Store) -> None:
    async with followed(store) as f:
        everybody = [f.follow(GetThing(thing=f"r{n % 10}")) for n in range(200)]
        for each in everybody:
            await each.sees(None)
        [watch] = f.client._watches.standing().values()
        assert len(watch.subscriptions) == 4
        await f.apply(*(put(n, f"r{n - 1}", n=str(n)) for n in range(1, 11)))
        for n, each in enumerate(everybody):
            await each.sees(n % 10 + 1)
        assert f.client._watches.standing()[NAME] is watch


async def test_what_a_handler_raises_ends_the_view(store: Store) -> None:
    store.plant(store.keys.row(NAME, GENERATION, "r"))
    async with followed(store) as f:
        with pytest.raises(Refused, match="WRONGTYPE"):
            await anext(f.client.queries.follow(R))
