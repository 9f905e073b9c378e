"""Reading many streams as they grow, over a few connections.

A blocked read costs the server as much as it names streams, each time that one of them grows:
taken off all their lists of who waits, read, put on them again. So no connection names many,
and what comes to one stream costs little, however many there are.
"""

from collections.abc import Sequence

from anyio.abc import TaskGroup

from engine.core.errors import Refused
from engine.store.connection import Connection
from engine.store.reader import Dial, StreamReader, StreamSubscription

STREAMS_EACH = 8
"""Streams on one connection, while there may be more connections."""

READERS_LIMIT = 16
"""Connections of one feed at the most; beyond, each reads more streams."""


class StreamFeed:
    """Streams read with XREAD, or through a consumer group without pending entries."""

    def __init__(
        self, dial: Dial, tasks: TaskGroup, control: Connection, group: str = "", consumer: str = ""
    ) -> None:
        self._dial, self._tasks, self._control = dial, tasks, control
        self._group, self._consumer = group, consumer
        self._readers: list[StreamReader] = []
        self._is_retired = False

    def subscribe(self, key: str, after: str) -> StreamSubscription:
        """Read a stream from behind an id on; one subscription per stream."""
        return self._reader().subscribe(key, after)

    def retire(self) -> None:
        """Nobody subscribes any more; the connections are for the next who need some."""
        self._is_retired = True

    def takes_up(self, group: str) -> bool:
        """Be used again, for another consumer group; False while this is not free for it."""
        if not self._is_retired or any(self._readers):
            return False
        self._is_retired, self._group = False, group
        for reader in self._readers:
            reader.turn_to(group)
        return True

    def _reader(self) -> StreamReader:
        """One with room for another stream, a new one if need be."""
        for reader in self._readers:
            if len(reader) < STREAMS_EACH:
                return reader
        if len(self._readers) >= READERS_LIMIT:
            return min(self._readers, key=len)
        reader = StreamReader(self._dial, self._control, self._group, self._consumer)
        self._readers.append(reader)
        self._tasks.start_soon(reader.run)
        return reader


async def ensure_groups(control: Connection, keys: Sequence[str], group: str) -> None:
    """Create a consumer group at the beginning of each stream where it is not, at one go."""
    sent = [control.call("XGROUP", "CREATE", key, group, "0", "MKSTREAM") for key in keys]
    for created in sent:
        try:
            await created
        except Refused as error:
            if "BUSYGROUP" not in str(error):
                raise
