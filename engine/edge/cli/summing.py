"""How a namespace stands, in one sentence."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from engine.edge.cli.readable import ago

if TYPE_CHECKING:
    from engine.edge.projections import Generation
    from engine.edge.reactions import Reaction
    from engine.edge.survey import Partition, TimersStand


class Turns(msgspec.Struct):
    """Which generations take turns, where there is something to say of it.

    ``rests`` where nothing is projected for now, for a reason that is said.
    """

    projection: str
    said: list[str]
    rests: bool


def summary_of(
    partitions: "list[Partition]",
    projections: "Sequence[Generation | Reaction]",
    turns: Sequence[Turns] = (),
    timers: "TimersStand | None" = None,
) -> str:
    """One sentence on how things stand, and what to do where they do not stand well."""
    every = len(partitions)
    free = sum(partition.state == "unowned" for partition in partitions)
    stuck = [partition for partition in partitions if partition.state == "blocked"]
    waiting = sum(partition.waiting for partition in partitions)
    waits = f", {waiting} commands wait" if waiting else ""
    if timers is not None and timers.are_overdue:
        waits += f", {timers.due} timers are overdue, by {ago(timers.overdue_seconds)}"
    if stuck:
        first = stuck[0]
        return (
            f"{len(stuck)} of {every} partitions stand still{waits}: {first.partition}: {first.why}"
        )
    if free:
        return f"{free} of {every} partitions are nobody's{waits}: start an engine with `semel run`"
    said = [f"all {every} partitions are served{waits}"]
    if deferred := sum(partition.deferred for partition in partitions):
        said.append(f"{deferred} commands are deferred")
    for state in ("retrying", "behind"):
        count = sum(partition.state == state for partition in partitions)
        said += [f"{count} {state}"] if count else []
    said += (f"{each.name} lags {each.behind} events" for each in projections if each.behind)
    said += (
        f"{each.name} passes over {each.parked} parked aggregates (`semel dead list`)"
        for each in projections
        if each.parked
    )
    said += (trouble for each in projections for trouble in each.troubles[:1])
    said += (sentence for each in turns for sentence in each.said)
    resting = {each.projection for each in turns if each.rests}
    idle = [p.name for p in projections if p.owned < every and p.name not in resting]
    if idle:
        said.append(f"{', '.join(idle)}: not projected everywhere, start `semel project`")
    return ", ".join(said)
