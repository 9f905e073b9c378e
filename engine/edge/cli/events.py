"""``semel events``: one aggregate's history."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from engine.core.errors import Misuse, NotFound
from engine.core.routing import aggregate_fault
from engine.edge.cli.options import ConfigFile, Format, Namespace, Output, Redis, settings_of
from engine.edge.cli.output import line, say, show, tell
from engine.edge.cli.readable import to_milliseconds
from engine.edge.cli.running import start

if TYPE_CHECKING:
    from engine.app import RedisSession
    from engine.core.records import LoggedEvent, StoredEvent

POLL_SECONDS = 0.2
"""Between looks with --follow: an operator's tool, for eyes; programs subscribe instead."""


def events(  # noqa: PLR0913 -- an aggregate, a range, and what every verb takes
    aggregate: Annotated[
        str, typer.Argument(metavar="AGGREGATE", help="The aggregate's id, such as order-42.")
    ],
    after: Annotated[int, typer.Option(min=0, help="Only events above this version.")] = 0,
    limit: Annotated[int, typer.Option(min=1, help="So many events at the most.")] = 1000,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as events come.")] = False,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Show an aggregate's events, from its first to its last.

    \b
    Examples:
      semel events order-42
      semel events order-42 --after 3 --follow -o jsonl
    """  # noqa: D301 -- \b keeps the help's lines as they are
    refuse_endless_json(output, follow=follow)
    fault = aggregate_fault(aggregate)
    if fault:
        raise Misuse(f"the aggregate {fault}")
    settings = settings_of(redis, config, namespace)

    async def work() -> int:
        from engine.app import namespace_session  # noqa: PLC0415

        async with namespace_session(settings) as session:
            history = _History(session, aggregate)
            if follow:
                await history.follow(after, output)
            else:
                await history.show(after, limit, output)
        return 0

    return start(work)


def refuse_endless_json(output: Format, *, follow: bool) -> None:
    """One JSON document has an end: raises `Misuse` where there is none."""
    if follow and output is Format.JSON:
        raise Misuse("--follow has no end, as a JSON document must: use -o jsonl")


class _History:
    """One aggregate's events."""

    def __init__(self, session: "RedisSession", aggregate: str) -> None:
        self._inspection, self._partitions = session.inspection, session.partitions
        self._aggregate = aggregate

    async def show(self, after: int, limit: int, output: Format) -> None:
        events = await self._read(after, limit + 1)
        if not events and not (after and await self._read(0, 1)):
            raise NotFound(
                f"{self._aggregate} has no events: no command to it was accepted yet. "
                f"`semel log` shows which aggregates have some"
            )
        shown = events[:limit]
        show(output, [data_of_event(event) for event in shown], _texts(shown))
        if len(events) > limit:
            say(f"there are more: semel events {self._aggregate} --after {shown[-1].version}")

    async def follow(self, after: int, output: Format) -> None:
        import anyio  # noqa: PLC0415

        while True:
            events = await self._read(after, 1000)
            for event, text in zip(events, _texts(events), strict=True):
                after = event.version
                if output is Format.JSONL:
                    line(data_of_event(event))
                else:
                    tell(text)
            await anyio.sleep(POLL_SECONDS)

    async def _read(self, after: int, count: int) -> "list[StoredEvent]":
        return await self._inspection.events(self._aggregate, self._partitions, after, count)


def data_of_event(event: "StoredEvent | LoggedEvent") -> dict[str, Any]:
    """An event as JSON has it: its payload is not text in text."""
    payloads = {"data": readable(event.data), "meta": readable(event.meta)}
    return {"version": event.version, "type": event.type, **payloads}


def readable(payload: bytes) -> Any:
    """A payload as the JSON that it is; what is none is shown as text."""
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return payload.decode(errors="replace")


def _texts(events: "Sequence[StoredEvent]") -> list[str]:
    return [
        f"{event.version:>4}  {to_milliseconds(readable(event.meta)['time'])}  {event.type}  "
        f"{event.data.decode(errors='replace')}"
        for event in events
    ]
