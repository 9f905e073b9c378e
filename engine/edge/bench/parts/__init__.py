"""Every part of ``semel bench``: a line each, here and in `Part`.

A part is a module with what it measures and a ``tell`` that makes lines of the figures. A *rate*
is measured ``--runs`` times on an empty server, with a raw before and after; a *scene* is played
when the rates are done, on an empty server too.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, NamedTuple

from engine.edge.bench.parts import (
    cold,
    concurrent,
    drain,
    durability,
    fulfilment,
    gateway,
    growth,
    handover,
    latency,
    live,
    memory,
    path,
    projection,
    rebuild,
    scale,
    startup,
    submit,
    takeover,
    timers,
)
from engine.edge.bench.plan import Part
from engine.edge.bench.stage import Stage

Measure = Callable[[Stage], Awaitable[Any]]
Tell = Callable[[Any], Iterator[str]]


def _nothing(_: Mapping[str, Any]) -> dict[str, Any]:
    return {}


class Rate(NamedTuple):
    """What stands beside raw: ``measure`` returns a `figures.Rated`.

    ``also`` is what follows from the medians.
    """

    measure: Measure
    tell: Tell
    also: Callable[[Mapping[str, Any]], dict[str, Any]] = _nothing


class Scene(NamedTuple):
    """What is played once, or ``--runs`` times; ``saying`` is what the plan says of it."""

    saying: str
    measure: Measure
    tell: Tell
    is_repeated: bool = False


PARTS: Mapping[Part, Rate | Scene] = {
    Part.SUBMIT: Rate(submit.submit, submit.tell),
    Part.ENGINE: Rate(
        lambda s: drain.drain(s.settings, s.domain, s.port, s.plan.commands), drain.tell
    ),
    Part.CONCURRENT: Rate(concurrent.concurrent, concurrent.tell),
    Part.DURABILITY: Rate(durability.durability, durability.tell),
    Part.SCALE: Rate(scale.scale, scale.tell, scale.with_model),
    Part.PROJECTION: Rate(
        lambda s: projection.projection(s.whole, s.port, s.plan.events),
        projection.tell,
        projection.with_more_workers,
    ),
    Part.REBUILD: Rate(
        lambda s: rebuild.rebuild(s.whole, s.domain, s.port, s.plan.events), rebuild.tell
    ),
    Part.FULFILMENT: Rate(
        lambda s: fulfilment.fulfilment(s.whole, s.domain, s.port, s.plan.orders), fulfilment.tell
    ),
    Part.LIVE: Scene(
        "{plan.rate} commands a second while a read model is built …",
        lambda s: live.live(s.settings, s.domain, s.port, s.plan),
        live.tell,
    ),
    Part.LATENCY: Scene(
        "{plan.samples} commands, one at a time …",
        lambda s: latency.latency(s.whole, s.domain, s.port, s.plan.samples),
        latency.tell,
        is_repeated=True,
    ),
    Part.PATH: Scene(
        "{plan.samples} commands, watched on their way …",
        lambda s: path.path(s.whole, s.domain, s.port, s.plan.samples),
        path.tell,
        is_repeated=True,
    ),
    Part.GATEWAY: Scene(
        "{plan.samples} commands by the SDK, and as many over HTTP …",
        lambda s: gateway.gateway(s.whole, s.domain, s.port, s.plan.samples),
        gateway.tell,
    ),
    Part.LOAD: Scene(
        "loading what is cold …", lambda s: cold.load(s.settings, s.domain, s.port), cold.tell
    ),
    Part.TAKEOVER: Scene(
        "killing {plan.kills} owners, twice …",
        lambda s: takeover.takeover(s.settings, s.domain, s.port, s.plan.kills),
        takeover.tell,
    ),
    Part.HANDOVER: Scene(
        "nodes join and leave …", lambda s: handover.handover(s.whole, s.domain), handover.tell
    ),
    Part.TIMERS: Scene(
        "{plan.timers} timers a second …",
        lambda s: timers.timers(s.whole, s.plan.timers, s.plan.seconds),
        timers.tell,
    ),
    Part.MEMORY: Scene(
        "{plan.commands} ids are remembered …",
        lambda s: memory.memory(s.settings, s.domain, s.port, s.plan.commands),
        memory.tell,
        is_repeated=True,
    ),
    Part.GROWTH: Scene(
        "up to {plan.aggregates} aggregates are stored …",
        growth.growth,
        growth.tell,
    ),
    Part.STARTUP: Scene(
        "{plan.commands} aggregates are stored …", startup.startup, startup.tell, is_repeated=True
    ),
}
