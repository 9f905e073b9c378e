"""``semel projection verify``: the rows of one read model beside what the log makes of them."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from engine.core.audit.findings import Finding
from engine.core.errors import NotFound
from engine.edge.cli.completing import projections
from engine.edge.cli.findings import show_findings, unjudged
from engine.edge.cli.gauge import gauge
from engine.edge.cli.options import ConfigFile, Format, Namespace, Output, Redis, settings_of
from engine.edge.cli.output import say
from engine.edge.cli.running import start

if TYPE_CHECKING:
    from engine.app import RedisSession
    from engine.core.registry import Domain


Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="The projection, such as orders.", autocompletion=projections
    ),
]


class Report(msgspec.Struct):
    """How much of one generation was compared, and how much of it is wrong."""

    projection: str
    generation: int
    sample: int | None
    rows: int = 0
    entries: int = 0
    parked: int = 0
    unjudged: int = 0
    passes: int = 0
    findings: int = 0
    seconds: float = 0


def projection_verify(  # noqa: PLR0913 -- what to check, and what every verb takes
    name: Name,
    sample: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Only so many rows, chosen at random.", show_default=False
        ),
    ] = None,
    generation: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Another generation than the live one.", show_default=False
        ),
    ] = None,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Compare the rows, indexes and checkpoints of a projection with the fold of the log.

    Changes nothing; all may run meanwhile. The log is read from the beginning and folded with
    the code found here, which takes a minute or two for a million events. Up to 200,000
    rows are held at a time (some 200 MB); more take more passes over the log. --sample takes
    one pass, and memory for its rows alone. Exits 1 when something is wrong, naming each row
    and entry.

    \b
    Examples:
      semel projection verify orders
      semel projection verify orders --sample 1000 -o json
    """  # noqa: D301 -- \b keeps the help's lines as they are
    from engine.app import domain_of, namespace_session  # noqa: PLC0415 -- what --help can do without

    settings = settings_of(redis, config, namespace)
    domain = domain_of(settings)

    async def work() -> int:
        async with namespace_session(settings) as session:
            report, findings = await _audited(session, domain, name, generation, sample)
        show_findings(output, report, findings, _summary(report))
        return 1 if findings else 0

    return start(work)


async def _audited(
    session: "RedisSession", domain: "Domain", name: str, number: int | None, sample: int | None
) -> tuple[Report, list[Finding]]:
    """Audit one generation; raises `NotFound` where it is not there, or goes meanwhile."""
    from engine.core.digest import code_digest  # noqa: PLC0415 -- likewise
    from engine.edge.audit.generations import (  # noqa: PLC0415
        GenerationAudit,
        generation_of,
    )

    began = time.monotonic()
    projection, number, found = await generation_of(session, domain, name, number)
    code = code_digest(projection, domain.upcasters_of(name))
    if found.made_by(number) not in ("", code):
        say(
            f"{name}@{number} was made by other code than is found here: what differs may be what "
            f"the change did"
        )
    with gauge(await session.inspection.event_count(session.partitions)) as advance:
        audit = GenerationAudit(
            session, domain, projection, number, lambda read: advance(read, audit.place), sample
        )
        findings = list(dict.fromkeys(await audit.run()))
    if audit.is_over:
        raise NotFound(f"{name}@{number} went meanwhile: nothing can be said of its rows")
    report = Report(
        name, number, sample, audit.rows, audit.entries, audit.parked, audit.unjudged,
        audit.passes, len(findings), round(time.monotonic() - began, 3),
    )  # fmt: skip
    return report, findings


def _summary(report: Report) -> Iterator[str]:
    what = f"{report.projection}@{report.generation}"
    chosen = " chosen at random" if report.sample else ""
    yield (
        f"{what}: {report.rows} rows{chosen} and {report.entries} index entries compared with the "
        f"fold of the log in {report.seconds:.1f} s"
    )
    if report.parked:
        yield f"it passes over {report.parked} parked aggregates: semel dead list"
    if report.unjudged:
        yield unjudged(report.projection, report.unjudged)
    yield f"{report.findings} findings" if report.findings else "nothing is wrong"
