"""``semel projection row``: one row as the log makes it, now or at a moment of the past."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from engine.core.audit.findings import Finding
from engine.edge.cli.findings import show_findings
from engine.edge.cli.gauge import gauge
from engine.edge.cli.options import ConfigFile, Format, Namespace, Output, Redis, settings_of
from engine.edge.cli.output import line, plain, say
from engine.edge.cli.projection.checking import Name
from engine.edge.cli.readable import document
from engine.edge.cli.running import start

if TYPE_CHECKING:
    from engine.app import RedisSession
    from engine.core.registry import Domain
    from engine.edge.as_of import RowAsOf


def projection_row(  # noqa: PLR0913 -- which row, when, and what every verb takes
    name: Name,
    id: Annotated[str, typer.Argument(metavar="ID", help="The row, such as order-42.")],
    at: Annotated[
        str | None,
        typer.Option(
            metavar="RECEIPT|TIME",
            show_default=False,
            help="A receipt, a time such as 2026-01-31T12:00:00Z, or an age such as -2h.",
        ),
    ] = None,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Fold one row from the log: as it was, or as it should be, next to what stands there.

    With --at, the row is as the log had made it by then; other partitions than a receipt's
    count as far as their commands had come when that one's had. Without it, the row is folded
    as far as the projection has come and compared with the one in Redis: exits 1 when they
    differ, naming each field. Exits 4 where there is no row, saying whether it was deleted;
    1 for a receipt that was lost.

    Nothing says which events touch a row: the logs of all partitions are read from the
    beginning, page by page, and folded with the code found here. That takes a minute or
    two for a million events, and memory for one row.

    \b
    Examples:
      semel projection row orders order-42
      semel projection row orders order-42 --at 13.7.1f9c83d0
      semel projection row customers customer-c-1 --at -2h -o json
    """  # noqa: D301 -- \b keeps the help's lines as they are
    from engine.app import domain_of, namespace_session  # noqa: PLC0415 -- what --help can do without

    settings = settings_of(redis, config, namespace)
    domain = domain_of(settings)

    async def work() -> int:
        async with namespace_session(settings) as session:
            found, findings = await _found(session, domain, name, id, at)
        _show(found, findings, output)
        return 1 if findings else 0

    return start(work)


async def _found(
    session: "RedisSession", domain: "Domain", name: str, row: str, at: str | None
) -> "tuple[RowAsOf, list[Finding]]":
    from engine.edge.as_of import AsOf  # noqa: PLC0415 -- likewise
    from engine.edge.audit.generations import generation_of  # noqa: PLC0415

    projection, number, _ = await generation_of(session, domain, name)
    with gauge(await session.inspection.event_count(session.partitions)) as advance:
        as_of = AsOf(
            session, domain, projection, number, lambda read: advance(read, f"{row} in {name}")
        )
        if at is None:
            return await as_of.now(row)
        return await as_of.at(row, at), []


def _show(found: "RowAsOf", findings: list[Finding], output: Format) -> None:
    if output is Format.JSONL:
        line(found)
        for finding in findings:
            say(f"{finding.check}  {finding}")
    else:
        show_findings(output, found, findings, _text(found))


def _text(found: "RowAsOf") -> Iterator[str]:
    yield from document(plain(found.row))
    marks = ", ".join(f"{partition}/{at}" for partition, at in sorted(found.watermarks.items()))
    yield f"as of {found.at}, of events {marks}; {found.events} events read"
    if found.parked:
        yield f"{found.projection} passes over {found.parked} parked aggregates: semel dead list"
    if found.behind:
        yield f"{found.projection}@{found.generation} is {found.behind} events behind the logs"
