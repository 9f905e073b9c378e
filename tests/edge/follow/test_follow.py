"""Live views: every change comes to an answer, and none is told that is not another one."""

import pytest

from engine.core.errors import Misuse, Refused
from engine.edge import follow
from tests.contract.projecting import GENERATION, NAME, add, drop, put, wipe
from tests.contract.stores import Store
from tests.edge.follow.following import OF_ANN, GetThing, R, followed, things
from tests.eventually import eventually


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
        assert len({update.token for update in query.told}) == 5, "None was told at two places"
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
        same = f.follow(R, old)
        await f.apply(put(2, "r", n="2"))
        await same.sees(2)
        assert same.answers == [2]
        late = f.follow(R, old)
        await late.sees(2)
    async with followed(store) as f:
        later = f.follow(R, late.token)
        await f.apply(put(3, "r", n="3"))
        await later.sees(3)
        assert later.answers == [3], "another client goes on where the first one was"
        for word in ("", "1.7.1f9c83d0", late.token[:-1], late.token + "0", late.token.upper()):
            with pytest.raises(Misuse, match="is not the token of an update of GetThing"):
                f.client.queries.follow(R, after=word)
        with pytest.raises(Misuse, match="is not the token of an update of ListThings"):
            f.client.queries.follow(OF_ANN, after=late.token)


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
