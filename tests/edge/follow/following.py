"""Following in tests: a read model that a test writes step by step, and who follows it."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.abc import TaskGroup

from engine import Event, Operation, Page, Projection, Query, Row, Views, put
from engine.core import registry
from engine.core.errors import NotFound
from engine.core.records import Checkpoint, RowChange
from engine.edge.client import Client
from engine.edge.follow import Update
from engine.runtime.sessions import work_on_sessions
from engine.runtime.shutdown import Shutdown
from tests.contract.projecting import GENERATION, INDEXES, NAME, TOKEN
from tests.contract.stores import MemoryStore, RedisStore, Store
from tests.eventually import eventually

SECONDS = 5.0


class Seen(Event):
    """Nobody commits it here: a test writes the rows itself."""


def on_seen(_event: Seen) -> Iterator[Operation]:
    """A projection must take some event."""
    yield put("r")


class Thing(Row):
    """Something that somebody owns."""

    id: str
    owner: str | None = None
    colour: str | None = None
    rank: int = 0
    n: int = 0


things = Projection(name=NAME, row=Thing, on=[on_seen], indexes=INDEXES)
others = Projection(name="others", row=Thing, on=[on_seen], indexes=INDEXES)


class GetThing(Query[Thing]):
    """One thing."""

    thing: str


class ListThings(Query[Page[Thing]]):
    """What somebody owns."""

    owner: str
    page: int = 1


class GetBoth(Query[int]):
    """The numbers of two rows of one name, in two read models, added."""

    thing: str


R, OF_ANN, BOTH = GetThing(thing="r"), ListThings(owner="ann"), GetBoth(thing="r")


class Follower:
    """What somebody who follows was told so far."""

    def __init__(self, updates: AsyncGenerator[Update[Any], None]) -> None:
        self._updates = updates
        self.told: list[Update[Any]] = []

    async def run(self) -> None:
        """Follow until cancelled."""
        async for update in self._updates:
            self.told.append(update)

    @property
    def answers(self) -> list[Any]:
        """What the answers come to: a thing's number, or the ids on a page."""
        return [_short(update.answer) for update in self.told]

    @property
    def token(self) -> str:
        """Where it is."""
        return self.told[-1].token

    async def sees(self, answer: Any) -> None:
        """Until this is the last answer."""
        what = f"{answer} is told"
        await eventually(lambda: self.answers[-1:] == [answer] or None, what, SECONDS)


def _short(answer: Any) -> Any:
    match answer:
        case Page():
            return [thing.id for thing in answer.items]
        case Thing():
            return answer.n
    return answer


class Followed:
    """A read model and whoever follows it."""

    def __init__(self, store: Store, client: Client, tasks: TaskGroup) -> None:
        self.store, self.client, self._tasks = store, client, tasks
        self.asked: list[Query[Any]] = []
        """Each asking of a handler, in order."""
        self.before: list[Callable[[], Awaitable[None]]] = []
        """What happens between the beginning of an answer and its reading."""
        self.meanwhile: list[RowChange] = []
        """What changes between the reading of a thing and the end of its answer."""

    async def apply(
        self, *changes: RowChange, generation: int = GENERATION, upto: int = 0, name: str = NAME
    ) -> None:
        """Have a projector apply changes, on a session that nobody breaks."""
        async with self.store.session() as session:
            key = session.projection_lease(name, generation, 0)
            assert await session.leases.acquire(key, "worker", TOKEN, 30)
            log = session.log(name, generation, INDEXES, 0, TOKEN)
            position = (await log.checkpoint()).position
            last = max(position, upto, *(each.position for each in changes))
            await log.apply(position, Checkpoint(last, "1-7", "b"), changes)

    def follow(self, query: Query[Any], after: str | None = None) -> Follower:
        """Follow a query until the end of the block."""
        return self.start(self.client.queries.follow(query, after=after))

    async def is_asked(self, times: int) -> None:
        """Until handlers were asked so often in all; who begins to follow asks twice."""
        await eventually(lambda: len(self.asked) >= times, f"{times} askings", SECONDS)

    def serve(self, generation: int) -> None:
        """Have another generation be the live one."""
        self.store.write(self.store.keys.live(NAME), {"live": str(generation)})

    def start(self, updates: AsyncGenerator[Update[Any], None]) -> Follower:
        """Follow something until the end of the block."""
        follower = Follower(updates)
        self._tasks.start_soon(follower.run)
        return follower

    def cut(self) -> None:
        """Break every session."""
        match self.store:
            case MemoryStore():
                self.store.server.break_sessions()
            case RedisStore():
                self.store.redis.client_kill_filter(_type="normal", skipme=True)

    def tell(self, entry: dict[str, str], id: str) -> None:
        """Have an entry stand in the change stream, and the checkpoint say so."""
        self.store.add(self.store.keys.changed(0, NAME, GENERATION), entry, id)
        self.store.write(self.store.keys.projection(0, NAME, GENERATION), {"changed": id})


@asynccontextmanager
async def followed(store: Store, wait_seconds: float = 3600) -> AsyncIterator[Followed]:
    """A client that follows what a test applies, and waits for rows that lag."""

    async def get_thing(query: GetThing, views: Views) -> Thing:
        f.asked.append(query)
        if not query.thing:
            raise NotFound("a thing without a name: nothing is read")
        while f.before:
            await f.before.pop(0)()
        thing = await views.get(things, query.thing)
        while f.meanwhile:
            await f.apply(f.meanwhile.pop(0))
        return thing

    async def list_things(query: ListThings, views: Views) -> Page[Thing]:
        f.asked.append(query)
        return await views.page(things, "by_owner", query.owner, page=query.page, page_size=2)

    async def get_both(query: GetBoth, views: Views) -> int:
        f.asked.append(query)
        each = [await views.find(of, [query.thing]) for of in (things, others)]
        return sum(thing.n for [thing] in each if thing is not None)

    domain = registry.build(
        projections=[things, others], queries=[get_thing, list_things, get_both]
    )
    client = Client(domain, wait_seconds)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work_on_sessions, store.session, client.work, Shutdown(), SECONDS)
        await client.dispatch.session()
        f = Followed(store, client, tasks)
        yield f
        tasks.cancel_scope.cancel()
