"""Reading some streams over one blocking connection.

One ``XREAD BLOCK`` waits on every stream that has room for more. A stream whose reader
lags is left out until it has taken what was read; then, and when a stream is added, the
blocked read is woken (``CLIENT UNBLOCK``), so nothing is ever polled.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import anyio

from engine.core.errors import Refused
from engine.core.records import Entry
from engine.store.connection import Connection
from engine.store.entries import entries_of

BLOCK_MS = 1000
"""A blocked read returns at least this often: far below the time limit for a reply."""

AHEAD_LIMIT = 256
"""Entries read ahead per stream before it is left out of the next read."""

REPLY_BYTES = 4 * 1024 * 1024
"""A reply larger than this halves how many entries the next one asks for."""

COUNT_FIRST = 64
"""Entries asked for per stream at first: nobody knows yet how large they are."""

UNBLOCK_PAUSE_SECONDS = 0.001
"""Between attempts to end a read: it may still be on its way to the server."""

READ_LIMIT = 1024
"""Entries in one reply over all streams: a few milliseconds of work for Redis and for us."""

FEW = 4
"""Whoever gets so few entries answers at once: the next read lets that go first. With more to do
the read had better be on its way meanwhile."""

TURNS = 2
"""Of the loop that the next read waits then: in one an answer is made, in one it is written."""


Dial = Callable[[], AbstractAsyncContextManager[Connection]]
"""Opens a connection to the server that the session is about."""


class StreamSubscription:
    """One stream of a `StreamReader`."""

    def __init__(self, reader: "StreamReader", key: str, after: str) -> None:
        self.key = key.encode()
        self.after = after
        self._reader = reader
        self._ahead: list[Entry] = []
        self._arrived = asyncio.Event()
        self._closed = False
        self._is_heavy = self._is_held = False

    @property
    def hungry(self) -> bool:
        """Whether there is room to read more ahead."""
        return len(self._ahead) < AHEAD_LIMIT and not (self._is_heavy or self._is_held)

    def deliver(self, entries: list[Entry]) -> None:
        """Take what was read for this stream."""
        self.after = entries[-1].id
        self._ahead += entries
        self._is_heavy = len(self._ahead) * entries[0].size > REPLY_BYTES
        self._arrived.set()

    async def take(self, seconds: float | None = None) -> list[Entry] | None:
        """The next entries; none where none has come within so long, None once closed."""
        while not (self._ahead or self._closed):
            await self._arrival(seconds)
            if seconds is not None:
                break
        if self._closed:
            return None
        was_hungry = self.hungry
        taken, self._ahead = self._ahead, []
        self._is_heavy = False
        if not was_hungry:
            self._reader.wake()
        return taken

    async def _arrival(self, seconds: float | None) -> None:
        """Wait for entries or the end, or so long; a timer costs a third of what a scope does."""
        self._arrived = asyncio.Event()
        if seconds is None:
            await self._arrived.wait()
            return
        bell = asyncio.get_running_loop().call_later(seconds, self._arrived.set)
        try:
            await self._arrived.wait()
        finally:
            bell.cancel()

    async def hold(self) -> None:
        """Read no more until it is rewound, and wait for a read that is under way."""
        self._is_held = True
        await self._reader.over(self)

    def rewind(self, after: str) -> None:
        """Forget what was read ahead and go on behind ``after``."""
        self._ahead, self._is_heavy, self._is_held = [], False, False
        self.after = after
        self._reader.rewound(self)

    def close(self) -> None:
        """Stop reading; a waiting `take` returns None."""
        self._closed = True
        self._ahead = []
        self._reader.drop(self)
        self._arrived.set()


class StreamReader:
    """Streams read with XREAD, or through a consumer group without pending entries."""

    def __init__(
        self, dial: Dial, control: Connection, group: str = "", consumer: str = ""
    ) -> None:
        self._dial, self._control = dial, control
        self._group, self._consumer = group, consumer
        self._streams: dict[bytes, StreamSubscription] = {}
        self._reading: dict[bytes, StreamSubscription] = {}
        self._count = COUNT_FIRST
        self._is_reading = False
        self._changed, self._over = asyncio.Event(), asyncio.Event()

    def __len__(self) -> int:
        """How many streams it reads."""
        return len(self._streams)

    def subscribe(self, key: str, after: str) -> StreamSubscription:
        """Read a stream from behind an id on; one subscription per stream."""
        subscription = StreamSubscription(self, key, after)
        self._streams[subscription.key] = subscription
        self.wake()
        return subscription

    def drop(self, subscription: StreamSubscription) -> None:
        """Read a stream no more."""
        if self._streams.get(subscription.key) is subscription:
            del self._streams[subscription.key]

    def turn_to(self, group: str) -> None:
        """Read through another consumer group from now on: nothing is read any more."""
        self._group = group

    def rewound(self, subscription: StreamSubscription) -> None:
        """A read under way for this stream started at another place: its reply is void."""
        self._reading.pop(subscription.key, None)
        self.wake()

    async def over(self, subscription: StreamSubscription) -> None:
        """Wait until no read is under way for a stream that is held."""
        while self._reading.get(subscription.key) is subscription:
            self.wake()
            await self._over.wait()

    def wake(self) -> None:
        """The streams to read have changed: a read that is blocked must end and begin anew."""
        self._changed.set()

    async def run(self) -> None:
        """Read until cancelled; raises `Lost` when the connection breaks."""
        async with self._dial() as self._blocking, anyio.create_task_group() as tasks:
            tasks.start_soon(self._interrupt)
            while True:
                self._changed.clear()
                hungry = {key: stream for key, stream in self._streams.items() if stream.hungry}
                if not hungry:
                    await self._changed.wait()
                    continue
                self._reading, self._is_reading = dict(hungry), True
                reply = await self._reply(list(hungry.values()))
                read = {key: entries_of(raw) for key, raw in reply or () if raw}
                self._deliver(read)
                self._adapt(read)
                await self._give_way(sum(map(len, read.values())))

    async def _give_way(self, count: int) -> None:
        """Let who got so many entries go first: a commit behind a read would wait for it.

        Not through a group: who sets that back finds the read under way.
        """
        for _ in range(TURNS if 0 < count <= FEW and not self._group else 0):
            await asyncio.sleep(0)

    def _deliver(self, read: Mapping[bytes, list[Entry]]) -> None:
        """Hand out what was read; nothing to those who went, or were rewound, meanwhile."""
        for key, entries in read.items():
            stream = self._reading.get(key)
            if stream is not None and self._streams.get(key) is stream:
                stream.deliver(entries)
        self._reading, self._is_reading = {}, False
        self._over.set()
        self._over = asyncio.Event()

    async def _reply(self, streams: Sequence[StreamSubscription]) -> Any:
        """What is read; nothing where the group is gone, and with it whoever asked."""
        try:
            return await self._blocking.call(*self._request(streams))
        except Refused as error:
            asking = [stream for stream in streams if self._streams.get(stream.key) is stream]
            if "NOGROUP" not in str(error) or asking:
                raise
        return None

    def _adapt(self, read: Mapping[bytes, Sequence[Entry]]) -> None:
        """Ask for fewer entries after a large reply, for more after a small one.

        Redis bounds a reply by a count alone; large entries must not come by the thousand.
        The first entry of each stream tells how large they are here.
        """
        size = sum(len(entries) * entries[0].size for entries in read.values())
        if size > REPLY_BYTES:
            self._count = max(1, self._count // 2)
        elif size < REPLY_BYTES // 4:
            self._count = min(AHEAD_LIMIT, self._count * 2)

    async def _interrupt(self) -> None:
        """Unblock a read that does not know of a change; again, if it had not blocked yet."""
        client = await self._blocking.call("CLIENT", "ID")
        while True:
            await self._changed.wait()
            if self._is_reading:
                await self._control.call("CLIENT", "UNBLOCK", client)
            await anyio.sleep(UNBLOCK_PAUSE_SECONDS)

    def _request(self, streams: Sequence[StreamSubscription]) -> list[Any]:
        count = max(1, min(self._count, READ_LIMIT // len(streams)))
        keys = [stream.key for stream in streams]
        if self._group:
            head = ["XREADGROUP", "GROUP", self._group, self._consumer]
            ids = [">"] * len(streams)
            return [*head, "COUNT", count, "BLOCK", BLOCK_MS, "NOACK", "STREAMS", *keys, *ids]
        ids = [stream.after for stream in streams]
        return ["XREAD", "COUNT", count, "BLOCK", BLOCK_MS, "STREAMS", *keys, *ids]
