"""``semel submit --dry-run``: what a command would do, as it is shown."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from engine.edge.cli.options import Format
from engine.edge.cli.outcomes import COLOURS, fault_in, said_of
from engine.edge.cli.output import paint, show
from engine.edge.cli.running import client_of, start
from engine.edge.faults import fault_of

if TYPE_CHECKING:
    from engine.core.rehearsing import DryRun, NewTimer, RowEffect
    from engine.settings import Settings


def rehearse_one(
    settings: "Settings",
    fields: tuple[str, str, bytes, str | None, bytes],
    at_version: int | None,
    seconds: float,
    output: Format,
) -> int:
    """Decide a command with the code found here; returns the exit code that it would have."""
    from engine.app import domain_of  # noqa: PLC0415 -- what --help can do without

    type, aggregate, data, id, meta = fields
    domain = domain_of(settings)

    async def work() -> int:
        async with client_of(settings, domain, seconds) as client:
            found = await client.dry_runs.run(
                type, aggregate, data, id=id, meta=meta, at_version=at_version
            )
        fault = fault_in(found.outcome)
        errors = [fault_of(fault)] if fault else []
        show(output, _data(found), _text(found), errors)
        return fault.exit_code if fault else 0

    return start(work)


def _data(found: "DryRun") -> dict[str, Any]:
    """Without the places that the command would not have in earnest."""
    outcome = found.outcome
    return {
        "dry_run": True, "status": outcome.status, "aggregate": outcome.aggregate,
        "version": outcome.version, "detail": outcome.detail, "events": found.events,
        "timers": found.timers, "rows": found.rows, "notes": found.notes,
    }  # fmt: skip


def _text(found: "DryRun") -> Iterator[str]:
    outcome = found.outcome
    status = paint(outcome.status, COLOURS[outcome.status])
    yield f"would be {status}  {outcome.aggregate}  version {outcome.version}"
    yield from said_of(outcome)
    for event in found.events:
        yield f"{event.version}  {event.type}  {msgspec.json.encode(event.data).decode()}"
    for timer in found.timers:
        yield _timer(timer)
    for effect in found.rows:
        yield from _row(effect)
    for note in found.notes:
        yield f"note: {note}"
    yield "nothing was written"


def _timer(timer: "NewTimer") -> str:
    if timer.due is None:
        return f"timer {timer.name}  cancelled"
    data = msgspec.json.encode(timer.data).decode()
    return f"timer {timer.name}  due {timer.due.isoformat()}  {timer.type}  {data}"


def _row(effect: "RowEffect") -> Iterator[str]:
    how = " comes" if effect.is_new else " goes" if effect.is_deleted else ""
    yield f"{effect.projection} {effect.row}{how}"
    width = max(map(len, effect.fields), default=0)
    for name, (before, after) in effect.fields.items():
        shown = ["-" if text is None else text for text in (before, after)]
        yield f"  {name.ljust(width)}  {shown[0]} → {shown[1]}"
