"""What a worker offers to serve of reactions: the routers of its code, in every partition."""

from collections.abc import Mapping, Sequence
from functools import partial

from engine.core.ports import Session
from engine.core.reacting import reacting_as
from engine.core.registry import Domain
from engine.core.routed import Bounds, routing
from engine.runtime.leases import Group
from engine.runtime.reaction import Reaction
from engine.settings import Settings


def reaction_groups(
    session: Session, domain: Domain, settings: Settings, names: Sequence[str]
) -> Mapping[str, Group]:
    """Groups of leases by name, ``reaction:NAME``: only who has a router's code takes part."""
    bounds = Bounds(settings.command_bytes, settings.events_per_command, settings.causation_depth)
    return {reacting_as(name): _group(session, domain, settings, name, bounds) for name in names}


def _group(
    session: Session, domain: Domain, settings: Settings, name: str, bounds: Bounds
) -> Group:
    feed = session.log_feed()
    route = routing(domain, name, session.partitions, session.secret, bounds)
    return {
        session.reaction_lease(name, partition): partial(
            Reaction, name, partition, session.log_key(partition), feed, route,
            partial(session.reaction_log, name, partition), session.server, settings,
        )
        for partition in range(session.partitions)
    }  # fmt: skip
