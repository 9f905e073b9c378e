"""One partition's ledger: aggregates' events, the log, outcomes and head."""

import secrets
from collections.abc import Sequence

from engine.core.codec import outcome_of
from engine.core.errors import Fenced, Refused, Torn
from engine.core.ids import stream_order
from engine.core.outcome import Outcome
from engine.core.records import Commit, Head, Mended, StoredEvent, Waits
from engine.store.commands import COMMANDS_SOURCE
from engine.store.entries import stored
from engine.store.keys import Keys
from engine.store.memory.commits import Writing, flat
from engine.store.memory.keyspace import Keyspace
from engine.store.memory.mending import mend
from engine.store.memory.ownership import Tried, is_held
from engine.store.memory.server import Link
from engine.store.memory.snapshots import MemorySnapshots
from engine.store.memory.timers import MemoryTimers

_BRANCH_BYTES = 4


class MemoryLedger:
    """A partition, for the one who holds its lease under ``token``."""

    def __init__(self, link: Link, keys: Keys, partition: int, partitions: int, token: str) -> None:
        self._link, self._keys = link, keys
        self._partition, self._partitions, self._token = partition, partitions, token
        self._head, self._log = keys.head(partition), keys.log(partition)
        self._outcomes, self._late = keys.outcomes(partition), keys.late(partition)
        self._waiting = keys.waiting(partition)
        self.timers = MemoryTimers(link, keys, partition, token)
        self.snapshots = MemorySnapshots(link, keys, partition, token)
        tried = Tried(link, keys.lease(partition), token)
        self.suspect, self.acquit = tried.suspect, tried.acquit

    async def open(self) -> Head:
        """Note the server in ``branches`` and read ``head``; raises `Fenced` or `Torn`."""
        data = self._fenced(await self._link.turn())
        head = data.hash(self._head)
        position, command = head.get("position", "0"), head.get("command", "0-0")
        _check_ends(data.stream(self._log).ends_at() or "0-0", f"{position}-0", "log")
        _check_ends(data.stream(self._outcomes).ends_at() or command, command, "outcomes")
        late = head.get("late", "0-0")
        _check_ends(data.stream(self._late).ends_at() or late, late, "stream of late outcomes")
        branch = self._branch(data, position)
        data.put(self._head, {"partitions": head.get("partitions", str(self._partitions))})
        commit, forgotten = int(head.get("commit", 0)), head.get("forgotten", "0-0")
        crashes = int(data.hash(self._keys.lease(self._partition)).get("crashes", 0))
        waiting = data.stream(self._keys.commands(self._partition)).ends_at() or "0-0"
        return Head(commit, command, int(position), forgotten, branch, crashes, waiting, late)

    async def peek(self) -> Head:
        """Read ``head`` as it stands; see `engine.core.ports.Ledger`."""
        data = await self._link.turn()
        head = data.hash(self._head)
        noted = data.stream(self._keys.branches(self._partition)).entries[-1:]
        branch = "".join(each.fields[b"branch"].decode() for each in noted)
        return Head(
            int(head.get("commit", 0)), head.get("command", "0-0"), int(head.get("position", 0)),
            head.get("forgotten", "0-0"), branch,
        )  # fmt: skip

    async def load(
        self, aggregates: Sequence[str], above: Sequence[int]
    ) -> list[list[StoredEvent]]:
        """The events of aggregates above a version each."""
        data = await self._link.turn()
        return [
            [stored(entry) for entry in data.stream(self._events(aggregate)).after(f"{version}-0")]
            for aggregate, version in zip(aggregates, above, strict=True)
        ]

    async def commit(self, commit: Commit) -> None:
        """Write one commit, wholly or not at all; raises `Fenced`, `Torn` or `Lost`."""
        data = self._fenced(await self._link.turn())
        head = data.hash(self._head)
        number, position = head.get("commit", "0"), head.get("position", "0")
        if (number, position) != (str(commit.number), str(commit.position)):
            raise Fenced(f"commit {number} stands, not {commit.number}")
        self._check(data, head.get("command", "0-0"), commit)
        self._check_waits(data, head.get("late", "0-0"), commit.waits)
        reached = Writing(self._link, self._keys, self._partition, commit).run()
        self.timers.write(data, commit.timers)
        data.put(
            self._head,
            {"commit": str(commit.number + 1), "command": commit.command, "position": str(reached)},
        )

    async def outcomes(self, below: str, count: int) -> list[Outcome]:
        """Up to ``count`` outcomes below a stream id (``+`` for the end), newest first."""
        return await self._newest(self._outcomes, below, count)

    async def late(self, below: str, count: int) -> list[Outcome]:
        """The same of late outcomes, by their own ids; each ``entry`` is the command's."""
        return await self._newest(self._late, below, count)

    async def waiting(self) -> dict[str, bytes]:
        """What is kept of the commands that wait, by their stream ids."""
        data = await self._link.turn()
        return {entry: kept.encode() for entry, kept in data.hash(self._waiting).items()}

    async def now_ms(self) -> int:
        """The server's clock, in milliseconds since 1970."""
        await self._link.turn()
        return self._link.server.now_ms()

    async def mend(self, done: str) -> Mended:
        """Move commands with an id from the future to ``dead``; see `engine.core.ports.Ledger`."""
        self._fenced(await self._link.turn())
        commands, dead = self._keys.commands(self._partition), self._keys.dead(self._partition)
        return mend(self._link.server, commands, dead, COMMANDS_SOURCE, done)

    async def trim(self, commands_below: str, outcomes_below: str, late_below: str) -> None:
        """Drop commands and outcomes below an id each, never beyond head; notes ``forgotten``."""
        data = self._fenced(await self._link.turn())
        commands = data.stream(self._keys.commands(self._partition))
        outcomes = data.stream(self._outcomes)
        done = data.hash(self._head).get("command", "0-0")
        first = min(outcomes_below, done, key=stream_order)
        gone = outcomes.below(first, 1)
        commands.trim(min(commands_below, done, key=stream_order))
        if gone:
            outcomes.trim(first)
            data.stream(self._late).trim(min(late_below, done, key=stream_order))
            data.put(self._head, {"forgotten": gone[0].id})

    async def reply(self, replies: Sequence[tuple[str, bytes]], seconds: int) -> None:
        """Push each reply to the list its client named; the lists expire."""
        data = await self._link.turn()
        refused: Refused | None = None
        for name, reply in replies:
            key = self._keys.reply(name)
            try:
                queue = data.queue(key)
            except Refused as error:
                refused = refused or error
                continue
            queue.append(reply)
            data.keep(key, queue)
            data.expire(key, self._link.server.now_ms() + seconds * 1000)
        if refused is not None:
            raise refused

    async def _newest(self, key: str, below: str, count: int) -> list[Outcome]:
        data = await self._link.turn()
        found = data.stream(key).below(below, count)
        return [outcome_of(entry, self._partition) for entry in found]

    def _events(self, aggregate: str) -> str:
        return self._keys.events(self._partition, aggregate)

    def _fenced(self, data: Keyspace) -> Keyspace:
        if not is_held(data, self._keys.lease(self._partition), self._token):
            raise Fenced("the lease is not ours")
        return data

    def _branch(self, data: Keyspace, position: str) -> str:
        """The branch on this run of the server; a new one where the last was on another."""
        key = self._keys.branches(self._partition)
        noted = data.stream(key).entries
        if noted and noted[-1].fields[b"server"] == self._link.run.encode():
            return noted[-1].fields[b"branch"].decode()
        branch = secrets.token_hex(_BRANCH_BYTES)
        note = {"branch": branch, "from": position, "server": self._link.run}
        self._link.server.add(key, flat(note))
        return branch

    def _check(self, data: Keyspace, done: str, commit: Commit) -> None:
        """Ask everything that could fail before the first write."""
        log, outcomes = data.stream(self._log), data.stream(self._outcomes)
        _check_ends(log.ends_at() or "0-0", f"{commit.position}-0", "log")
        _check_ends(outcomes.ends_at() or done, done, "outcomes")
        if commit.timers:
            self.timers.check(data)
        if commit.letters:
            data.stream(self._keys.dead(self._partition))
        for aggregate, version in commit.versions.items():
            found = len(data.stream(self._events(aggregate)).entries)
            if found != version:
                raise Torn(f"{aggregate} has version {found}, not {version}")
        first = commit.records[0].entry if commit.records else ""
        if first and stream_order(first) <= stream_order(done):
            raise Torn(f"{first} was answered before {done}")

    def _check_waits(self, data: Keyspace, last: str, waits: Waits | None) -> None:
        """The same for what waits; see lua/shared/waiting.lua."""
        if waits is None:
            return
        _check_ends(data.stream(self._late).ends_at() or last, last, "stream of late outcomes")
        _check_ends(last, waits.behind, "stream of late outcomes")
        for record in waits.late.values():
            if record.entry not in data.hash(self._waiting):
                raise Torn(f"{record.entry} does not wait")


def _check_ends(found: str, expected: str, name: str) -> None:
    if found != expected:
        raise Torn(f"the {name} ends at {found}, and head says {expected}")
