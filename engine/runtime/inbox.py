"""Moving the inbox's entries to their partitions, each once and in their order.

The inbox's mark at a partition moves in the same step as the entries that it stands for.
So an entry that is read again, by whoever, is known there, without any window.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from itertools import islice

from engine.core.batching import batches
from engine.core.ids import stream_order
from engine.core.inside import inside_id
from engine.core.intake import FIELD_NAMES
from engine.core.ports import Feed, Inbox
from engine.core.records import Entry
from engine.core.routing import aggregate_fault, partition_of
from engine.runtime.horizon import MENDED_SHOWN, Horizon
from engine.runtime.patience import Reply, patiently
from engine.runtime.progress import Progress
from engine.settings import Settings
from engine.telemetry import log

SOURCE = "inbox"
"""What the inbox is called in the ids that it makes."""

COMPLAINTS = 0
"""The partition whose owner rejects what has no usable aggregate."""

STRANGE_LIMIT, STRANGE_BYTES = 10, 100
"""Fields that no command has are named in its refusal: so many of them, each that far."""


class InboxMover:
    """The inbox while this process owns it."""

    kind = "inbox"

    def __init__(  # noqa: PLR0913 -- what one acquisition consists of
        self,
        key: str,
        partitions: int,
        secret: bytes,
        feed: Feed,
        inbox: Inbox,
        settings: Settings,
    ) -> None:
        self._key, self._partitions, self._secret = key, partitions, secret
        self._feed, self._inbox, self._settings = feed, inbox, settings
        self.progress = Progress()
        self._marks: dict[int, str] = {}
        self._stop: Callable[[], None] | None = None
        self._stopping = False

    def stop(self) -> None:
        """Finish the batch in hand and read no further."""
        self._stopping = True
        if self._stop is not None:
            self._stop()

    async def serve(self, token: str) -> None:
        """Own the inbox until stopped; raises `Fenced` or `Lost`."""
        log.info("inbox.owned")
        reached = await self._inbox.last_forwarded()
        horizon = Horizon(self._inbox.now_ms)
        subscription = self._feed.subscribe(self._key, reached)
        self._stop = subscription.close
        settings = self._settings
        try:
            while not self._stopping and (entries := await subscription.take()) is not None:
                self.progress.took()
                # Before anything is submitted: a mark in the future would hide what comes.
                if await horizon.hides(entries[-1].id, reached):
                    reached = await self._mend(token)
                    subscription.rewind(await self._inbox.last_forwarded())
                    continue
                for batch in batches(entries, settings.batch_commands, settings.batch_bytes):
                    if not self._stopping:
                        await self._move(batch, token)
                        self.progress.moved()
                self.progress.rests()
        finally:
            subscription.close()

    async def _mend(self, token: str) -> str:
        """Take ids from the future out of the inbox; returns how far it stands for commands."""
        reached = await self._inbox.reached(self._partitions)
        mended = await self._patiently(lambda: self._inbox.mend(reached, token))
        self.progress.rests()
        if mended.dead:
            log.error(
                "inbox.mended", dead=len(mended.dead), ids=mended.dead[:MENDED_SHOWN],
                added_again=mended.again,
            )  # fmt: skip
        return reached

    async def _move(self, batch: Sequence[Entry], token: str) -> None:
        by_partition: dict[int, list[Entry]] = {}
        for entry in batch:
            by_partition.setdefault(self._home(entry), []).append(entry)
        moved: dict[str, tuple[str, int, str]] = {}
        for partition, entries in by_partition.items():
            for id, new in (await self._submit(partition, entries)).items():
                moved[id] = (id, partition, new)
        notes = [moved[entry.id] for entry in batch]
        await self._patiently(lambda: self._inbox.forward(notes, token))

    async def _submit(self, partition: int, entries: Sequence[Entry]) -> dict[str, str]:
        """Submit entries to their partition; answers where each went.

        An entry that a former owner submitted before it died is not submitted again; where
        it went is then not known here, and is "".
        """
        went = dict.fromkeys((entry.id for entry in entries), "")
        waiting = list(entries)
        expected = self._marks.get(partition, "0-0")
        while waiting:
            mark = waiting[-1].id
            commands = [self._command_of(entry) for entry in waiting]
            found, new = await self._patiently(
                partial(self._inbox.submit, partition, expected, mark, commands)
            )
            self._marks[partition] = expected = found
            if new:
                went |= zip((entry.id for entry in waiting), new, strict=True)
                break
            waiting = [e for e in waiting if stream_order(e.id) > stream_order(found)]
        return went

    async def _patiently(self, step: Callable[[], Awaitable[Reply]]) -> Reply:
        return await patiently(step, self.progress, lambda: self._stopping)

    def _home(self, entry: Entry) -> int:
        try:
            aggregate = entry.fields.get(b"aggregate", b"").decode()
        except UnicodeDecodeError:
            return COMPLAINTS
        return (
            COMPLAINTS if aggregate_fault(aggregate) else partition_of(aggregate, self._partitions)
        )

    def _command_of(self, entry: Entry) -> Mapping[str, bytes]:
        """An inbox entry as a command's fields; without an id of its own it gets one of ours.

        Fields that no command has go along by name: the partition's owner refuses them.
        """
        fields = entry.fields
        strange = islice((name for name in fields if name not in FIELD_NAMES), STRANGE_LIMIT)
        names = (name[:STRANGE_BYTES].decode(errors="replace") for name in strange)
        return dict.fromkeys(names, b"") | {
            "id": fields.get(b"id") or inside_id(self._secret, SOURCE, entry.id).encode(),
            "type": fields.get(b"type", b""),
            "aggregate": fields.get(b"aggregate", b""),
            "data": fields.get(b"data", b""),
            "meta": fields.get(b"meta", b""),
        }
