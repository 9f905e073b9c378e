"""The partition loop: the heart of the engine.

One `Partition` object is one acquisition of one partition. Everything it knows (the head,
its actors, the ids it remembers, what it has read ahead) was read under its token from
one server, and dies with it: when a commit is fenced or the connection breaks, the object
is thrown away and nothing of it is believed again.

    take what was read → receive → decide → commit → reply → trim
"""

from collections.abc import Callable, Sequence

import anyio
import msgspec

from engine.core.batching import batches
from engine.core.intake import INSIDE_PREFIX, Intake, Received, Refusal
from engine.core.outcome import Outcome, Status
from engine.core.ports import Commit, Entry, Feed, Head, Ledger, Record
from engine.core.registry import Domain
from engine.core.routing import kind_of
from engine.core.window import First, Window
from engine.runtime.actor import Actors, Decided, Limits, is_async
from engine.settings import Settings

WINDOW_PAGE = 2000
"""Outcomes loaded at a time: a few milliseconds, so that serving goes on in between."""

INBOX = "inbox"
"""The inbox's name among a partition's sources."""


class Partition:
    """One partition while this process owns it."""

    def __init__(  # noqa: PLR0913 -- what one acquisition consists of
        self,
        number: int,
        partitions: int,
        key: str,
        domain: Domain,
        feed: Feed,
        open_ledger: Callable[[str], Ledger],
        settings: Settings,
    ) -> None:
        self.number = number
        self._key, self._feed, self._domain = key, feed, domain
        self._open_ledger, self._settings = open_ledger, settings
        self._intake = Intake(domain, number, partitions, settings.command_bytes)
        self._actors_limit = max(1, settings.actors // partitions)
        self._stop: Callable[[], None] | None = None
        self._stopping = False
        self._untrimmed = 0

    def stop(self) -> None:
        """Finish the batch in hand and read no further."""
        self._stopping = True
        if self._stop is not None:
            self._stop()

    async def serve(self, token: str) -> None:
        """Own the partition until stopped; raises `Fenced`, `Torn` or `Lost`."""
        settings = self._settings
        self._ledger = self._open_ledger(token)
        self._head: Head = await self._ledger.open()
        self._window = Window(
            self._head.forgotten, settings.outcomes_keep_count,
            settings.outcomes_keep_seconds, settings.id_skew_seconds,
        )  # fmt: skip
        await self._load_window()
        limits = Limits(settings.events_per_command, settings.event_bytes)
        self._actors = Actors(self._ledger, self._domain, self._actors_limit, limits)
        subscription = self._feed.subscribe(self._key, self._head.command)
        self._stop = subscription.close
        try:
            while not self._stopping and (entries := await subscription.take()) is not None:
                for batch in batches(entries, settings.batch_commands, settings.batch_bytes):
                    if not self._stopping:
                        await self._handle(batch)
        finally:
            subscription.close()

    async def _handle(self, batch: Sequence[Entry]) -> None:
        """Everything that happens to a batch of commands, in the order in which it happens."""
        received = await self._receive(batch)
        await self._remember_enough(received)
        wanted = self._wanted(received)
        await self._actors.load(wanted)
        before = {aggregate: self._actors.version(aggregate) for aggregate in wanted}
        decided = await self._decide(received)
        commit, outcomes = self._draft(received, decided, before)
        await self._ledger.commit(commit)
        await self._reply(received, outcomes)
        await self._trim(len(batch))

    async def _receive(self, batch: Sequence[Entry]) -> list[Received]:
        if any(entry.fields.get(b"id", b"").startswith(INSIDE_PREFIX) for entry in batch):
            self._intake.inbox_mark = await self._ledger.mark(INBOX)
        return [self._intake.receive(entry) for entry in batch]

    async def _remember_enough(self, received: Sequence[Received]) -> None:
        """Load remembered ids until a repeat among these commands would be known."""
        while not all(self._window.covers(command) for command in received):
            await self._load_window()

    async def _load_window(self) -> None:
        page = await self._ledger.outcomes(self._window.lowest, WINDOW_PAGE)
        self._window.load(page, last=len(page) < WINDOW_PAGE)

    def _wanted(self, received: Sequence[Received]) -> list[str]:
        """The aggregates that these commands address, each once, in their order."""
        deciders = self._domain.deciders
        return list(
            dict.fromkeys(
                command.aggregate
                for command in received
                if command.addressed and kind_of(command.aggregate) in deciders
            )
        )

    async def _decide(self, received: Sequence[Received]) -> list[Decided | None]:
        """Each command's answer; None for a repeat, whose first outcome answers it.

        An aggregate's commands are decided one after the other; where deciders wait for
        something, those of different aggregates wait at the same time.
        """
        decided: list[Decided | None] = [None] * len(received)
        asked: set[tuple[str, str]] = set()
        chains: dict[str, list[int]] = {}
        for i, command in enumerate(received):
            if command.addressed:
                key = (command.aggregate, command.id)
                if key in asked or self._window.first(command) is not None:
                    continue
                asked.add(key)
            refusal = command.refusal or self._window.refusal(command, None)
            if refusal is not None:
                decided[i] = Decided(Status.REJECTED, refusal.detail())
            elif command.aggregate in chains or is_async(command):
                chains.setdefault(command.aggregate, []).append(i)
            else:
                decided[i] = await self._actors.decide(command)
        if chains:
            async with anyio.create_task_group() as tasks:
                for chain in chains.values():
                    tasks.start_soon(self._decide_chain, received, chain, decided)
        return decided

    async def _decide_chain(
        self, received: Sequence[Received], chain: Sequence[int], decided: list[Decided | None]
    ) -> None:
        for i in chain:
            decided[i] = await self._actors.decide(received[i])

    def _draft(
        self,
        received: Sequence[Received],
        decided: Sequence[Decided | None],
        before: dict[str, int],
    ) -> tuple[Commit, list[Outcome]]:
        """The commit that makes these answers true, and the head that will then stand."""
        head, running = self._head, dict(before)
        built_on, position = head.position, head.position
        records: list[Record] = []
        outcomes: list[Outcome] = []
        touched: dict[str, int] = {}
        for command, answer in zip(received, decided, strict=True):
            aggregate = command.aggregate
            first = None
            if answer is None:
                answer, first = self._repeat(command)
            if answer.events:
                touched.setdefault(aggregate, before[aggregate])
                running[aggregate] += len(answer.events)
                position += len(answer.events)
            version = first.version if first else running.get(aggregate, 0)
            records.append(
                Record(
                    command.entry, command.raw_id, answer.status, command.raw_aggregate,
                    version, command.digest, answer.detail, answer.events,
                )
            )  # fmt: skip
            self._note(command, answer, version, position)
            if command.meta.reply is not None:
                outcomes.append(self._outcome(command, answer, version, position))
        commit = Commit(
            head.commit, received[-1].entry, built_on, head.branch, touched, records
        )
        head.commit, head.command, head.position = head.commit + 1, commit.command, position
        return commit, outcomes

    def _repeat(self, command: Received) -> tuple[Decided, First | None]:
        """The answer to an id that was answered before, perhaps earlier in this batch."""
        first = self._window.first(command)
        refusal = self._window.refusal(command, first)
        if refusal is not None or first is None:
            said = refusal or Refusal("id_reused", "the id was used before")
            return Decided(Status.REJECTED, said.detail()), None
        said_first = {
            "entry": first.entry, "status": first.status, "version": first.version,
            "position": first.position, **first.detail,
        }  # fmt: skip
        return Decided(Status.DUPLICATE, msgspec.json.encode({"first": said_first})), first

    def _note(self, command: Received, answer: Decided, version: int, position: int) -> None:
        """Remember an answer; a repeat's first is remembered already."""
        first = None
        if command.addressed and answer.status is not Status.DUPLICATE:
            detail = {} if answer.detail == b"{}" else msgspec.json.decode(answer.detail)
            if detail.get("code") not in Window.NOT_FIRST:
                first = First(
                    command.entry, answer.status, version, position, command.digest, detail
                )
        self._window.remember(command, first)

    def _outcome(self, command: Received, answer: Decided, version: int, position: int) -> Outcome:
        return Outcome(
            command.entry, command.raw_id.decode(errors="replace"), answer.status,
            command.raw_aggregate.decode(errors="replace"), version, position, self.number,
            self._head.branch, command.digest, msgspec.json.decode(answer.detail),
        )  # fmt: skip

    async def _reply(self, received: Sequence[Received], outcomes: Sequence[Outcome]) -> None:
        """Tell those who named a list; the truth is in ``outcomes``, and is there already."""
        if outcomes:
            names = [command.meta.reply for command in received if command.meta.reply is not None]
            replies = [(n, outcome.as_reply()) for n, outcome in zip(names, outcomes, strict=True)]
            await self._ledger.reply(replies, int(self._settings.reply_seconds))

    async def _trim(self, handled: int) -> None:
        """Now and then, drop what is behind."""
        self._untrimmed += handled
        if self._untrimmed < self._settings.commands_keep_count:
            return
        self._untrimmed = 0
        if not self._window.complete:
            await self._load_window()
        commands_below = self._window.entry_before(self._settings.commands_keep_count)
        outcomes_below = self._window.cut()
        await self._ledger.trim(commands_below, outcomes_below)
