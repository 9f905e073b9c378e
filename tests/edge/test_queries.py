"""What a query handler sees: rows of one generation, lists page by page, none that moved away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from engine import app, settings
from engine.core import registry
from engine.core.errors import Misuse, NotFound
from engine.core.messages import Query
from engine.core.projection import Projection, Row
from engine.core.views import Page, Views
from engine.edge.queries import RowViews
from engine.store.keys import Keys
from tests.contract.projecting import INDEXES, NAME, Projecting, projecting, put, wipe
from tests.contract.stores import MemoryStore
from tests.runtime.meddling import Meddler

RANKS = {"r1": "10", "r3": "2", "r2": "10", "r5": "-1.5", "r4": "30"}
OLDEST_FIRST = ["r5", "r3", "r1", "r2", "r4"]


class Thing(Row):
    """A thing."""

    id: str
    owner: str
    colour: str = ""
    rank: int = 0


THINGS = Projection(name=NAME, row=Thing, on=[], indexes=INDEXES)
DOMAIN = registry.build(projections=[THINGS])


class Viewing:
    """Five rows of one owner, and a query's views of them."""

    def __init__(self, one: Projecting) -> None:
        self.one = one
        self.rows: Any = one.session.rows

    @property
    def views(self) -> RowViews:
        """Those of a query that begins."""
        return RowViews(self.rows, DOMAIN, self.rows.live)

    def after(self, call: str, *changes: Any) -> None:
        """Have changes applied right after the next call of the store."""
        left = list(changes)

        async def meddle() -> None:
            if left:
                await self.one.apply(*left)
                left.clear()

        self.rows = Meddler(self.one.session.rows, after={call: meddle})


@asynccontextmanager
async def viewing() -> AsyncIterator[Viewing]:
    async with projecting(MemoryStore("views")) as one:
        ranks = enumerate(RANKS.items(), 1)
        await one.apply(*(put(n, row, owner="ann", colour="red", rank=r) for n, (row, r) in ranks))
        yield Viewing(one)


def ids(page: Page[Thing]) -> list[str]:
    return [thing.id for thing in page.items]


@pytest.mark.parametrize("newest_first", [True, False])
async def test_a_list_goes_on_from_page_to_page_and_from_cursor_to_cursor(
    newest_first: Any,
) -> None:
    order = OLDEST_FIRST[::-1] if newest_first else OLDEST_FIRST
    async with viewing() as v:
        by_number = [
            await v.views.page(
                THINGS, "by_owner", "ann", page=n, page_size=2, newest_first=newest_first
            )
            for n in (1, 2, 3, 4)
        ]
        assert [ids(page) for page in by_number] == [order[:2], order[2:4], order[4:], []]
        assert [page.page for page in by_number] == [1, 2, 3, 4]
        assert [page.next is None for page in by_number] == [False, False, True, True]
        page, seen = by_number[0], order[:2]
        while page.next:
            page = await v.views.page(
                THINGS, "by_owner", "ann",
                cursor=page.next, page_size=2, newest_first=newest_first,
            )  # fmt: skip
            assert (page.page, page.page_size, page.total) == (None, 2, 5)
            seen = seen + ids(page)
        assert seen == order


async def test_what_was_not_there_yet_shifts_pages_and_no_cursor() -> None:
    async with viewing() as v:
        first = await v.views.page(THINGS, "by_owner", "ann", page_size=2)
        await v.one.apply(put(6, "r6", owner="ann", rank="99"), wipe(7, "r2"))
        assert ids(first) == ["r4", "r2"]
        second = await v.views.page(THINGS, "by_owner", "ann", page=2, page_size=2)
        assert ids(second) == ["r1", "r3"]
        behind = await v.views.page(THINGS, "by_owner", "ann", cursor=first.next, page_size=2)
        assert ids(behind) == ["r1", "r3"]
        await v.one.apply(put(8, "r7", owner="ann", rank="100"))
        second = await v.views.page(THINGS, "by_owner", "ann", page=2, page_size=2)
        assert ids(second) == ["r4", "r1"]
        behind = await v.views.page(THINGS, "by_owner", "ann", cursor=first.next, page_size=2)
        assert ids(behind) == ["r1", "r3"]


@pytest.mark.parametrize(
    "change",
    [put(6, "r2", owner="bob"), put(6, "r2", colour="blue"), wipe(6, "r2")],
    ids=["moved", "moved in its second field", "gone"],
)
async def test_a_row_that_left_between_the_readings_is_not_shown_as_if_it_were_there(
    change: Any,
) -> None:
    async with viewing() as v:
        v.after("members", change)
        page = await v.views.page(THINGS, "by_both", "ann", "red", page_size=2)
        assert ids(page) == ["r4"]
        assert page.total == 5
        rest = await v.views.page(THINGS, "by_both", "ann", "red", cursor=page.next)
        assert (ids(rest), rest.total, rest.next) == (["r1", "r3", "r5"], 4, None)


async def test_a_page_whose_rows_all_left_leads_on() -> None:
    async with viewing() as v:
        v.after("members", wipe(6, "r4"), put(7, "r2", owner="bob"))
        page = await v.views.page(THINGS, "by_owner", "ann", page_size=2)
        assert ids(page) == []
        assert ids(await v.views.page(THINGS, "by_owner", "ann", cursor=page.next)) == [
            "r1", "r3", "r5",
        ]  # fmt: skip


async def test_a_row_that_is_found_by_its_id_is_shown_wherever_it_belongs() -> None:
    async with viewing() as v:
        await v.one.apply(put(6, "r2", owner="bob"), wipe(7, "r3"))
        found = await v.views.find(THINGS, ["r2", "r3", "r4", "r9"])
        assert [thing and thing.owner for thing in found] == ["bob", None, "ann", None]
        with pytest.raises(NotFound, match="things has no row r3"):
            await v.views.get(THINGS, "r3")


async def test_what_cannot_be_asked() -> None:
    async with viewing() as v:
        first = await v.views.page(THINGS, "by_owner", "ann", page_size=2)
        page = v.views.page
        with pytest.raises(Misuse, match="page and cursor both say where"):
            await page(THINGS, "by_owner", "ann", page=1, cursor=first.next)
        for group in ("bob", ""):
            with pytest.raises(Misuse, match=r"is no cursor of things\.by_owner"):
                await page(THINGS, "by_owner", group, cursor=first.next)
        with pytest.raises(Misuse, match=r"is no cursor of things\.by_owner"):
            await page(THINGS, "by_owner", "ann", cursor=first.next, newest_first=False)
        for number, size in ((0, 1), (1, 0), (-1, 1)):
            with pytest.raises(Misuse, match="count from 1"):
                await page(THINGS, "by_owner", "ann", page=number, page_size=size)
        assert ids(await page(THINGS, "by_owner", "ann", page=2, cursor="")) == []
        other = Projection(name="others", row=Thing, on=[])
        with pytest.raises(Misuse, match="'others' is not registered"):
            await v.views.find(other, ["r1"])


async def test_one_query_sees_one_generation_from_first_to_last() -> None:
    asked: list[str] = []

    async def live(name: str) -> int:
        asked.append(name)
        await anyio.lowlevel.checkpoint()
        return len(asked)

    async with viewing() as v:
        views = RowViews(v.rows, DOMAIN, live)
        found: list[Any] = []

        async def look() -> None:
            found.append(await views.find(THINGS, ["r1"]))

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(look)
        await views.page(THINGS, "by_owner", "ann")
        assert asked == [NAME]
        assert [thing.id for [thing] in found] == ["r1"] * 5


# -- A hostile handler ------------------------------------------------------------------


class Steal(Query[object]):
    """What stands under some key, read by whatever the views hold."""

    verb: str
    key: str


async def steal(query: Steal, views: Views) -> object:
    held: Any = views
    return await held._rows._ask(query.verb, query.key, "-", "+")


async def test_a_handler_that_reaches_behind_its_views_gets_no_event(
    server_url: str, namespace: str
) -> None:
    set_up, keys = settings.load(redis=server_url, namespace=namespace), Keys(namespace)
    async with app.namespace_session(set_up, create=4):
        pass
    async with app.open_client(set_up, registry.build(queries=[steal])) as client:
        for key in (keys.log(0), keys.events(0, "order-1"), keys.commands(0)):
            for verb in ("XRANGE", "HGETALL"):
                with pytest.raises(Misuse, match="a query reads nothing else"):
                    await client.queries.dispatch(Steal(verb=verb, key=key))
        with pytest.raises(Misuse, match="it does not XRANGE"):
            await client.queries.dispatch(Steal(verb="XRANGE", key=keys.row("orders", 1, "r")))
