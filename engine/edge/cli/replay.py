"""What a replay found, as ``semel check --replay`` shows it: grouped by what differs alike."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from engine.core.replay.replay import Difference
from engine.edge.cli.gauge import gauge
from engine.edge.cli.output import paint
from engine.edge.replaying import Replaying
from engine.edge.standing_in import with_stand_ins

if TYPE_CHECKING:
    from engine.app import RedisSession
    from engine.core.registry import Domain
    from engine.settings import Settings

NAMED_LIMIT = 1000
"""Differences named one by one in JSON: whoever has more begins with these."""

EXAMPLES = 3
"""Differences of a kind that are shown to people."""

SAMPLE = 1000
"""Aggregates, commands, and rows of each projection that are replayed unless told otherwise."""


class Group(msgspec.Struct):
    """Differences that have something in common."""

    check: str
    about: str
    count: int
    examples: list[str]


class Report(msgspec.Struct):
    """How much was replayed, of how much of each (``sample``), and what would be otherwise."""

    sample: int | None
    aggregates: int
    events: int
    decided: int
    asking: dict[str, int]
    rows: int
    differences: int
    groups: list[Group]


async def replayed(
    session: "RedisSession", domain: "Domain", settings: "Settings", sample: int | None
) -> tuple[Report, list[dict[str, Any]]]:
    """Replay; a report, and the differences as the envelope has errors."""
    domain, stand_ins = with_stand_ins(settings, domain)
    with gauge(None) as advance:
        replaying = Replaying(session, domain, settings, sample, advance, stand_ins)
        await replaying.run()
    found, done = replaying.differences, replaying.report
    report = Report(
        sample, done.aggregates, done.events, done.decided, done.asking, done.rows, len(found),
        _grouped(found),
    )  # fmt: skip
    return report, [_fault(each) for each in found[:NAMED_LIMIT]]


def _grouped(differences: Sequence[Difference]) -> list[Group]:
    """By what they have in common, the most frequent first."""
    groups: dict[tuple[str, str], Group] = {}
    for each in differences:
        key = each.check, each.about
        group = groups.setdefault(key, Group(*key, 0, []))
        group.count += 1
        if group.count <= EXAMPLES:
            group.examples.append(f"{each.place}: {each.message}")
    return sorted(groups.values(), key=lambda group: -group.count)


def _fault(each: Difference) -> dict[str, Any]:
    said = {
        name: text.encode(errors="backslashreplace").decode()
        for name, text in msgspec.structs.asdict(each).items()
    }
    return {"code": said.pop("check"), **said}


def text_of(report: Report) -> Iterator[str]:
    """The report for people."""
    for group in report.groups:
        times = "once" if group.count == 1 else f"{group.count} times"
        yield f"{paint(group.check, typer.colors.RED)}  {group.about}: {times}"
        for example in group.examples:
            yield f"    {example}"
        if group.count > EXAMPLES:
            yield f"    … and {group.count - EXAMPLES} more"
    chosen = "all" if report.sample is None else f"a sample of {report.sample}"
    yield (
        f"replayed ({chosen}): {report.events} events of {report.aggregates} aggregates, "
        f"{report.decided} commands that are still kept, {report.rows} rows"
    )
    for kind, count in sorted(report.asking.items()):
        yield (
            f"{count} {kind} were not decided again: its decider asks services that nobody "
            f"stands in for (replay_services)"
        )
    if report.differences:
        yield f"{report.differences} differences"
    else:
        yield "all would be as it is"
