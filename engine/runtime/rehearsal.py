"""Deciding a command without a commit: what the partition's owner would answer, and why.

The same judges as in `engine.runtime.partition`, on what is read here; no lease is taken, and
the draft that comes of it is never sent.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack

import msgspec

from engine.core.draft import Answer, Draft
from engine.core.errors import NotFound
from engine.core.intake import Intake, Received
from engine.core.outcome import Outcome
from engine.core.ports import Histories, Session
from engine.core.records import Commit, Entry, Head, LoggedEvent, Record, StoredEvent
from engine.core.registry import Domain
from engine.core.rehearsing import Rehearsed
from engine.core.routing import kind_of, partition_of
from engine.core.services import Queries
from engine.core.waiting import Deferral
from engine.core.window import Window
from engine.runtime.actor import Actors, Limits
from engine.runtime.attempt import attempting
from engine.runtime.deciding import Deciding, Said
from engine.runtime.faults import traceback_of
from engine.runtime.progress import Progress
from engine.runtime.remembering import Remembering
from engine.runtime.services import services_of
from engine.runtime.timers import Timekeeper
from engine.runtime.waiting import WaitingRoom
from engine.runtime.warm import Bounds
from engine.settings import Settings


async def rehearse(  # noqa: PLR0913 -- what is decided, with what, and when
    settings: Settings,
    session: Session,
    domain: Domain,
    queries: Queries,
    entry: Entry,
    at_version: int | None,
) -> Rehearsed:
    """The outcome that an entry would have, now or when its aggregate was at a version.

    Commands that wait in the stream are not looked at. At a version of the past, neither are
    ids that were answered. Raises `NotFound` for a version that the aggregate has not reached.
    """
    aggregate = entry.fields[b"aggregate"].decode()
    partition = partition_of(aggregate, session.partitions)
    ledger = session.ledger(partition, "")  # only read
    head = await ledger.peek()
    window = Window(
        head.forgotten if at_version is None else "0-0", settings.outcomes_keep_count,
        settings.outcomes_keep_seconds, settings.id_skew_seconds,
    )  # fmt: skip
    async with AsyncExitStack() as stack:
        handler = domain.commands.get(entry.fields[b"type"].decode(errors="replace"))
        if handler is not None and handler.needs:
            wanted = handler.needs.values()
            opened = services_of(domain, settings.services, queries, wanted)
            domain = await stack.enter_async_context(opened)
        intake = Intake(
            domain, partition, session.partitions, session.secret, settings.command_bytes
        )
        received = intake.receive(entry)
        timers = Timekeeper(partition, session.secret, domain, settings, Progress())
        bounds = Bounds.share(settings, session.partitions)
        past = _Past(ledger, at_version)
        actors = Actors(past, domain, bounds, Limits.under(settings), timers.book)
        attempts = await stack.enter_async_context(attempting(actors, settings.block_seconds))
        waiting = WaitingRoom(partition, window, attempts, settings)
        if at_version is None:
            await Remembering(ledger, window).enough([received])
            await waiting.load(ledger, intake)
        is_known = received.addressed and kind_of(aggregate) in domain.deciders
        versions = await actors.load([aggregate] if is_known else [])
        deciding = Deciding(window, actors, attempts, waiting, settings.block_seconds)
        [said] = await deciding.decide([received], settings.decide_seconds)
    commit = _drafted(Draft(head, window, versions, partition), received, said)
    rehearsed = _rehearsed(received, head, commit.records[0], partition)
    return rehearsed._replace(timers=commit.timers, traceback=_traceback_of(said))


def _drafted(draft: Draft, received: Received, said: Said) -> Commit:
    """The commit that the owner would make of an answer."""
    if isinstance(said, Deferral):
        draft.defer(received, said.detail(), b"")
    else:
        draft.add(received, said)
    return draft.commit()


def _traceback_of(said: Said) -> str:
    match said:
        case Answer():
            return said.traceback
        case Deferral():
            return traceback_of(said)
    return ""


def _rehearsed(received: Received, head: Head, record: Record, partition: int) -> Rehearsed:
    """A record of the draft, as whoever asked would read it back; ``head`` is behind it."""
    begins = head.position - len(record.events)
    before = record.version - len(record.events)
    events = [
        LoggedEvent(begins + n, received.aggregate, before + n, event.type, event.data, event.meta)
        for n, event in enumerate(record.events, 1)
    ]
    outcome = Outcome(
        record.entry, record.id.decode(errors="replace"), record.status,
        record.aggregate.decode(errors="replace"), record.version, head.position, partition,
        head.branch, record.digest, msgspec.json.decode(record.detail),
    )  # fmt: skip
    return Rehearsed(outcome, events)


class _Past:
    """A ledger to load from, as it was when an aggregate was at a version."""

    def __init__(self, ledger: Histories, at_version: int | None) -> None:
        self._ledger, self._at_version = ledger, at_version

    async def load(
        self, aggregates: Sequence[str], above: Sequence[int]
    ) -> list[list[StoredEvent]]:
        histories = await self._ledger.load(aggregates, above)
        limit = self._at_version
        if limit is None:
            return histories
        for aggregate, history in zip(aggregates, histories, strict=True):
            if len(history) < limit:
                raise NotFound(f"{aggregate} is at version {len(history)}: it never was at {limit}")
        return [history[:limit] for history in histories]
