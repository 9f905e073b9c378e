"""``semel check``: what a deployment of the code here would break, before it does."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from engine.core.errors import Misregistered, Misuse
from engine.core.schemas.breaking import Breach
from engine.edge.checking import check_schemas
from engine.edge.cli.gauge import gauge
from engine.edge.cli.options import ConfigFile, Format, Namespace, Output, Redis, settings_of
from engine.edge.cli.output import line, paint, say, show
from engine.edge.cli.replay import SAMPLE, replayed, text_of
from engine.edge.cli.replay import Report as Replay
from engine.edge.cli.running import on_session

if TYPE_CHECKING:
    from engine.app import RedisSession
    from engine.core.registry import Domain
    from engine.settings import Settings


Sample = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="Replay so many of each, at random; 1000 unless set.",
        show_default=False,
    ),
]  # fmt: skip


class Report(msgspec.Struct):
    """What was compared, and how much of it would break."""

    namespace: str
    recorded: int = 0
    waiting: int = 0
    timers: int = 0
    letters: int = 0
    changes: list[str] = []
    findings: int = 0
    seconds: float = 0
    replay: Replay | None = None


def check(  # noqa: PLR0913 -- what to check, and what every verb takes
    replay: Annotated[
        bool,
        typer.Option(
            "--replay", help="Run the code over recorded events and commands, and fold rows anew."
        ),
    ] = False,
    sample: Sample = None,
    every: Annotated[bool, typer.Option("--all", help="Replay everything.")] = False,
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Say what a deployment of the code found here would break, and how to mend that.

    Compares its events and commands with those that engines have recorded in the namespace,
    and looks at the commands that wait, in timers and dead letters too. Changes nothing; the
    namespace may be served meanwhile. Exits 1 when something would break: for CI, before a
    deployment.

    --replay also loads aggregates, decides the commands that are still kept once more on what
    each of them met, and folds rows: it exits 1 for every answer, event or row that would be
    another one.

    \b
    Examples:
      semel check --redis redis://127.0.0.1:6379
      semel check --replay --all -o json
    """  # noqa: D301 -- \b keeps the help's lines as they are
    if ((sample or every) and not replay) or (sample and every):
        raise Misuse("--sample N and --all say how much --replay takes: one of them, with it")
    settings = settings_of(redis, config, namespace)
    try:
        domain = _domain(settings)
    except Misregistered as error:
        fault = {"code": "misregistered", "message": str(error), "hint": "No engine would start."}
        return _show(output, Report(settings.namespace, findings=1), [fault])

    size = None if every else sample or SAMPLE

    async def work(session: "RedisSession") -> int:
        return _show(output, *await _compared(session, domain, settings, replay, size))

    return on_session(settings, work)


async def _compared(
    session: "RedisSession", domain: "Domain", settings: "Settings", replay: bool, size: int | None
) -> tuple[Report, list[dict[str, Any]]]:
    """Compare, and replay where that is asked; a report, and each finding for the envelope."""
    began = time.monotonic()
    with gauge(await session.inspection.event_count(session.partitions)) as advance:
        checked = await check_schemas(session, domain, advance)
    report = Report(
        settings.namespace, checked.recorded, checked.waiting, checked.timers, checked.letters,
        checked.changes, len(checked.breaches),
    )  # fmt: skip
    faults = list(map(_shown, checked.breaches))
    if replay:
        report.replay, differing = await replayed(session, domain, settings, size)
        faults += differing
    report.seconds = round(time.monotonic() - began, 3)
    return report, faults


def _domain(settings: "Settings") -> "Domain":
    """The domain found here; raises `Misregistered`, or `Misuse` where there is none."""
    from engine.app import domain_of  # noqa: PLC0415

    domain = domain_of(settings)
    if not domain.commands:
        raise Misuse(
            f"no command is registered: run this where the package {settings.handlers!r} is that "
            f"would be deployed"
        )
    return domain


def _show(output: Format, report: Report, breaches: list[dict[str, Any]]) -> int:
    """Show breaches and a report; of JSONL's lines each is a breach. The exit code."""
    if output is Format.JSONL:
        for each in breaches:
            line(each)
        for sentence in _summary(report):
            say(sentence)
    else:
        show(output, report, [*_text(breaches), *_summary(report)], breaches)
    return 1 if breaches else 0


def _shown(breach: Breach) -> dict[str, Any]:
    """A breach as the envelope has errors."""
    said = msgspec.structs.asdict(breach)
    return {"code": said.pop("check"), "message": said.pop("message"), **said}


def _text(breaches: list[dict[str, Any]]) -> Iterator[str]:
    for each in breaches:
        if "hint" in each:  # what a replay found is told in groups
            yield f"{paint(each['code'], typer.colors.RED)}  {each['message']}"
            yield f"    {each['hint']}"


def _summary(report: Report) -> Iterator[str]:
    yield from report.changes
    if report.findings:
        yield f"{report.findings} findings"
    elif report.recorded:
        yield (
            f"{report.namespace}: {report.recorded} schemas, {report.waiting} commands that wait, "
            f"{report.timers} timers and {report.letters} dead letters looked at in "
            f"{report.seconds:.1f} s: nothing would break"
        )
    else:
        yield (
            f"{report.namespace}: no schema is recorded yet to compare with; engines of this "
            f"release record theirs when they start"
        )
    if report.replay is not None:
        yield from text_of(report.replay)
