"""Live views never go back in time: rows that lag behind what was told are waited for."""

from typing import Any

import pytest

from engine.core.errors import Misuse
from engine.core.resuming import Question, Told, server_digest
from engine.edge import follow
from tests.contract.projecting import put
from tests.contract.stores import Store
from tests.edge.follow.following import BOTH, OF_ANN, GetBoth, GetThing, R, followed

QUESTION = Question('GetThing {"thing":"r"}')


def positions(token: str, question: Question = QUESTION) -> tuple[int, ...]:
    """What a token says of how far rows had come."""
    return question.told(token).positions


def token(n: Any, position: int, server: str) -> str:
    """As somebody was told of the first partition, on some server."""
    told = Told(QUESTION.digest(n), server_digest(server), (position, 0, 0, 0))
    return QUESTION.token(told)


async def ahead(store: Store) -> str:
    """The token of who was told three events of a generation; the next one has one, and is live."""
    async with followed(store) as f:
        await f.apply(put(3, "r", n="3"))
        await f.apply(put(1, "r", n="1"), generation=2)
        one = f.follow(R)
        await one.sees(3)
        f.serve(2)
        return one.token


async def test_a_token_says_how_far_the_rows_had_come(store: Store) -> None:
    async with followed(store) as f:
        await f.apply(put(300, "r", n="1"), upto=400)
        one = f.follow(R)
        await one.sees(1)
        assert positions(one.token) == (400, 0, 0, 0), "as the checkpoints said"
        await f.apply(put(500, "r", n="2"))
        await one.sees(2)
        assert positions(one.token) == (500, 0, 0, 0), "as the change said"


async def test_of_several_read_models_a_position_is_the_least(store: Store) -> None:
    async with followed(store) as f:
        await f.apply(put(7, "r", n="7"))
        await f.apply(put(5, "r", n="5"), name="others")
        one = f.follow(BOTH)
        await one.sees(12)
        question = Question('GetBoth {"thing":"r"}')
        assert positions(one.token, question) == (5, 0, 0, 0)
        await f.apply(put(9, "r", n="9"), name="others")
        await one.sees(16)
        assert positions(one.token, question) == (7, 0, 0, 0)


async def test_who_resumes_waits_for_rows_as_new_as_those_that_he_was_told_of(
    store: Store,
) -> None:
    old = await ahead(store)
    async with followed(store) as f:
        one = f.follow(R, old)
        await f.is_asked(2)
        await f.apply(put(2, "r", n="2"), generation=2)
        await f.apply(put(3, "r", n="30"), generation=2)
        await one.sees(30)
        assert one.answers == [30]
        assert not one.told[0].is_behind


async def test_events_that_change_nothing_bring_rows_as_far(store: Store) -> None:
    old = await ahead(store)
    async with followed(store) as f:
        one = f.follow(R, old)
        await f.is_asked(2)
        await f.apply(upto=3, generation=2)
        await one.sees(1)
        assert not one.told[0].is_behind
        assert positions(one.token)[0] == 3


async def test_rows_that_come_to_what_was_told_are_not_told_again(store: Store) -> None:
    old = await ahead(store)
    async with followed(store) as f:
        one = f.follow(R, old)
        await f.is_asked(2)
        await f.apply(put(3, "r", n="3"), generation=2)
        await f.is_asked(3)
        await f.apply(put(4, "r", n="4"), generation=2)
        await one.sees(4)
        assert one.answers == [4]


async def test_a_generation_that_takes_the_place_is_noticed_while_waiting(store: Store) -> None:
    old = await ahead(store)
    async with followed(store) as f:
        one = f.follow(R, old)
        await f.is_asked(2)
        await f.apply(put(4, "r", n="4"))
        f.serve(1)
        await one.sees(4)
        assert one.answers == [4]


@pytest.mark.usefixtures("looking")
async def test_who_waits_goes_on_after_a_lost_connection(store: Store) -> None:
    old = await ahead(store)
    async with followed(store) as f:
        one = f.follow(R, old)
        await f.is_asked(2)
        f.cut()
        await f.is_asked(len(f.asked) + 1)
        await f.apply(put(3, "r", n="30"), generation=2)
        await one.sees(30)
        assert one.answers == [30]


async def test_who_waits_is_in_nobodys_way(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "ASKING_LIMIT", 1)
    old = await ahead(store)
    async with followed(store) as f:
        waiting = [f.follow(R, old) for _ in range(10)]
        await f.is_asked(11)  # the first one twice
        other, page = f.follow(GetThing(thing="r")), f.follow(OF_ANN)
        await other.sees(1)
        await page.sees([])
        await f.apply(put(4, "r", n="4"), generation=2)
        for each in waiting:
            await each.sees(4)
            assert each.answers == [4]


async def test_nobody_waits_for_ever_and_is_told_so(store: Store) -> None:
    old = await ahead(store)
    async with followed(store, wait_seconds=0.05) as f:
        one = f.follow(R, old)
        await one.sees(1)
        await f.apply(put(2, "r", n="2"), generation=2)
        await one.sees(2)
        assert [update.is_behind for update in one.told] == [True, False], "it is behind once"
        late = f.follow(R, one.told[0].token)
        await late.sees(2)
        assert [update.is_behind for update in late.told] == [False]


async def test_it_is_said_with_the_first_answer_that_differs(store: Store) -> None:
    async with followed(store, wait_seconds=0.05) as f:
        await f.apply(put(5, "r", n="1"))
        await f.apply(put(1, "r", n="1"), generation=2)
        first = f.follow(R)
        await first.sees(1)
        f.serve(2)
        one = f.follow(R, first.token)
        await f.is_asked(5)  # at last, when the time is over
        await f.apply(put(2, "r", n="1"), generation=2)
        await f.is_asked(6)
        await f.apply(put(3, "r", n="2"), generation=2)
        await one.sees(2)
        assert [update.is_behind for update in one.told] == [True]


@pytest.mark.usefixtures("looking")
@pytest.mark.parametrize("is_lost_meanwhile", [False, True])
async def test_what_a_server_lost_is_not_waited_for(
    store: Store,
    is_lost_meanwhile: bool,  # noqa: FBT001 -- a parameter
) -> None:
    branches = store.keys.branches(0)
    store.add(branches, {"branch": "a", "from": "0", "server": "one"})
    begun = {"branch": "b", "from": "5", "server": "two"}
    async with followed(store) as f:
        await f.apply(put(5, "r", n="5"))
        if not is_lost_meanwhile:
            store.add(branches, begun)
        one = f.follow(R, token(9, 9, "one"))
        await f.is_asked(2)
        if is_lost_meanwhile:
            await f.is_asked(4)
            assert one.told == [], "nobody knows yet that it is lost"
            store.add(branches, begun)
        await one.sees(5)
        assert one.told[0].is_behind
        await f.apply(put(6, "r", n="6"))
        await one.sees(6)
        assert not one.told[1].is_behind


async def test_what_another_server_still_has_is_waited_for(store: Store) -> None:
    store.add(store.keys.branches(0), {"branch": "a", "from": "0", "server": "one"})
    store.add(store.keys.branches(0), {"branch": "b", "from": "9", "server": "two"})
    async with followed(store) as f:
        await f.apply(put(5, "r", n="5"))
        one = f.follow(R, token(9, 9, "one"))
        await f.is_asked(2)
        await f.apply(put(9, "r", n="8"))
        await one.sees(8)
        assert one.answers == [8]


async def test_an_answer_that_needs_no_rows_waits_for_none(store: Store) -> None:
    question = Question('GetThing {"thing":""}')
    told = Told(question.digest(1), server_digest("one"), (9, 0, 0, 0))
    async with followed(store) as f:
        one = f.follow(GetThing(thing=""), question.token(told))
        await one.sees(None)
        assert not one.told[0].is_behind


async def test_a_token_of_other_partitions_is_refused(store: Store) -> None:
    told = Told(QUESTION.digest(None), server_digest("one"), (0,) * 16)
    async with followed(store) as f:
        updates = f.client.queries.follow(R, after=QUESTION.token(told))
        with pytest.raises(Misuse, match="there are 16 partitions, and this namespace has 4"):
            await anext(updates)


async def test_a_field_that_a_query_gets_later_leaves_its_tokens_good(store: Store) -> None:
    class Later(GetBoth):
        """The same query, some releases on."""

        colour: str = "any"

    Later.__name__ = "GetBoth"
    async with followed(store) as f:
        one = f.follow(BOTH)
        await one.sees(0)
        late = f.follow(Later(thing="r"), one.token)
        await f.apply(put(1, "r", n="1"))
        await late.sees(1)
        assert late.answers == [1]
