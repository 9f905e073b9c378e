"""``semel log``: what was committed, in one partition or in all of them."""

import time
from collections.abc import AsyncIterator
from heapq import merge
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.core.codec import read_event_meta
from engine.core.errors import Misuse
from engine.core.ids import stream_order
from engine.edge.cli.events import POLL_SECONDS, data_of_event, refuse_endless_json
from engine.edge.cli.options import ConfigFile, Format, Namespace, Output, Redis, settings_of
from engine.edge.cli.output import line, show, tell
from engine.edge.cli.running import start

if TYPE_CHECKING:
    from engine.app import RedisSession
    from engine.core.records import LoggedEvent

_PAGE = 1000

Logged = tuple[tuple[int, int], int, "LoggedEvent"]
"""When its command came (its stream id), its partition, and the event."""


def log(  # noqa: PLR0913 -- a range, and what every verb takes
    partition: Annotated[
        int | None, typer.Option(min=0, help="One partition; all of them unless given.")
    ] = None,
    after: Annotated[
        int | None,
        typer.Option(min=0, metavar="POSITION", help="From behind this position on; 0 for all."),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, help="So many events at the most: the last ones without --after.")
    ] = 1000,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as events come.")] = False,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Show what was committed, in one partition or in all.

    Events stand in the order of their commits; partitions are merged by time.

    \b
    Examples:
      semel log --limit 20 --follow
      semel log --partition 3 --after 0 -o jsonl
    """  # noqa: D301 -- \b keeps the help's lines as they are
    refuse_endless_json(output, follow=follow)
    settings = settings_of(redis, config, namespace)

    async def work() -> int:
        from engine.app import namespace_session  # noqa: PLC0415

        async with namespace_session(settings) as session:
            reading = _Reading(session, partition, after or 0)
            if after is None:
                await reading.skip_to_last(limit)
            found = await reading.next(limit, last=after is None)
            show(output, [_data(each) for each in found], map(_text, found))
            if follow:
                async for each in reading.endless():
                    if output is Format.JSONL:
                        line(_data(each))
                    else:
                        tell(_text(each))
        return 0

    return start(work)


class _Reading:
    """Several partitions' logs, each from behind a position on."""

    def __init__(self, session: "RedisSession", partition: int | None, after: int) -> None:
        if partition is not None and partition >= session.partitions:
            raise Misuse(
                f"there is no partition {partition}: they are 0 to {session.partitions - 1}"
            )
        wanted = range(session.partitions) if partition is None else [partition]
        self._inspection, self._after = session.inspection, dict.fromkeys(wanted, after)

    async def skip_to_last(self, count: int) -> None:
        """Go to where no partition has more than ``count`` events left."""
        for number in self._after:
            head = await self._inspection.partition(number)
            self._after[number] = max(0, head.position - count)

    async def next(self, count: int, *, last: bool = False) -> list[Logged]:
        """The first events of all partitions merged, or the last; reading goes on behind them."""
        logs = [await self._read(number, count) for number in self._after]
        merged = list(merge(*logs, key=itemgetter(0, 1)))
        found = merged[-count:] if last else merged[:count]
        for _, number, event in merged if last else found:
            self._after[number] = event.position
        return found

    async def endless(self) -> AsyncIterator[Logged]:
        """Events as they come."""
        import anyio  # noqa: PLC0415

        while True:
            for each in await self.next(_PAGE):
                yield each
            await anyio.sleep(POLL_SECONDS)

    async def _read(self, number: int, count: int) -> list[Logged]:
        after, found = self._after[number], list[Logged]()
        while len(found) < count:
            page = await self._inspection.log(number, after, min(_PAGE, count - len(found)))
            found += ((_came(event), number, event) for event in page)
            if not page:
                break
            after = page[-1].position
        return found


def _came(event: "LoggedEvent") -> tuple[int, int]:
    """When the command came, by Redis's clock: it only grows along a partition's log."""
    return stream_order(read_event_meta(event.meta).entry)


def _data(logged: Logged) -> dict[str, Any]:
    _, partition, event = logged
    place = {"partition": partition, "position": event.position, "aggregate": event.aggregate}
    return place | data_of_event(event)


def _text(logged: Logged) -> str:
    (ms, _), partition, event = logged
    came = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000))
    return (
        f"{came}.{ms % 1000:03}Z  {partition}/{event.position}  {event.aggregate} {event.version}  "
        f"{event.type}  {event.data.decode(errors='replace')}"
    )
