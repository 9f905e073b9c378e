"""One partition's log for whoever reads it under a lease, beside how far that one has come."""

from collections.abc import Sequence

from engine.core.branches import Branch
from engine.core.codec import branch_of, logged
from engine.core.records import Checkpoint, LoggedEvent
from engine.store.clock import now_ms
from engine.store.connection import Connection
from engine.store.entries import entries_of
from engine.store.keys import Keys
from engine.store.scripts import Scripts

CHECKPOINT_FIELDS = ("position", "command", "branch", "crashes")
"""What is looked at of a checkpoint, as `checkpoint_of` takes it."""


class RedisLogReader:
    """What projectors and reactions have in common; see `engine.core.ports.LogReader`."""

    def __init__(  # noqa: PLR0913 -- what one acquisition consists of
        self,
        control: Connection,
        scripts: Scripts,
        keys: Keys,
        partition: int,
        checkpoint: str,
        parked: str,
        token: str,
    ) -> None:
        self._control, self._scripts, self._keys = control, scripts, keys
        self._partition, self._token = partition, token
        self._log, self._checkpoint, self._parked = keys.log(partition), checkpoint, parked

    async def checkpoint(self) -> Checkpoint:
        """How far this reader has come."""
        return await read_checkpoint(self._control, self._checkpoint)

    async def head_position(self) -> int:
        """How far the log reaches."""
        position = await self._control.call("HGET", self._keys.head(self._partition), "position")
        return int(position or 0)

    async def event_at(self, position: int) -> LoggedEvent | None:
        """One event of the log."""
        id = f"{position}-0"
        raw = await self._control.call("XRANGE", self._log, id, id)
        return logged(*entries_of(raw)) if raw else None

    async def events_after(self, position: int, count: int) -> list[LoggedEvent]:
        """The next events of the log, up to ``count``."""
        raw = await self._control.call(
            "XRANGE", self._log, f"{position + 1}-0", "+", "COUNT", count
        )
        return [logged(entry) for entry in entries_of(raw)]

    async def parked(self) -> dict[str, str]:
        """The notes on parked aggregates, and what is asked about them, by field."""
        return texts(await self._control.call("HGETALL", self._parked))

    async def now_ms(self) -> int:
        """Redis's clock, in milliseconds since 1970."""
        return await now_ms(self._control)

    async def branches(self) -> list[Branch]:
        """The servers that the log was written on, the last one last."""
        return await read_branches(self._control, self._keys.branches(self._partition))

    async def suspect(self, what: str) -> int:
        """Note which event is about to be tried; answers how many workers died at it."""
        return int(await self._scripts.call("suspect", [self._checkpoint], [self._token, what]))

    async def acquit(self) -> None:
        """Forget crashes and suspects: what they were about is behind."""
        await self._scripts.call("acquit", [self._checkpoint], [self._token])


async def read_checkpoint(control: Connection, key: str) -> Checkpoint:
    """A checkpoint; its beginning where nothing has been applied."""
    return checkpoint_of(await control.call("HMGET", key, *CHECKPOINT_FIELDS))


def checkpoint_of(fields: Sequence[bytes | None]) -> Checkpoint:
    """A checkpoint as its hash says, by `CHECKPOINT_FIELDS`."""
    position, command, branch, crashes = [(field or b"").decode() for field in fields]
    return Checkpoint(int(position or 0), command, branch, int(crashes or 0))


async def read_branches(control: Connection, key: str) -> list[Branch]:
    """The branches of a partition; servers come and go seldom, so there are few."""
    return [branch_of(entry) for entry in entries_of(await control.call("XRANGE", key, "-", "+"))]


def texts(flat: list[bytes]) -> dict[str, str]:
    """A hash as Redis replies it."""
    parts = [part.decode() for part in flat]
    return dict(zip(parts[::2], parts[1::2], strict=True))
