"""The server that sessions are opened on: its data, its clock, and who is connected."""

import secrets
import time
from collections.abc import Callable, Mapping

import anyio
import anyio.lowlevel

from engine.core.errors import Lost, Refused, Unavailable
from engine.core.ids import stream_order
from engine.core.records import Entry
from engine.store.memory.keyspace import Keyspace

LAST_SEQUENCE = 2**64 - 1
"""The greatest number in either half of a stream id."""


CLOCK = ""
"""What waits for a time waits for news of no stream, but of the clock."""


class MemoryServer:
    """Data that outlives sessions, and a clock that a test may wind: seconds since 1970."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.data = Keyspace()
        self.run = ""
        """Which run of the server this is: another one begins a new branch."""
        self._links: set[Link] = set()
        self._waiting: dict[str, anyio.Event] = {}
        self._new_run()

    def now_ms(self) -> int:
        """The server's time, in milliseconds; what expired by now is gone."""
        now = int(self.clock() * 1000)
        self.data.sweep(now)
        return now

    def connect(self) -> "Link":
        """A new link; raises `Unavailable` while the server is stopped."""
        if not self.run:
            raise Unavailable("the server in memory is stopped")
        link = Link(self)
        self._links.add(link)
        return link

    def disconnect(self, link: "Link") -> None:
        """Forget a link."""
        self._links.discard(link)

    def break_sessions(self) -> None:
        """Break every open session; the server goes on as if nothing had happened."""
        for link in self._links:
            link.broken.set()
        self._links.clear()
        for key in list(self._waiting):
            self.wake(key)

    def stop(self) -> None:
        """Break every open session and let nobody in."""
        self.break_sessions()
        self.run = ""

    def restart(self) -> None:
        """Break every open session and come back as another run, with all data."""
        self.stop()
        self._new_run()

    def add(self, key: str, fields: Mapping[bytes, bytes], id: str = "*") -> str:
        """Add an entry to a stream and wake whoever waits for it; returns its id.

        Of ``<ms>-*`` the server makes the sequence. Raises `Refused` for an id that is not above
        the stream's last one.
        """
        stream = self.data.stream(key)
        if id == "*":
            id = self._next_id(stream.last)
        elif id.endswith("-*"):
            id = _next_sequence(id.removesuffix("-*"), stream.last)
        if stream_order(id) <= stream_order(stream.last):
            raise Refused(f"the id {id} is not above {stream.last}, the last one of {key}")
        stream.entries.append(Entry(id, dict(fields)))
        stream.last = id
        self.data.keep(key, stream)
        self.wake(key)
        return id

    def arrival(self, key: str) -> anyio.Event:
        """What is set when there may be something new about a stream: who waits looks again."""
        return self._waiting.setdefault(key, anyio.Event())

    def wake(self, key: str) -> None:
        """Have everyone who waits for a stream look again."""
        event = self._waiting.pop(key, None)
        if event is not None:
            event.set()

    def wound(self) -> None:
        """The clock was wound: whoever waits for a time looks again."""
        self.wake(CLOCK)

    def _next_id(self, last: str) -> str:
        ms, sequence = stream_order(last)
        if ms == sequence == LAST_SEQUENCE:
            raise Refused("the stream has used its last id")
        now = self.now_ms()
        if now > ms:
            return f"{now}-0"
        return f"{ms}-{sequence + 1}" if sequence < LAST_SEQUENCE else f"{ms + 1}-0"

    def _new_run(self) -> None:
        self.run = secrets.token_hex(8)


def _next_sequence(ms: str, last: str) -> str:
    """The next id of a millisecond; where the stream is beyond that, one that it refuses."""
    last_ms, sequence = stream_order(last)
    return f"{ms}-{sequence + 1}" if int(ms) == last_ms else f"{ms}-0"


class Link:
    """One session's tie to the server: whole, or broken for ever."""

    def __init__(self, server: MemoryServer) -> None:
        self.server = server
        self.run = server.run
        self.broken = anyio.Event()

    async def turn(self) -> Keyspace:
        """Let others run, as every round trip does, then give access; raises `Lost`."""
        await anyio.lowlevel.checkpoint()
        return self.data()

    def data(self) -> Keyspace:
        """The server's data as it is now; raises `Lost` once the link is broken."""
        if self.broken.is_set():
            raise Lost("the connection to the server in memory is closed")
        self.server.now_ms()
        return self.server.data
