"""The partition loop: the heart of the engine.

One `Partition` object is one acquisition of one partition. Everything it knows (the head,
its actors, the ids it remembers, what it has read ahead) was read under its token from
one server, and dies with it: when a commit is fenced or the connection breaks, the object
is thrown away and nothing of it is believed again.

    take what was read → receive → load → decide → commit → reply → trim
"""

from collections.abc import Callable, Iterable, Sequence
from time import monotonic

import anyio
import anyio.lowlevel

from engine.core.batching import batches
from engine.core.draft import REPEAT, Answer, Draft, Repeat, refused
from engine.core.errors import Refused
from engine.core.ids import stream_order
from engine.core.intake import Intake, Received
from engine.core.ports import Feed, Ledger
from engine.core.records import Entry, Head
from engine.core.registry import Domain
from engine.core.routing import kind_of
from engine.core.window import Window
from engine.runtime.actor import Actors, Limits, failed
from engine.runtime.caution import DEATHS_LIMIT, Caution
from engine.runtime.horizon import MENDED_SHOWN, Horizon
from engine.runtime.patience import patiently
from engine.runtime.progress import Progress
from engine.settings import Settings
from engine.telemetry import log, metrics

SLICE_SECONDS = 0.02
"""After so much deciding at a stretch, others get their turn."""

WINDOW_PAGE = 2000
"""Outcomes loaded at a time: a few milliseconds, so that serving goes on in between."""


class Partition:
    """One partition while this process owns it."""

    kind = "partition"

    def __init__(  # noqa: PLR0913 -- what one acquisition consists of
        self,
        number: int,
        partitions: int,
        secret: bytes,
        key: str,
        domain: Domain,
        feed: Feed,
        open_ledger: Callable[[str], Ledger],
        settings: Settings,
    ) -> None:
        self.number = number
        self._key, self._feed, self._domain = key, feed, domain
        self._open_ledger, self._settings = open_ledger, settings
        self._intake = Intake(domain, number, partitions, secret, settings.command_bytes)
        self._actors_limit = max(1, settings.actors // partitions)
        self.progress = Progress()
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
        self._caution = self._caution_after(self._head)
        limits = Limits(settings.events_per_command, settings.event_bytes)
        self._actors = Actors(self._ledger, self._domain, self._actors_limit, limits)
        horizon = Horizon(self._ledger.now_ms)
        subscription = self._feed.subscribe(self._key, self._head.command)
        self._stop = subscription.close
        try:
            while not self._stopping and (entries := await subscription.take()) is not None:
                self.progress.took()
                if await horizon.hides(entries[-1].id, self._head.command):
                    await self._mend()
                    subscription.rewind(self._head.command)
                    continue
                count = 1 if self._caution.needed else settings.batch_commands
                for batch in batches(entries, count, settings.batch_bytes):
                    if not self._stopping:
                        await self._handle(batch)
                self.progress.rests()
        finally:
            subscription.close()
            metrics.PARTITION_MOVED.remove(self.number)

    async def _handle(self, batch: Sequence[Entry]) -> None:
        """Everything that happens to a batch of commands, in the order in which it happens."""
        is_deadly = await self._caution.condemns(batch[0].id)
        received = [self._intake.receive(entry, is_deadly=is_deadly) for entry in batch]
        await self._remember_enough(received)
        look = self._actors.count if is_deadly else self._actors.load
        versions = await look(self._addressed(received))
        answers = await self._decide(received)
        draft = Draft(self._head, self._window, versions, self.number)
        for command, answer in zip(received, answers, strict=True):
            if self._is_full(draft):
                await self._commit(draft)
                draft = Draft(self._head, self._window, draft.versions, self.number)
            draft.add(command, answer)
        if is_deadly:
            draft.bury(batch[0], answers[0], DEATHS_LIMIT)
        await self._commit(draft)
        await self._caution.survived(batch[-1].id)
        await self._trim(len(batch))

    def _caution_after(self, head: Head) -> Caution[str]:
        """How careful this owner must be, after what became of those before it."""
        return Caution(
            head.crashes, self._ledger.suspect, self._ledger.acquit,
            past=lambda entry: stream_order(entry) >= stream_order(head.waiting),
        )  # fmt: skip

    async def _mend(self) -> None:
        """Take ids from the future out of the stream; all that was read ahead is void then."""
        head = self._head
        mended = await patiently(
            lambda: self._ledger.mend(head.command), self.progress, lambda: self._stopping
        )
        head.waiting = min(head.waiting, mended.last, key=stream_order)
        self.progress.rests()
        if mended.dead:
            log.error(
                "partition.mended", partition=self.number, dead=len(mended.dead),
                ids=mended.dead[:MENDED_SHOWN], added_again=mended.again,
            )  # fmt: skip

    def _is_full(self, draft: Draft) -> bool:
        """Whether a commit has as many events as one script should write."""
        settings = self._settings
        return (
            draft.event_count >= settings.batch_events or draft.event_bytes >= settings.batch_bytes
        )

    async def _commit(self, draft: Draft) -> None:
        """Make the answers true, then tell those who asked."""
        commit = draft.commit()
        sent = monotonic()
        await patiently(lambda: self._ledger.commit(commit), self.progress, lambda: self._stopping)
        self.progress.moved()
        answers = [record.status for record in commit.records]
        metrics.count_commit(self.number, answers, draft.event_count, monotonic() - sent)
        await self._reply(draft)

    async def _remember_enough(self, received: Sequence[Received]) -> None:
        """Load remembered ids until a repeat among these commands would be known."""
        while not all(self._window.covers(command) for command in received):
            await self._load_window()

    async def _load_window(self) -> None:
        page = await self._ledger.outcomes(self._window.lowest, WINDOW_PAGE)
        self._window.load(page, last=len(page) < WINDOW_PAGE)

    def _addressed(self, received: Sequence[Received]) -> Iterable[str]:
        """The aggregates that these commands are for, each once, in their order."""
        deciders = self._domain.deciders
        return dict.fromkeys(
            command.aggregate
            for command in received
            if command.addressed and kind_of(command.aggregate) in deciders
        )

    async def _decide(self, received: Sequence[Received]) -> list[Answer | Repeat]:
        """Each command's answer.

        An aggregate's commands are decided one after the other; where deciders wait for
        something, those of different aggregates wait at the same time.
        """
        answers: list[Answer | Repeat] = [REPEAT] * len(received)
        asked: set[tuple[str, str]] = set()
        chains: dict[str, list[int]] = {}
        pause_at = monotonic() + SLICE_SECONDS
        for i, command in enumerate(received):
            known = command.key in asked or self._window.first(command) is not None
            if command.addressed and known:
                continue
            asked.add(command.key)
            if command.broken is not None:
                answers[i] = failed(command, *command.broken)
            elif command.refusal is not None:
                answers[i] = refused(command.refusal)
            elif (refusal := self._window.refusal(command, None)) is not None:
                answers[i] = refused(refusal, of_id=False)
            elif command.aggregate in chains or command.may_wait:
                chains.setdefault(command.aggregate, []).append(i)
            else:
                answers[i] = self._actors.decide(command)
                if monotonic() > pause_at:
                    # Leases must be renewed and other partitions served meanwhile.
                    await anyio.lowlevel.checkpoint()
                    pause_at = monotonic() + SLICE_SECONDS
        if chains:
            async with anyio.create_task_group() as tasks:
                for chain in chains.values():
                    tasks.start_soon(self._decide_chain, received, chain, answers)
        return answers

    async def _decide_chain(
        self, received: Sequence[Received], chain: Sequence[int], answers: list[Answer | Repeat]
    ) -> None:
        for i in chain:
            command, actors = received[i], self._actors
            waits = command.may_wait
            answers[i] = await actors.decide_later(command) if waits else actors.decide(command)

    async def _reply(self, draft: Draft) -> None:
        """Tell those who named a list; the truth is in ``outcomes``, and is there already."""
        if draft.replies:
            replies = [(name, outcome.as_reply()) for name, outcome in draft.replies]
            metrics.REPLIES.inc(len(replies))
            try:
                await self._ledger.reply(replies, int(self._settings.reply_seconds))
            except Refused as error:
                log.warning("reply.refused", partition=self.number, error=str(error))

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
