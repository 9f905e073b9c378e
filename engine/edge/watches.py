"""What changes in read models, told to all followers of one client.

Each read model that somebody reads here is watched once, however many do: its change streams,
one per partition, are read through the session's own feed. A change costs a look-up per row
and group that it names, and a reader that lags costs nothing: he is told *that* something
changed, once, and sees what is there when he asks again.

So only one thing must be true: from the moment that a watch begins until it ends, no change
of its generation goes untold. Whatever casts doubt on that ends the watch, and is told to
all who read there, as a change of everything: an entry that does not follow the last one, a
stream that has not told what a look at the checkpoints shows, another generation that went
live, a session that broke.

A watch knows too how far its generation has come: as the checkpoints said when it began and
at each look since, and as each change says by its id. Whoever waits until it has come further
has it looked at more often, and all who wait share these looks.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from operator import ge

import anyio
from anyio.abc import TaskGroup

from engine.core.errors import Lost, NotNow
from engine.core.following import read_change
from engine.core.ids import stream_ms, stream_order
from engine.core.ports import Feed, Session, Subscription
from engine.core.ports.querying import Reached
from engine.edge.freshness import POLL_LIMIT

LOOK_SECONDS = 1.0
"""Between looks at whether all is told: a flip is noticed so late at most, and a look costs
Redis a read per partition."""


class Reader:
    """Somebody who wants to know when anything that he has read has changed."""

    def __init__(self) -> None:
        self.touched = anyio.Event()
        self.parts: set[tuple[str, str]] = set()
        """What he has read: projections, and parts of answers (`engine.core.following`)."""


class Watch:
    """One generation of one read model, from a moment on."""

    def __init__(self, projection: str, generation: int, reached: Sequence[Reached]) -> None:
        self.projection, self.generation = projection, generation
        self.told = [each.changed for each in reached]
        """Per partition, the last change that was told, or that stood there when it began."""
        self.seen: Sequence[str] = tuple(self.told)
        """Per partition, the last change that there was at the last look."""
        self.positions = [each.position for each in reached]
        """Per partition, how far it is known to have come: rows that are read now have it all."""
        self.subscriptions: list[Subscription] = []
        self.looking = anyio.Lock()
        """Held by the one who looks how far it has come, for all who wait for that."""

    def move_on(self, reached: Sequence[Reached]) -> None:
        """Know what a look has shown; it may be older than what a change has told."""
        self.positions = [*map(max, self.positions, [each.position for each in reached])]

    def has(self, positions: Sequence[int]) -> bool:
        """Whether it has come so far, in every partition."""
        return all(map(ge, self.positions, positions))


class Watches:
    """The read models that one client's followers read."""

    def __init__(self) -> None:
        self._standing: dict[str, Watch] = {}
        self._readers: dict[str, dict[str, dict[Reader, None]]] = {}
        """Who has read what: by projection, by part of an answer."""
        self._session: Session | None = None
        self._feed: Feed | None = None
        self._tasks: TaskGroup | None = None

    @asynccontextmanager
    async def serving(self, session: Session) -> AsyncIterator[None]:
        """Watch on one session, until the end of the block or of the session."""
        feed = await session.feed()
        async with anyio.create_task_group() as tasks:
            self._session, self._feed, self._tasks = session, feed, tasks
            tasks.start_soon(self._look, session)
            try:
                yield
            finally:
                self._session = self._feed = self._tasks = None
                for watch in self.standing().values():
                    self._end(watch)
                tasks.cancel_scope.cancel()

    def standing(self) -> Mapping[str, Watch]:
        """The watches of now, by projection."""
        return dict(self._standing)

    def covers(self, watch: Watch | None, generation: int) -> bool:
        """Whether a watch that stood a while ago still does, and is of this generation."""
        return (
            watch is not None
            and watch.generation == generation
            and self._standing.get(watch.projection) is watch
        )

    async def begin(self, session: Session, projection: str) -> None:
        """Watch the live generation from now on, unless it is watched already; raises `Lost`."""
        generation = await session.rows.live(projection)
        reached = await session.checkpoints.reached(projection, generation, session.partitions)
        if session is not self._session or self._tasks is None or self._feed is None:
            raise Lost("the session is over")
        standing = self._standing.get(projection)
        if standing is not None:
            if standing.generation == generation:
                return
            self._end(standing)
        watch = self._standing[projection] = Watch(projection, generation, reached)
        for partition, end in enumerate(watch.seen):
            key = session.changed_key(projection, generation, partition)
            subscription = self._feed.subscribe(key, end)
            watch.subscriptions.append(subscription)
            self._tasks.start_soon(self._read, watch, partition, subscription)

    async def catch_up(self, session: Session, watch: Watch, positions: Sequence[int]) -> None:
        """Until a generation has come so far, or is watched no more; raises `Lost`, `NotNow`."""
        while True:
            async with watch.looking:
                if watch.has(positions) or not self.covers(watch, watch.generation):
                    return
                await anyio.sleep(POLL_LIMIT)
                watch.move_on(await self._reached(session, watch))
                if await session.rows.live(watch.projection) != watch.generation:
                    self._end(watch)

    def note(self, reader: Reader, projection: str, part: str) -> None:
        """Somebody is about to read a part of his answer."""
        reader.parts.add((projection, part))
        self._readers.setdefault(projection, {}).setdefault(part, {})[reader] = None

    def forget(self, reader: Reader) -> None:
        """Nothing that somebody has read matters to him any more."""
        for projection, part in reader.parts:
            by_part = self._readers[projection]
            del by_part[part][reader]
            if not by_part[part]:
                del by_part[part]
            if not by_part:
                del self._readers[projection]
        reader.parts.clear()

    async def _read(self, watch: Watch, partition: int, subscription: Subscription) -> None:
        """Tell what one partition's events change, as long as nothing is missing."""
        while (entries := await subscription.take()) is not None:
            for entry in entries:
                change = read_change(entry)
                if change is None or change.after != watch.told[partition]:
                    self._end(watch)
                    return
                watch.told[partition] = entry.id
                position = max(watch.positions[partition], stream_ms(entry.id))
                watch.positions[partition] = position
                self._touch(watch.projection, change.parts())

    def _touch(self, projection: str, parts: Iterable[str]) -> None:
        by_part = self._readers.get(projection, {})
        for part in parts:
            for reader in by_part.get(part, ()):
                reader.touched.set()

    def _end(self, watch: Watch) -> None:
        """Watch no more, and tell all who count on it."""
        if self._standing.get(watch.projection) is watch:
            del self._standing[watch.projection]
            for subscription in watch.subscriptions:
                subscription.close()
            self._touch(watch.projection, self._readers.get(watch.projection, ()))

    async def _look(self, session: Session) -> None:
        """End watches that nobody needs, and those that do not tell what there is."""
        while True:
            await anyio.sleep(LOOK_SECONDS)
            for watch in self.standing().values():
                try:
                    if not await self._is_whole(session, watch):
                        self._end(watch)
                except NotNow:
                    continue  # Redis has no time for us, so nor for changes: the next look tells

    async def _is_whole(self, session: Session, watch: Watch) -> bool:
        """Whether a watch is of use, and has told what there was at the last look."""
        if watch.projection not in self._readers:
            return False
        told = list(watch.told)
        reached = await self._reached(session, watch)
        watch.move_on(reached)
        ends = [each.changed for each in reached]
        each = [map(stream_order, ids) for ids in (watch.seen, told, ends)]
        watch.seen = ends
        return (
            all(seen <= said <= end for seen, said, end in zip(*each, strict=True))
            and await session.rows.live(watch.projection) == watch.generation
        )

    async def _reached(self, session: Session, watch: Watch) -> Sequence[Reached]:
        """How far a generation has come, and what it has told."""
        return await session.checkpoints.reached(
            watch.projection, watch.generation, session.partitions
        )
