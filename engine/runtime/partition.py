"""The partition loop: the heart of the engine.

One `Partition` object is one acquisition of one partition. Everything it knows (the head,
its actors, the ids it remembers, what it has read ahead) was read under its token from
one server, and dies with it: when a commit is fenced or the connection breaks, the object
is thrown away and nothing of it is believed again.

    take what was read → receive → load → decide → commit → reply → trim

What cannot be decided waits (`engine.runtime.waiting`), and is taken up again in between.
"""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic

from engine.core.batching import batches
from engine.core.draft import Answer, Draft
from engine.core.ids import stream_ms, stream_order
from engine.core.intake import Intake
from engine.core.outcome import Status
from engine.core.ports import Feed, Ledger
from engine.core.records import Entry, Head
from engine.core.registry import Domain
from engine.core.window import Window
from engine.runtime.actor import Actors
from engine.runtime.attempt import attempting
from engine.runtime.caution import DEATHS_LIMIT, Caution
from engine.runtime.deciding import Deciding
from engine.runtime.horizon import MENDED_SHOWN, Horizon
from engine.runtime.patience import patiently
from engine.runtime.progress import Progress
from engine.runtime.remembering import Remembering
from engine.runtime.replies import reply
from engine.runtime.timers import Timekeeper
from engine.runtime.waiting import WaitingRoom
from engine.settings import Settings
from engine.telemetry import log, metrics


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
        self._partitions = partitions
        self.progress = Progress()
        self._timers = Timekeeper(number, secret, domain, settings, self.progress)
        self._stop: Callable[[], None] | None = None
        self._stopping = False
        self._untrimmed = 0

    def stop(self) -> None:
        """Finish the batch in hand and read no further."""
        self._stopping = True
        if self._stop is not None:
            self._stop()
            self._waiting.wake()

    async def serve(self, token: str) -> None:
        """Own the partition until stopped; raises `Fenced`, `Torn` or `Lost`."""
        settings = self._settings
        self._ledger = self._open_ledger(token)
        self._head: Head = await self._ledger.open()
        self._window = Window(
            self._head.forgotten, settings.outcomes_keep_count,
            settings.outcomes_keep_seconds, settings.id_skew_seconds,
        )  # fmt: skip
        self._remembering = Remembering(self._ledger, self._window, self._head)
        self._caution = self._caution_after(self._head)
        self._actors = Actors.under(
            settings, self._partitions, self._ledger, self._domain, self._timers.book
        )
        async with (
            self._timers.ringing(self._ledger.timers),
            attempting(self._actors, settings.block_seconds) as attempts,
        ):
            self._waiting = WaitingRoom(self.number, self._window, attempts, settings)
            self._deciding = Deciding(
                self._window, self._actors, attempts, self._waiting, settings.block_seconds
            )
            await self._waiting.load(self._ledger, self._intake)
            await self._take_all()

    async def _take_all(self) -> None:
        """Handle what comes, and what waits, until stopped."""
        horizon, take = Horizon(self._ledger.now_ms), self._waiting.take
        subscription = self._feed.subscribe(self._key, self._head.command)
        self._stop = subscription.close
        self._actors.show(self.number)
        try:
            while not self._stopping and (entries := await take(subscription)) is not None:
                self.progress.took()
                if entries and await horizon.hides(entries[-1].id, self._head.command):
                    await self._mend()
                    subscription.rewind(self._head.command)
                    continue
                count = 1 if self._caution.needed else self._settings.batch_commands
                for batch in batches(entries, count, self._settings.batch_bytes):
                    await self._make_room()
                    if not self._stopping:
                        await self._handle(batch)
                await self._take_up()
                await self._actors.settle()
                self.progress.rests()
        finally:
            subscription.close()
            metrics.COMMITS.forget(self.number)
            metrics.COMMANDS_WAITING.remove(self.number)
            self._actors.forget(self.number)

    async def _make_room(self) -> None:
        """Take up what waits and is due; while too much waits go on with that alone."""
        await self._take_up()
        is_told = False
        while self._waiting.is_crowded and not self._stopping:
            limit = self._settings.waiting_per_partition
            self.progress.trouble = f"{limit} commands wait to be decided: no more are read"
            if not is_told:
                log.error("partition.crowded", partition=self.number, waiting=limit)
            is_told = True
            await self._waiting.rest()
            await self._take_up()
        if is_told:
            log.info("partition.uncrowded", partition=self.number)

    async def _take_up(self) -> None:
        """Let what waited get its late outcome, where it is decided by now, or is to be tried."""
        alone = self._caution.needed
        while queues := self._waiting.due(1) if alone else self._waiting.due():
            guests = [queue.guests[0] for queue in queues]
            is_deadly = await self._caution.condemns(guests[0].entry.id)
            if is_deadly:
                guests[0].received = self._intake.receive(guests[0].entry, is_deadly=True)
            received = [guest.received for guest in guests]
            await self._remembering.enough(received)
            await self._timers.look(received)
            look = self._actors.count if is_deadly else self._actors.load
            versions = await look(self._actors.addressed(received))
            draft = self._draft(versions)
            for queue in queues:
                if self._is_full(draft):
                    draft = await self._next(draft)
                await self._waiting.take_up(queue, draft, alone=alone)
            await self._commit(draft)
            if not alone or self._stopping:
                return

    async def _handle(self, batch: Sequence[Entry]) -> None:
        """Everything that happens to a batch of commands, in the order in which it happens."""
        is_deadly = await self._caution.condemns(batch[0].id)
        received = [self._intake.receive(entry, is_deadly=is_deadly) for entry in batch]
        await self._remembering.enough(received)
        await self._timers.look(received)
        look = self._actors.count if is_deadly else self._actors.load
        versions = await look(self._actors.addressed(received))
        answers = await self._deciding.decide(received, self._patience())
        draft = self._draft(versions)
        for entry, command, answer in zip(batch, received, answers, strict=True):
            if self._is_full(draft):
                draft = await self._next(draft)
            if not isinstance(answer, Answer):
                self._waiting.place(draft, entry, command, answer)
                continue
            draft.add(command, answer)
            if answer.status is Status.FAILED:
                draft.bury(entry, answer, DEATHS_LIMIT if is_deadly else 1)
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

    def _patience(self) -> float:
        """How long a batch waits for deciders; where one may be deadly, to the end of each."""
        settings = self._settings
        return settings.decide_seconds if self._caution.needed else settings.patience_seconds

    def _draft(self, versions: Mapping[str, int]) -> Draft:
        return Draft(self._head, self._window, versions, self.number)

    def _is_full(self, draft: Draft) -> bool:
        """Whether a commit has as many events as one script should write."""
        return draft.is_full(self._settings.batch_events, self._settings.batch_bytes)

    async def _next(self, draft: Draft) -> Draft:
        """Make a draft's answers true, and begin the one that builds on them."""
        await self._commit(draft)
        return self._draft(draft.versions)

    async def _commit(self, draft: Draft) -> None:
        """Make the answers true, then tell those who asked."""
        if draft.is_empty:
            return
        commit = draft.commit()
        sent = monotonic()
        await patiently(lambda: self._ledger.commit(commit), self.progress, lambda: self._stopping)
        self.progress.moved()
        self._timers.heed(commit.timers)
        late = commit.waits.late.values() if commit.waits is not None else ()
        answers = [record.status for record in (*commit.records, *late)]
        metrics.COMMITS.count(self.number, answers, draft.event_count, monotonic() - sent)
        await reply(self._ledger, self.number, draft, self._settings.reply_seconds)

    async def _trim(self, handled: int) -> None:
        """Now and then, drop what is behind."""
        self._untrimmed += handled
        if self._untrimmed < self._settings.commands_keep_count:
            return
        self._untrimmed = 0
        if not self._window.complete:
            await self._remembering.more()
        commands_below = self._window.entry_before(self._settings.commands_keep_count)
        outcomes_below = self._window.cut()
        late_below = f"{stream_ms(outcomes_below)}-0"
        await self._ledger.trim(commands_below, outcomes_below, late_below)
