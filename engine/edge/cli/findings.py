"""What an audit found, as a verb shows it: each place that is wrong, then how much was read."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import typer

from engine.core.audit.findings import Finding
from engine.edge.cli.options import Format
from engine.edge.cli.output import line, paint, say, show

NAMED_LIMIT = 1000
"""Findings named one by one: whoever has more begins with these."""


def show_findings(
    output: Format, report: Any, findings: Sequence[Finding], summary: Iterable[str]
) -> None:
    """Show findings and a report; of JSONL's lines each is a finding."""
    named = [_fault(finding) for finding in findings[:NAMED_LIMIT]]
    if output is Format.JSONL:
        for fault in named:
            line(fault)
        for sentence in summary:
            say(sentence)
    else:
        show(output, report, [*_text(findings), *summary], named)


def unjudged(projection: str, rows: int) -> str:
    """That some rows hold what no log can tell."""
    return (
        f"{projection} has {rows} rows with fields that events of several aggregates set: what is "
        f"in these depends on who came first, and was not judged"
    )


def _fault(finding: Finding) -> dict[str, Any]:
    """A finding as the envelope has errors; names that are no UTF-8 are shown escaped."""
    said: dict[str, Any] = {
        name: value.encode(errors="surrogateescape").decode(errors="backslashreplace")
        if isinstance(value, str)
        else value
        for name, value in msgspec.structs.asdict(finding).items()
    }
    message = str(Finding(**said))
    return {"code": said.pop("check"), "message": message, **said}


def _text(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings[:NAMED_LIMIT]:
        yield f"{paint(finding.check, typer.colors.RED)}  {finding}"
    if len(findings) > NAMED_LIMIT:
        yield f"… and {len(findings) - NAMED_LIMIT} more"
