"""An engine node and a projection worker: what one process does on one session."""

import os
import secrets
import socket
from collections.abc import Callable
from functools import partial

import anyio

from engine.core.errors import Refused
from engine.core.ports import Session
from engine.core.registry import Domain
from engine.runtime.inbox import InboxMover
from engine.runtime.leases import Keeper, Tenant
from engine.runtime.partition import Partition
from engine.runtime.projector import Projector
from engine.runtime.shutdown import Shutdown
from engine.settings import Settings
from engine.telemetry import log

_NODE_LIFE_BEATS = 5
"""A process that missed this many heartbeats is no longer listed."""


def new_node_id() -> str:
    """A name for this process: host and pid for people, random for uniqueness."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


async def engine(  # noqa: PLR0913 -- one process in all its aspects
    session: Session,
    domain: Domain,
    settings: Settings,
    node: str,
    shutdown: Shutdown,
    ready: Callable[[], None],
) -> None:
    """Own partitions, and the inbox, until stopped."""
    feed = await session.feed()
    wanted: dict[str, Callable[[], Tenant]] = {
        session.partition_lease(number): partial(
            Partition, number, session.partitions, session.secret, session.commands_key(number),
            domain, feed, partial(session.ledger, number), settings,
        )
        for number in range(session.partitions)
    }  # fmt: skip
    wanted[session.inbox_lease()] = partial(
        InboxMover, session.inbox_key(), session.partitions, session.secret,
        feed, session.inbox(), settings,
    )  # fmt: skip
    await _keep(session, wanted, settings, node, "engine", shutdown, ready)


async def worker(  # noqa: PLR0913 -- likewise
    session: Session,
    domain: Domain,
    settings: Settings,
    names: tuple[str, ...],
    node: str,
    shutdown: Shutdown,
    ready: Callable[[], None],
) -> None:
    """Project partitions' logs for the named projections, until stopped."""
    wanted: dict[str, Callable[[], Tenant]] = {}
    for name in names:
        projection = domain.projections[name]
        generation = await session.generation(name)
        feed = await session.logs(name, generation)
        for number in range(session.partitions):
            wanted[session.projection_lease(name, generation, number)] = partial(
                Projector, projection, number, session.log_key(number), domain, feed,
                partial(session.log, name, generation, projection.indexes, number), settings,
            )  # fmt: skip
    await _keep(session, wanted, settings, node, "worker", shutdown, ready)


async def _keep(  # noqa: PLR0913 -- one process in all its aspects
    session: Session,
    wanted: dict[str, Callable[[], Tenant]],
    settings: Settings,
    node: str,
    role: str,
    shutdown: Shutdown,
    ready: Callable[[], None],
) -> None:
    keeper = Keeper(session.leases, node, settings.lease_seconds, settings.heartbeat_seconds)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_beat, session, keeper, settings, node, role)
        await keeper.keep(wanted, shutdown, ready)
        tasks.cancel_scope.cancel()
    await session.farewell(node)


async def _beat(session: Session, keeper: Keeper, settings: Settings, node: str, role: str) -> None:
    life = settings.heartbeat_seconds * _NODE_LIFE_BEATS
    while True:
        about = {
            "role": role, "host": socket.gethostname(), "pid": str(os.getpid()),
            "leases": str(keeper.count),
        }  # fmt: skip
        try:
            await session.beat(node, about, life)
        except Refused as error:
            log.warning("node.mute", node=node, error=str(error))
        await anyio.sleep(settings.heartbeat_seconds)
