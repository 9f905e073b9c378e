"""An outcome as the command line shows it, and as it exits."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from engine.core.errors import SemelError
from engine.edge.cli.options import Format
from engine.edge.cli.output import paint, show
from engine.edge.faults import fault_of

if TYPE_CHECKING:
    from engine.core.outcome import Outcome

COLOURS = {
    "accepted": typer.colors.GREEN,
    "duplicate": typer.colors.CYAN,
    "rejected": typer.colors.YELLOW,
    "failed": typer.colors.RED,
    "deferred": typer.colors.MAGENTA,
}
"""How each status stands out."""


def show_outcome(outcome: "Outcome", output: Format) -> int:
    """Show one outcome; returns the exit code, which for a duplicate is its first's."""
    fault = fault_in(outcome)
    errors = [fault_of(fault)] if fault else []
    show(output, outcome_data(outcome), _text(outcome), errors)
    return fault.exit_code if fault else 0


def outcome_data(outcome: "Outcome") -> dict[str, Any]:
    """An outcome as JSON has it, its receipt included."""
    said: dict[str, Any] = msgspec.json.decode(outcome.as_reply())
    return said


def fault_in(outcome: "Outcome") -> SemelError | None:
    """What `dispatch` would raise for an outcome; None for an accepted one."""
    try:
        outcome.raise_unless_accepted()
    except SemelError as error:
        return error
    return None


def _text(outcome: "Outcome") -> Iterator[str]:
    status = paint(outcome.status, COLOURS[outcome.status])
    first = outcome.detail.get("first")
    of = f" of what was {first['status']}" if first else ""
    yield f"{status}{of}  {outcome.aggregate}  version {outcome.version}"
    yield from said_of(outcome)
    yield f"  receipt {outcome.receipt}  id {outcome.id}"


def said_of(outcome: "Outcome") -> Iterator[str]:
    """Why the answer is no, line by line; nothing where it is yes."""
    said = outcome.detail.get("first", outcome.detail)
    if said.get("code"):
        yield f"  {said['code']}: {said.get('message', '')}"
    for name, fault in said.get("errors", {}).items():
        yield f"  {name}: {fault}"
