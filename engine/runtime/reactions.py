"""What a worker offers to serve of reactions: routers and side effects, in every partition."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from engine.core.ports import Session
from engine.core.reacting import reacting_as
from engine.core.registry import Domain
from engine.core.routed import Bounds, routing
from engine.runtime.effects import Doing, EffectReaction
from engine.runtime.leases import Group, Tenant
from engine.runtime.reaction import Reaction
from engine.settings import Settings


def reaction_groups(
    session: Session, domain: Domain, settings: Settings, names: Sequence[str]
) -> Mapping[str, Group]:
    """Groups of leases by name, ``reaction:NAME``: only who has the code for it takes part."""
    return {reacting_as(name): _group(session, domain, settings, name) for name in names}


def _group(session: Session, domain: Domain, settings: Settings, name: str) -> Group:
    feed = session.log_feed()
    make: Callable[..., Tenant]
    if name in domain.effects:
        make = partial(EffectReaction, Doing(domain, domain.effects[name]))
    else:
        most = settings.events_per_command
        bounds = Bounds(settings.command_bytes, most, settings.causation_depth)
        route = routing(domain, name, session.partitions, session.secret, bounds)
        make = partial(Reaction, name, route)
    return {
        session.reaction_lease(name, partition): partial(
            make, partition, session.log_key(partition), feed,
            partial(session.reaction_log, name, partition), session.server, settings,
        )
        for partition in range(session.partitions)
    }  # fmt: skip
