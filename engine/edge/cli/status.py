"""``semel status``: whether the namespace is being served, by whom, and what lags."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from engine.core.errors import Refused, SemelError, Torn
from engine.core.generations import NONE, code_as, curated_as, served_as
from engine.edge.cli.doctor import fitness
from engine.edge.cli.options import ConfigFile, Format, Namespace, Output, Redis, settings_of
from engine.edge.cli.output import say, show
from engine.edge.cli.reaction import listed
from engine.edge.cli.readable import ago, table
from engine.edge.cli.running import start
from engine.edge.cli.summing import Turns, summary_of

if TYPE_CHECKING:
    from engine.app import RedisSession
    from engine.edge.building import Building
    from engine.edge.projections import Generation
    from engine.edge.reactions import Reaction
    from engine.edge.survey import Node, Partition, TimersStand
    from engine.settings import Settings


class State(msgspec.Struct):
    """All that is shown."""

    namespace: str
    served: bool
    summary: str
    partitions: "list[Partition]"
    inbox: str
    timers: "TimersStand"
    projections: "list[Generation]"
    turns: list[Turns]
    reactions: "list[Reaction]"
    nodes: "list[Node]"
    server: str = ""
    """What `semel doctor` would say, in a sentence."""


def status(
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Show who serves the namespace, what moves, what stands still and what waits.

    Exits 0 when every partition has an owner and none is blocked, else 1, saying what to do.

    Example: semel status -o json
    """
    settings = settings_of(redis, config, namespace)
    names, routers = _registered(settings)

    async def work() -> int:
        from engine.app import namespace_session  # noqa: PLC0415

        async with namespace_session(settings) as session:
            state = await _look(session, settings, names, routers)
        state.server = await fitness(settings)
        faults = [] if state.served else [{"code": "not_served", "message": state.summary}]
        show(output, state, _text(state), faults)
        return 0 if state.served else 1

    return start(work)


def _registered(settings: "Settings") -> tuple[list[str], list[str]]:
    """The registered projections and routers; nothing is known of them without their code."""
    from engine.app import domain_of  # noqa: PLC0415

    try:
        domain = domain_of(settings)
    except SemelError as error:
        say(f"projections are not shown: {error}")
        return [], []
    return sorted(domain.projections), sorted(domain.reactions)


async def _look(
    session: "RedisSession", settings: "Settings", names: list[str], routers: list[str]
) -> State:
    from engine.edge.projections import Projections  # noqa: PLC0415
    from engine.edge.reactions import look_at  # noqa: PLC0415
    from engine.edge.survey import Survey  # noqa: PLC0415

    survey = Survey(session, settings.lease_seconds)
    nodes = await survey.nodes()
    partitions = await survey.partitions()
    look = Projections(session, survey.reports)
    projections = [(await look.live(name)).whole() for name in names]
    turns = [each for name in names if (each := await _turns(session, settings, name)).said]
    served = not any(partition.state in ("unowned", "blocked") for partition in partitions)
    reactions = [await look_at(session, each, survey.reports, closely=False) for each in routers]
    timers = await survey.timers()
    summary = summary_of(partitions, [*projections, *reactions], turns, timers)
    inbox = await survey.inbox_owner()
    return State(
        settings.namespace,
        served,
        summary,
        partitions,
        inbox,
        timers,
        projections,
        turns,
        reactions,
        nodes,
    )


async def _turns(session: "RedisSession", settings: "Settings", name: str) -> Turns:
    """What there is to say of a projection's builds, and of the code that they wait for."""
    from engine.edge.building import Building  # noqa: PLC0415

    building, turns = Building(session, name, settings.lease_seconds), Turns(name, [], rests=False)
    try:
        found = await session.builds.read(name)
    except (Refused, Torn) as error:
        return Turns(name, [f"{name} cannot be read: {error}"], rests=True)
    if found.is_paused:
        turns.said.append(f"{name} is paused (semel projection resume {name})")
    elif found.digest and not await building.workers(code_as(name, found.digest)):
        turns.said += await _outdated(building, served_as(name, found.live))
    turns.rests = bool(turns.said)
    if found.building != NONE:
        build = served_as(name, found.building)
        left = sum(await building.behind(found.building, found.live))
        turns.said.append(f"{build} is being built, {left} events to go")
    return turns


async def _outdated(building: "Building", live: str) -> list[str]:
    """Whether workers are there, and their code is not that of the live generation."""
    if not await building.workers(curated_as(building.name)):
        return []
    anew = f"semel projection rebuild {building.name}"
    return [f"{live} was made by other code than workers have, and stands still ({anew})"]


def _text(state: State) -> Iterator[str]:
    yield f"{state.namespace}: {state.summary}"
    yield ""
    yield from table(
        ("partition", "state", "owner", "for", "commits", "position", "waiting"),
        (_row(list(alike)) for _, alike in groupby(state.partitions, _alike)),
    )
    for partition in state.partitions:
        if partition.why:
            yield f"partition {partition.partition} {partition.state}: {partition.why}"
    yield ""
    yield f"the server is {state.server}"
    yield f"the inbox is moved by {state.inbox or 'nobody'}"
    if state.timers.waiting:
        yield f"{state.timers.waiting} timers are set, {state.timers.due} of them due"
    if state.projections:
        yield ""
        yield from table(
            ("projection", "generation", "lag", "parked", "partitions", "states", "workers"),
            ((p.name, p.generation, p.behind, p.parked, f"{p.owned} of {len(state.partitions)}",
              ", ".join(f"{n} {name}" for name, n in sorted(p.states.items())),
              ", ".join(p.workers) or "nobody") for p in state.projections),
        )  # fmt: skip
        for projection in state.projections:
            yield from (f"{projection.name}, {trouble}" for trouble in projection.troubles)
    if state.reactions:
        yield ""
        yield from listed(state.reactions)
    if state.nodes:
        yield ""
        yield from node_table(state.nodes)


def node_table(nodes: "Sequence[Node]") -> Iterator[str]:
    """Processes, one a line."""
    return table(
        ("node", "role", "state", "leases", "host", "pid", "last heard"),
        ((n.node, n.role, n.state, n.leases, n.host, n.pid, ago(n.silent_seconds)) for n in nodes),
    )


def _alike(partition: "Partition") -> tuple[str, str, int]:
    """What neighbours must have in common to share a line: an owner, and nothing done yet."""
    idle = partition.commit == partition.waiting == 0
    return partition.owner, partition.state, -1 if idle else partition.partition


def _row(partitions: "Sequence[Partition]") -> tuple[str, ...]:
    first, last = partitions[0], partitions[-1]
    numbers = f"{first.partition}" if first is last else f"{first.partition}-{last.partition}"
    owned = ago(min(each.owned_seconds for each in partitions)) if first.owner else "-"
    done = str(first.commit), str(first.position), _waiting(first.waiting)
    return numbers, first.state, first.owner or "nobody", owned, *done


def _waiting(count: int) -> str:
    from engine.app import BACKLOG_LIMIT  # noqa: PLC0415

    return f"{BACKLOG_LIMIT}+" if count > BACKLOG_LIMIT else str(count)
