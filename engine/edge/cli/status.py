"""``semel status``: whether the namespace is being served, by whom, and what lags."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from engine.core.errors import SemelError
from engine.edge.cli.options import ConfigFile, Format, Namespace, Output, Redis, settings_of
from engine.edge.cli.output import say, show
from engine.edge.cli.readable import table
from engine.edge.cli.running import start

if TYPE_CHECKING:
    from engine.app import PartitionState, RedisSession
    from engine.settings import Settings


class ProjectionState(msgspec.Struct):
    """One projection as it stands; ``lag`` counts events that it has not applied yet."""

    name: str
    generation: int
    lag: int
    owned: int
    workers: list[str]


class State(msgspec.Struct):
    """All that is shown."""

    namespace: str
    served: bool
    summary: str
    partitions: "list[PartitionState]"
    inbox: str
    projections: list[ProjectionState]
    nodes: list[dict[str, str]]


def status(
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Show who serves the namespace, how far it is and what waits.

    Exits 0 when every partition has an owner, else 1, saying what to start.

    Example: semel status -o json
    """
    settings = settings_of(redis, config, namespace)
    names = _projections(settings)

    async def work() -> int:
        from engine.app import namespace_session  # noqa: PLC0415

        async with namespace_session(settings) as session:
            state = await _look(session, settings.namespace, names)
        faults = [] if state.served else [{"code": "not_served", "message": state.summary}]
        show(output, state, _text(state), faults)
        return 0 if state.served else 1

    return start(work)


def _projections(settings: "Settings") -> list[str]:
    """The registered projections; without the project's code nothing is known of them."""
    from engine.app import domain_of  # noqa: PLC0415

    try:
        return sorted(domain_of(settings).projections)
    except SemelError as error:
        say(f"projections are not shown: {error}")
        return []


async def _look(session: "RedisSession", namespace: str, names: list[str]) -> State:
    inspection = session.inspection
    partitions = [await inspection.partition(number) for number in range(session.partitions)]
    projections = [await _projection(session, name, partitions) for name in names]
    said = await inspection.nodes()
    nodes = [{"node": name, **about} for name, about in sorted(said.items())]
    served = all(partition.owner for partition in partitions)
    inbox = (await inspection.lease(session.inbox_lease())).node
    summary = _summary(partitions, projections)
    return State(namespace, served, summary, partitions, inbox, projections, nodes)


async def _projection(
    session: "RedisSession", name: str, partitions: "list[PartitionState]"
) -> ProjectionState:
    generation = await session.rows.live(name)
    lag, owners = 0, Counter[str]()
    for partition in partitions:
        number = partition.partition
        applied = await session.rows.applied(name, generation, number)
        lag += max(0, partition.position - applied.position)
        lease = await session.inspection.lease(session.projection_lease(name, generation, number))
        owners[lease.node] += bool(lease.node)
    workers = sorted(owner for owner in owners if owner)
    return ProjectionState(name, generation, lag, owners.total(), workers)


def _summary(partitions: "list[PartitionState]", projections: list[ProjectionState]) -> str:
    """One sentence on how things stand, and what to do where they do not stand well."""
    every = len(partitions)
    free = sum(not partition.owner for partition in partitions)
    waiting = sum(partition.waiting for partition in partitions)
    if free:
        waits = f", {waiting} commands wait" if waiting else ""
        return f"{free} of {every} partitions are nobody's{waits}: start an engine with `semel run`"
    said = [f"all {every} partitions are served"]
    if waiting:
        said.append(f"{waiting} commands wait")
    said += (f"{each.name} lags {each.lag} events" for each in projections if each.lag)
    idle = [each.name for each in projections if each.owned < every]
    if idle:
        said.append(f"{', '.join(idle)}: not projected everywhere, start `semel project`")
    return ", ".join(said)


def _text(state: State) -> Iterator[str]:
    yield f"{state.namespace}: {state.summary}"
    yield ""
    yield from table(
        ("partition", "owner", "lease", "commits", "position", "waiting"),
        (_row(list(alike)) for _, alike in groupby(state.partitions, _alike)),
    )
    yield ""
    yield f"the inbox is moved by {state.inbox or 'nobody'}"
    if state.projections:
        yield ""
        yield from table(
            ("projection", "generation", "lag", "partitions", "workers"),
            ((p.name, p.generation, p.lag, f"{p.owned} of {len(state.partitions)}",
              ", ".join(p.workers) or "nobody") for p in state.projections),
        )  # fmt: skip
    if state.nodes:
        yield ""
        headers = list(dict.fromkeys(name for node in state.nodes for name in node))
        yield from table(headers, ([node.get(name) for name in headers] for node in state.nodes))


def _alike(partition: "PartitionState") -> tuple[str, int]:
    """What neighbours must have in common to share a line: an owner, and nothing done yet."""
    idle = partition.commit == partition.waiting == 0
    return partition.owner, -1 if idle else partition.partition


def _row(partitions: "Sequence[PartitionState]") -> tuple[str, ...]:
    first, last = partitions[0], partitions[-1]
    numbers = f"{first.partition}" if first is last else f"{first.partition}-{last.partition}"
    lease = f"{min(each.lease_ms for each in partitions) / 1000:.1f} s" if first.owner else "-"
    done = str(first.commit), str(first.position), _waiting(first.waiting)
    return numbers, first.owner or "nobody", lease, *done


def _waiting(count: int) -> str:
    from engine.app import BACKLOG_LIMIT  # noqa: PLC0415

    return f"{BACKLOG_LIMIT}+" if count > BACKLOG_LIMIT else str(count)
