"""Commands on their way out of the Python SDK: one, many, and what became of one."""

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from datetime import datetime

import anyio

from engine.core.errors import Lost, NotYet, Unknown
from engine.core.messages import Command, CommandMeta
from engine.core.outcome import Outcome
from engine.core.ports import Session
from engine.core.rehearsing import DryRun
from engine.edge.batch import Answer, Batch, Submit, each_of
from engine.edge.dispatch import Dispatch
from engine.edge.dry_run import DryRuns
from engine.edge.entries import entry_fields, meta_json
from engine.edge.hindsight import outcome_on


class CommandBus:
    """Sends commands; hundreds of dispatches at once share a few connections.

    Every call has a time limit: ``wait_seconds``, or the setting of that name. Any call may be
    cancelled anywhere. That takes no command back: one that was sent has its outcome all the same.
    """

    def __init__(
        self, dispatch: Dispatch, wait_seconds: float, dry_runs: DryRuns, new_id: Callable[[], str]
    ) -> None:
        self._dispatch, self._wait_seconds = dispatch, wait_seconds
        self._dry_runs, self.new_id = dry_runs, new_id

    async def dispatch(  # noqa: PLR0913 -- each is one thing a caller may say of a command
        self,
        command: Command,
        *,
        aggregate: str,
        id: str | None = None,
        expect: int | None = None,
        user: str | None = None,
        correlation: str | None = None,
        time: datetime | None = None,
        wait_seconds: float | None = None,
    ) -> Outcome:
        """Send a command and return its outcome: accepted, or a duplicate of something accepted.

        ``expect`` is the version the aggregate must have. The same ``id`` again repeats
        nothing and gets the first outcome; without one a new UUIDv7 is made.

        Where it is deferred, its late outcome is waited for. Raises `Rejected` (its ``code`` says
        why) or `VersionConflict`, `Failed` when its decider raised however often, `Unknown` when
        nobody answered within ``wait_seconds``, and `Deferred` when it still waits then.
        """
        meta = CommandMeta(user=user, time=time, correlation=correlation, expect=expect)
        outcome = await self.submit(
            type(command).__name__, aggregate, command.model_dump_json().encode(),
            id=id, meta=meta_json(meta), wait_seconds=wait_seconds,
        )  # fmt: skip
        return outcome.raise_unless_accepted()

    async def submit(  # noqa: PLR0913 -- the fields of an entry
        self,
        type: str,
        aggregate: str,
        data: bytes,
        *,
        id: str | None = None,
        meta: bytes = b"",
        wait_seconds: float | None = None,
    ) -> Outcome:
        """Send a command as it would stand in its stream, unvalidated; returns any outcome.

        ``data`` and ``meta`` are JSON. Raises `Misuse` for an id that cannot be one,
        `Unknown` when nobody answered in time.
        """
        id = self.new_id() if id is None else id
        fields = entry_fields(type, aggregate, data, id, meta)
        return await self._dispatch.submit(aggregate, id, fields, self._seconds(wait_seconds))

    async def submit_many(
        self,
        commands: Iterable[Submit] | AsyncIterable[Submit],
        *,
        wait_seconds: float | None = None,
    ) -> AsyncGenerator[Answer, None]:
        """Send many commands; tells of each what became of it, in the order they were given.

        At most 512 are under way and in memory, and those of one aggregate are decided in
        their order. Each has ``wait_seconds``; where nobody answers anything for as long, the
        rest are not sent, and their answers say so. Nothing is raised for a command; what
        ``commands`` raises is. Whoever stops early takes back nothing that was sent.
        """
        batch = Batch(self._dispatch, self.new_id, self._seconds(wait_seconds))
        try:
            async for wanted in each_of(commands):
                await batch.begin(wanted)
                if batch.is_full:
                    yield await batch.next()
            while not batch.is_empty:
                yield await batch.next()
        finally:
            batch.end()

    async def outcome(
        self, id: str, *, aggregate: str | None = None, wait_seconds: float | None = None
    ) -> Outcome:
        """What became of a command, by its id: looked for among the outcomes that are kept.

        It sends nothing, and waits for no outcome. Returns any outcome; of one that waits to be
        decided, ``deferred``. Without ``aggregate`` every partition is searched. Raises
        `Unknown` where there is none, or none was found within ``wait_seconds``: then submit
        again with the same ``id``, which has its effect once, whatever became of it.
        """
        seconds = self._seconds(wait_seconds)
        why = f"what became of command {id} was not found out within {seconds:g} s"
        broken: Session | None = None
        with anyio.move_on_after(seconds):
            while True:
                broken = session = await self._dispatch.session(after=broken)
                try:
                    found = await outcome_on(session, id, aggregate)
                except Lost:
                    continue
                if found is not None:
                    return found
                why = f"command {id} has no outcome: none by now, or it is not kept any more"
                break
        raise Unknown(f"{why}. Submit it again with the same id", id, aggregate or "")

    async def dry_run(  # noqa: PLR0913 -- as for `dispatch`
        self,
        command: Command,
        *,
        aggregate: str,
        id: str | None = None,
        expect: int | None = None,
        user: str | None = None,
        correlation: str | None = None,
        time: datetime | None = None,
        at_version: int | None = None,
        wait_seconds: float | None = None,
    ) -> DryRun:
        """What `dispatch` would do, were it called now; nothing is written, and nobody asked.

        It is decided here, with the code found here, on what is committed; with ``at_version``
        on what was when the aggregate was at that version last. Any outcome is returned.
        Raises `NotYet` when it takes longer than ``wait_seconds``.
        """
        meta = CommandMeta(user=user, time=time, correlation=correlation, expect=expect)
        seconds = self._seconds(wait_seconds)
        with anyio.move_on_after(seconds):
            return await self._dry_runs.run(
                type(command).__name__, aggregate, command.model_dump_json().encode(),
                id=id, meta=meta_json(meta), at_version=at_version,
            )  # fmt: skip
        raise NotYet(f"the dry run took longer than {seconds:g} s; nothing was written")

    def _seconds(self, wait_seconds: float | None) -> float:
        return self._wait_seconds if wait_seconds is None else wait_seconds
