"""One partition's log for whoever reads it under a lease, beside how far that one has come."""

from collections.abc import Mapping

from engine.core.branches import Branch
from engine.core.codec import branch_of, logged
from engine.core.records import Checkpoint, LoggedEvent
from engine.store.keys import Keys
from engine.store.memory.keyspace import Hash, Keyspace
from engine.store.memory.ownership import Tried
from engine.store.memory.server import Link


class MemoryLogReader:
    """What projectors and reactions have in common; see `engine.core.ports.LogReader`."""

    def __init__(  # noqa: PLR0913 -- what one acquisition consists of
        self, link: Link, keys: Keys, partition: int, checkpoint: str, parked: str, token: str
    ) -> None:
        self._link, self._keys = link, keys
        self._partition, self._token = partition, token
        self._log, self._checkpoint, self._parked = keys.log(partition), checkpoint, parked
        tried = Tried(link, checkpoint, token)
        self.suspect, self.acquit = tried.suspect, tried.acquit

    async def checkpoint(self) -> Checkpoint:
        """How far this reader has come."""
        return read_checkpoint(await self._link.turn(), self._checkpoint)

    async def head_position(self) -> int:
        """How far the log reaches."""
        data = await self._link.turn()
        return int(data.hash(self._keys.head(self._partition)).get("position", 0))

    async def event_at(self, position: int) -> LoggedEvent | None:
        """One event of the log."""
        return read_event(await self._link.turn(), self._log, position)

    async def events_after(self, position: int, count: int) -> list[LoggedEvent]:
        """The next events of the log, up to ``count``."""
        data = await self._link.turn()
        return [logged(entry) for entry in data.stream(self._log).after(f"{position}-0", count)]

    async def parked(self) -> dict[str, str]:
        """The notes on parked aggregates, and what is asked about them, by field."""
        return dict((await self._link.turn()).hash(self._parked))

    async def now_ms(self) -> int:
        """The server's clock, in milliseconds since 1970."""
        await self._link.turn()
        return self._link.server.now_ms()

    async def branches(self) -> list[Branch]:
        """The servers that the log was written on, the last one last."""
        return read_branches(await self._link.turn(), self._keys.branches(self._partition))


def read_checkpoint(data: Keyspace, key: str) -> Checkpoint:
    """A checkpoint; its beginning where nothing has been applied."""
    held = data.hash(key)
    crashes = int(held.get("crashes", 0))
    if "position" not in held:
        return Checkpoint(crashes=crashes)
    return Checkpoint(int(held["position"]), held["command"], held["branch"], crashes)


def read_event(data: Keyspace, log: str, position: int) -> LoggedEvent | None:
    """One event of a log."""
    found = data.stream(log).after(f"{max(1, position) - 1}-0", 1)
    event = logged(found[0]) if found else None
    return event if event and event.position == position else None


def read_branches(data: Keyspace, key: str) -> list[Branch]:
    """The branches of a partition."""
    return [branch_of(entry) for entry in data.stream(key).entries]


def reached_fields(reached: Checkpoint) -> dict[str, str]:
    """A checkpoint as it is kept."""
    return {
        "position": str(reached.position), "command": reached.command, "branch": reached.branch,
    }  # fmt: skip


def keep_notes(data: Keyspace, key: str, notes: Mapping[str, str]) -> None:
    """Write notes on parked aggregates; empty ones go."""
    if notes:
        kept = {name: note for name, note in {**data.hash(key), **notes}.items() if note}
        data.keep(key, Hash(kept))
