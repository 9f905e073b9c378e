"""Live views: an answer, and each other one that there is from then on.

Who follows asks his query again whenever something that its answer was made of has changed.
What is read is noted before it is read, and a watch on the read model began before that
(`engine.edge.watches`): so a change comes either before the reading, and is in the answer,
or after it, and is told. Changes that come in a burst come to one answer. None is missed,
though not each has an answer of its own: whoever wants every event reads the log.

The token of an update says which answer it was, and how far the rows had come that it was made
of (`engine.core.resuming`). So whoever goes on from one, in whatever process, whatever became of
connections, servers and generations meanwhile, asks anew, and is told what is there if it is
not what he was told, and not from before that (`engine.edge.floor`).
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import anyio
import msgspec

from engine.core.errors import Lost, NotFound, NotNow
from engine.core.following import index_group, part_of_group, part_of_row
from engine.core.listing import Listing, Ranked, Slice
from engine.core.ports import Rows, Session
from engine.core.registry import Domain
from engine.core.resuming import Question, Told, server_digest
from engine.core.views import Views
from engine.edge.dispatch import Dispatch
from engine.edge.floor import Floor, Made
from engine.edge.queries import RowViews
from engine.edge.watches import Reader, Watches

View = TypeVar("View")
Asking = Callable[[Views], Awaitable[Any]]

PAUSE_SECONDS = 0.1
"""From one asking to the next: nobody reads more than ten answers a second, and a row that
changes a thousand times a second costs ten queries, not a thousand."""

ASKING_LIMIT = 64
"""How many followers of a client ask at once: after a flip all of them do."""


class Update(msgspec.Struct, Generic[View], frozen=True):
    """An answer that is not the one before; None where there is no such row, or no more.

    ``token`` is what to go on from: `QueryBus.follow` with it is silent until the answer is
    another one. ``row`` is the row's id, where a row is followed.

    ``is_behind`` says that it lacks something that an answer before it had: the live generation
    lagged for longer than the follower waits, or a server came back with older data.
    """

    answer: View | None
    token: str
    row: str = ""
    is_behind: bool = False


class Followed(NamedTuple):
    """What somebody follows: a question, who answers it, and the row that it is about, if it is."""

    question: Question
    answer: Asking
    row: str = ""


class RecordedRows:
    """The rows that one answer is made of: each part is noted before it is read."""

    def __init__(self, rows: Rows, note: Callable[[str, str], None]) -> None:
        self._rows, self._note = rows, note
        self.generations: dict[str, int] = {}
        """By projection, the generation that was read."""

    async def live(self, projection: str) -> int:
        """The generation that queries read."""
        generation = self.generations[projection] = await self._rows.live(projection)
        return generation

    async def rows(
        self, projection: str, generation: int, ids: Sequence[str]
    ) -> list[dict[str, str]]:
        """Rows' fields; that a row is not there is read too."""
        for id in ids:
            self._note(projection, part_of_row(id))
        return await self._rows.rows(projection, generation, ids)

    async def members(
        self, listing: Listing, generation: int, start: int | Ranked, count: int
    ) -> Slice:
        """Entries of a list: they depend on the whole of its group."""
        group = index_group(listing.index.name, listing.group)
        self._note(listing.projection, part_of_group(group))
        return await self._rows.members(listing, generation, start, count)


class Follows:
    """The live views of one client; they outlive sessions."""

    def __init__(self, dispatch: Dispatch, watches: Watches, domain: Domain) -> None:
        self._dispatch, self._watches, self._domain = dispatch, watches, domain
        self._asking = anyio.Semaphore(ASKING_LIMIT)

    async def updates(self, followed: Followed, floor: Floor) -> AsyncGenerator[Update[Any], None]:
        """The answer of now, if it is not the one told last, and each other one that comes."""
        reader = Reader()
        try:
            while True:
                made = await self._ask(reader, followed, floor)
                asked = anyio.current_time()
                if floor.is_news(made):
                    token = followed.question.token(made.told)
                    yield Update(made.answer, token, followed.row, floor.is_behind)
                await reader.touched.wait()
                await anyio.sleep_until(asked + PAUSE_SECONDS)
        finally:
            self._watches.forget(reader)

    async def _ask(self, reader: Reader, followed: Followed, floor: Floor) -> Made:
        """The answer of now, on whichever session there is, and not from before the last one."""
        broken: Session | None = None
        while True:
            session = await self._dispatch.session(after=broken)
            try:
                async with self._asking:
                    made = await self._ask_on(session, reader, followed)
                if await floor.lets_through(session, self._watches, made):
                    return made
            except NotNow:
                await anyio.sleep(PAUSE_SECONDS)
            except Lost:
                broken = session

    async def _ask_on(self, session: Session, reader: Reader, followed: Followed) -> Made:
        """An answer whose read models were all watched before anything of them was read."""
        pause = 0.0
        while True:
            self._watches.forget(reader)
            reader.touched = anyio.Event()
            standing = self._watches.standing()
            reached = {name: tuple(watch.positions) for name, watch in standing.items()}
            rows = RecordedRows(session.rows, lambda *part: self._watches.note(reader, *part))
            try:
                view = await followed.answer(RowViews(rows, self._domain, rows.live))
            except NotFound:
                view = None
            unwatched = [
                projection
                for projection, generation in rows.generations.items()
                if not self._watches.covers(standing.get(projection), generation)
            ]
            if not unwatched:
                each = zip(*(reached[name] for name in rows.generations), strict=True)
                least = tuple(map(min, each)) or (0,) * session.partitions
                told = Told(followed.question.digest(view), server_digest(session.server), least)
                return Made(view, told, [standing[name] for name in rows.generations])
            await anyio.sleep(pause)
            pause = PAUSE_SECONDS
            for projection in unwatched:
                await self._watches.begin(session, projection)
