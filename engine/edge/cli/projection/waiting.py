"""Watching a build until it serves: a bar, what keeps it, and what came of it."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer

from engine.core.generations import NONE, served_as
from engine.edge.cli.gauge import growing
from engine.edge.cli.options import Format
from engine.edge.cli.output import paint, say, show
from engine.edge.cli.readable import ago, table
from engine.edge.course import UNDER_WAY, Course, Sight, Stage

if TYPE_CHECKING:
    from engine.core.comparing import Compared
    from engine.edge.building import Building

NOBODY_SECONDS = 2.0
"""Before it is said that nobody builds: workers hear of a build at once, and begin within some
milliseconds."""

NAMED_LIMIT = 5
"""Parked aggregates that are named; `semel dead list` names all."""


def ways(name: str) -> str:
    """What can be done about a build that is not watched."""
    watches, gives_up = (f"semel projection {verb} {name}" for verb in ("rebuild", "cancel"))
    return f"`{watches}` watches it, `{gives_up}` gives it up"


async def wait_for_build(building: "Building", number: int, output: Format) -> int:
    """Show how a build fares until it is over, then what came of it; returns the exit code."""
    import anyio  # noqa: PLC0415 -- what --help can do without

    said, course = _Notices(building.name, number), Course(building, number)
    try:
        with growing() as reach:
            while (last := await course.look()).stage in UNDER_WAY:
                said.take(last)
                reach(last.done, last.events, _progress(last))
                await anyio.sleep(course.pause)
    except anyio.get_cancelled_exc_class():
        say(said.left())
        raise
    fault = await _fault(building, last)
    show(output, last, _text(last), [fault] if fault else [])
    if fault:
        say(fault["message"], typer.colors.RED)
    return 1 if fault else 0


class _Notices:
    """What keeps a build from going on, said once each time it begins to."""

    def __init__(self, name: str, number: int) -> None:
        self._name, self._build = name, served_as(name, number)
        self._worked = time.monotonic()
        self._said, self._stage = "", Stage.BUILDING

    def left(self) -> str:
        """What to say when nobody watches any more."""
        if self._stage is Stage.COMPARING:
            return f"{self._build} is live; its rows are compared all the same"
        return f"{self._build} goes on by itself: {ways(self._name)}"

    def take(self, sight: Sight) -> None:
        """Say what is new."""
        self._stage = sight.stage
        now, trouble = time.monotonic(), ""
        if sight.workers:
            self._worked = now
        if sight.is_paused:
            trouble = (
                f"{self._name} is paused: nothing is built until semel projection resume "
                f"{self._name}"
            )
        elif now - self._worked > NOBODY_SECONDS:
            trouble = (
                f"no worker runs the code of {self._build}: deploy it, or start `semel project` "
                f"where it is"
            )
        if trouble and trouble != self._said:
            say(trouble, typer.colors.YELLOW)
        self._said = trouble


def _progress(sight: Sight) -> str:
    build = served_as(sight.projection, sight.generation)
    if sight.stage is Stage.COMPARING:
        return f"{build} is live, comparing its rows with those of before"
    left = sight.events - sight.done
    said = [f"{build}: {sight.done:,} of {sight.events:,} events"]
    said += [f"{sight.done / sight.events:.0%}"] if sight.events else []
    said += [f"{sight.rate:,.0f}/s, {ago(left / sight.rate)} left"] if sight.rate > 0 else []
    said += [f"{sight.parked} parked"] if sight.parked else []
    return ", ".join(said)


async def _fault(building: "Building", last: Sight) -> dict[str, Any] | None:
    """Why a build did not come to a good end."""
    name, build = last.projection, served_as(last.projection, last.generation)
    match last.stage:
        case Stage.PARKED:
            code, why = "parked", await _parked(building, last)
        case Stage.REPLACED:
            code, why = "replaced", f"{build} was live, and is not any more: see semel status"
        case Stage.GIVEN_UP:
            code, why = "given_up", f"{build} was given up meanwhile: see semel status"
        case _ if last.compared and last.compared.differ and last.compared.same_code:
            code = "rows_differ"
            why = (
                f"{last.compared.differ} rows of {served_as(name, last.previous)} were not what "
                f"the log makes of them: the same code has made others now"
            )
        case _:
            return None
    return {"code": code, "message": why, "retryable": False}


async def _parked(building: "Building", last: Sight) -> str:
    name, session = last.projection, building.session
    build, every = served_as(name, last.generation), range(session.partitions)
    counts = await session.parked.counts(name, last.generation, every)
    found: list[str] = []
    for partition in every:
        if counts[partition] and len(found) < NAMED_LIMIT:
            found += (await session.parked.notes(name, last.generation, partition))[0]
    more = " …" if last.parked > len(found[:NAMED_LIMIT]) else ""
    return (
        f"{build} has applied everything, but passes over {last.parked} parked aggregates "
        f"({', '.join(found[:NAMED_LIMIT])}{more}), so it does not go live by itself. "
        f"semel dead list {name} --generation {last.generation} says why. Mend the code and build "
        f"anew (semel projection rebuild {name} --restart), or have it go live without them "
        f"(semel projection flip {name} --accept-parked)"
    )


def _text(last: Sight) -> Iterator[str]:
    name, build = last.projection, served_as(last.projection, last.generation)
    if last.stage is not Stage.LIVE:
        yield f"{build} is {last.stage}"
        return
    yield f"{paint(build, typer.colors.GREEN)} is live, made from {last.events:,} events"
    if last.previous != NONE:
        kept = served_as(name, last.previous)
        yield f"{kept} is kept for a while: semel projection rollback {name} takes this back"
    if last.compared is not None:
        yield from _compared(last, last.compared)


def _compared(last: Sight, found: "Compared") -> Iterator[str]:
    name = last.projection
    previous, live = served_as(name, last.previous), served_as(name, last.generation)
    said = f"{found.rows} rows compared with those of {previous}: "
    said += f"{found.differ} differ" if found.differ else "all are alike"
    if found.differ and not found.same_code:
        said += ", as other code made them"
    if found.unsettled:
        said += f"; {found.unsettled} more had not taken the same events whenever they were read"
    yield said
    if found.examples:
        rows = ((it.row, it.field or "all of it", it.previous, it.live) for it in found.examples)
        yield from table(("row", "field", previous, live), rows)
    if found.differ > len({example.row for example in found.examples}):
        yield "… and more"
