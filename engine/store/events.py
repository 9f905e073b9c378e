"""One partition's ledger: aggregates' events, the log, outcomes and head."""

import secrets
from collections.abc import Mapping, Sequence

from engine.core.codec import outcome_of
from engine.core.errors import Refused
from engine.core.ids import CLOCK_LIMIT_MS
from engine.core.outcome import Outcome
from engine.core.records import Commit, Head, Mended, Record, StoredEvent
from engine.store.audit import at_once
from engine.store.clock import now_ms
from engine.store.commands import COMMANDS_SOURCE, mended_of
from engine.store.connection import Argument, Connection
from engine.store.entries import entries_of, stored_raw
from engine.store.keys import Keys
from engine.store.scripts import Scripts
from engine.store.snapshots import RedisSnapshots
from engine.store.timers import RedisTimers, timer_arguments

LOAD_EVENTS = 1000
"""Events of one aggregate in one reply; a longer history is read in several."""

_LETTERS_AT, _WAITS_AT, _TIMERS_AT = 5, 6, 7
"""Which arguments of a commit say where letters, what waits, and timers begin, from 0."""

_WAITING_PAGE = 100
"""Commands that wait, asked for at a time: each may be as large as a command can be."""

_NOBODY = 0
"""Stands for the aggregate of what goes into the log alone."""

_BRANCH_BYTES = 4
"""Random bytes in a branch's name: few branches, all of one partition."""


class RedisLedger:
    """A partition, for the one who holds its lease under ``token``."""

    def __init__(  # noqa: PLR0913 -- what one acquisition consists of
        self,
        control: Connection,
        scripts: Scripts,
        keys: Keys,
        server: str,
        partition: int,
        partitions: int,
        token: str,
    ) -> None:
        self._control, self._scripts, self._keys = control, scripts, keys
        self._server, self._partition, self._partitions = server, partition, partitions
        self._token = token
        self._stem = keys.events(partition, "")
        """What the keys of this partition's aggregates begin with."""
        self._fixed = [
            keys.lease(partition),
            keys.head(partition),
            keys.log(partition),
            keys.outcomes(partition),
        ]
        self._dead = keys.dead(partition)
        self._waiting, self._late = keys.waiting(partition), keys.late(partition)
        self._timers = [keys.timers(partition), keys.timer(partition)]
        self.timers = RedisTimers(control, scripts, keys, partition, token)
        self.snapshots = RedisSnapshots(scripts, keys, partition, token, self.load)

    async def open(self) -> Head:
        """Note the server in ``branches`` and read ``head``; raises `Fenced` or `Torn`."""
        lease, head, log, outcomes = self._fixed
        branches, commands = (
            self._keys.branches(self._partition),
            self._keys.commands(self._partition),
        )
        branch, commit, command, position, forgotten, crashes, *ends = await self._scripts.call(
            "open",
            [lease, head, branches, log, outcomes, commands, self._late],
            [self._token, self._server, secrets.token_hex(_BRANCH_BYTES), self._partitions],
        )
        waiting, late = ends
        return Head(
            int(commit), command.decode(), int(position), forgotten.decode(), branch.decode(),
            int(crashes), waiting.decode(), late.decode(),
        )  # fmt: skip

    async def peek(self) -> Head:
        """Read ``head`` as it stands; see `engine.core.ports.Ledger`."""
        asked = ("commit", "command", "position", "forgotten")
        head, noted = await at_once(
            self._control,
            ["HMGET", self._keys.head(self._partition), *asked],
            ["XREVRANGE", self._keys.branches(self._partition), "+", "-", "COUNT", 1],
        )
        commit, command, position, forgotten = [part.decode() if part else "" for part in head]
        branches = [entry.fields[b"branch"].decode() for entry in entries_of(noted)]
        return Head(
            int(commit or 0),
            command or "0-0",
            int(position or 0),
            forgotten or "0-0",
            "".join(branches),
        )

    async def suspect(self, entry: str) -> int:
        """Note which command is about to be tried; answers how many owners died at it."""
        return int(await self._scripts.call("suspect", self._fixed[:1], [self._token, entry]))

    async def acquit(self) -> None:
        """Forget crashes and suspects: what they were about is behind."""
        await self._scripts.call("acquit", self._fixed[:1], [self._token])

    async def load(
        self, aggregates: Sequence[str], above: Sequence[int]
    ) -> list[list[StoredEvent]]:
        """The events of aggregates above a version each: one round trip, if none is long."""
        keys = [self._stem + aggregate for aggregate in aggregates]
        replies = await self._scripts.call("load", keys, [LOAD_EVENTS, *(v + 1 for v in above)])
        histories = [list(map(stored_raw, reply)) for reply in replies]
        for key, history in zip(keys, histories, strict=True):
            page = history
            while len(page) == LOAD_EVENTS:
                (raw,) = await self._scripts.call(
                    "load", [key], [LOAD_EVENTS, page[-1].version + 1]
                )
                page = list(map(stored_raw, raw))
                history.extend(page)
        return histories

    async def commit(self, commit: Commit) -> None:
        """Write one commit, wholly or not at all; raises `Fenced`, `Torn` or `Lost`."""
        numbers = {aggregate: i for i, aggregate in enumerate(commit.versions, 1)}
        keys = [self._stem + aggregate for aggregate in numbers]
        arguments: list[Argument] = [
            self._token, commit.number, commit.position, commit.command, commit.branch, 0, 0, 0,
            *commit.versions.values(),
        ]  # fmt: skip
        for record in commit.records:
            _add_record(arguments, record.entry, record, numbers)
        arguments[_TIMERS_AT] = len(arguments)
        arguments += timer_arguments(commit.timers)
        arguments[_LETTERS_AT] = len(arguments)
        for letter in commit.letters:
            values = [part for pair in letter.entry.fields.items() for part in pair]
            why = letter.entry.id, letter.code, letter.message, letter.attempts, letter.traceback
            arguments += (*why, len(values), *values)
        arguments[_WAITS_AT] = len(arguments)
        if commit.waits is not None:
            kept, late, behind = commit.waits
            arguments += (behind, len(kept))
            for entry, value in kept.items():
                arguments += (entry, value)
            for id, record in late.items():
                arguments.append(record.entry)
                _add_record(arguments, id, record, numbers)
        fixed = [*self._fixed, self._dead, self._waiting, self._late, *self._timers]
        await self._scripts.call("commit", [*fixed, *keys], arguments)

    async def outcomes(self, below: str, count: int) -> list[Outcome]:
        """Up to ``count`` outcomes below a stream id (``+`` for the end), newest first."""
        return await self._newest(self._fixed[3], below, count)

    async def late(self, below: str, count: int) -> list[Outcome]:
        """The same of late outcomes, by their own ids; each ``entry`` is the command's."""
        return await self._newest(self._late, below, count)

    async def _newest(self, key: str, below: str, count: int) -> list[Outcome]:
        start = below if below == "+" else f"({below}"
        raw = await self._control.call("XREVRANGE", key, start, "-", "COUNT", count)
        return [outcome_of(entry, self._partition) for entry in entries_of(raw)]

    async def waiting(self) -> dict[str, bytes]:
        """What is kept of the commands that wait, by their stream ids."""
        found: dict[str, bytes] = {}
        cursor = b"0"
        while True:
            cursor, flat = await self._control.call(
                "HSCAN", self._waiting, cursor, "COUNT", _WAITING_PAGE
            )
            found |= {id.decode(): kept for id, kept in zip(flat[::2], flat[1::2], strict=True)}
            if cursor == b"0":
                return found

    async def now_ms(self) -> int:
        """Redis's clock, in milliseconds since 1970."""
        return await now_ms(self._control)

    async def mend(self, done: str) -> Mended:
        """Move commands with an id from the future to ``dead``; see `engine.core.ports.Ledger`."""
        commands = self._keys.commands(self._partition)
        arguments: list[Argument] = [self._token, COMMANDS_SOURCE, done, CLOCK_LIMIT_MS]
        return mended_of(
            await self._scripts.call("mend", [self._fixed[0], commands, self._dead], arguments)
        )

    async def trim(self, commands_below: str, outcomes_below: str, late_below: str) -> None:
        """Drop commands and outcomes below an id each, never beyond head; notes ``forgotten``."""
        lease, head, _, outcomes = self._fixed
        keys = [lease, head, self._keys.commands(self._partition), outcomes, self._late]
        below = [commands_below, outcomes_below, late_below]
        await self._scripts.call("trim", keys, [self._token, *below])

    async def reply(self, replies: Sequence[tuple[str, bytes]], seconds: int) -> None:
        """Push each reply to the list its client named; the lists expire."""
        sent = []
        for name, reply in replies:
            key = self._keys.reply(name)
            sent.append(self._control.call("RPUSH", key, reply))
            sent.append(self._control.call("EXPIRE", key, seconds))
        refused: Refused | None = None
        for pushed in sent:
            try:
                await pushed
            except Refused as error:
                refused = refused or error
        if refused is not None:
            raise refused


def _add_record(
    arguments: list[Argument], id: str, record: Record, numbers: Mapping[str, int]
) -> None:
    """One command and what follows from it, as shared/record.lua takes it."""
    arguments += (
        id, record.id, record.status, record.aggregate, record.version, record.digest,
        record.detail, len(record.events) if record.note is None else 1,
    )  # fmt: skip
    if record.events:
        number = numbers[record.aggregate.decode()]
        for event in record.events:
            arguments += (number, event.type, event.data, event.meta)
    elif record.note is not None:
        note = record.note
        arguments += (_NOBODY, note.type, note.data, note.meta)
