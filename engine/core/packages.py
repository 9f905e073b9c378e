"""What a project's two packages list, as one domain."""

from collections.abc import Sequence

from engine.core import registry
from engine.core.reactions import with_reactions
from engine.core.registry import Domain
from engine.core.schedules import registered


def domain_from(
    handlers: object, projections: object, services: Sequence[object] | None = None
) -> Domain:
    """A domain of all that two packages list; ``services`` stand in for those of the first.

    Raises `Misregistered`.
    """
    domain = registry.build(
        deciders=getattr(handlers, "deciders", ()),
        services=getattr(handlers, "services", ()) if services is None else services,
        upcasters=getattr(handlers, "upcasters", ()),
        projections=getattr(projections, "projections", ()),
        queries=getattr(projections, "queries", ()),
    )
    with_reactions(domain, getattr(handlers, "routers", ()), getattr(handlers, "effects", ()))
    domain.schedules = registered(domain, getattr(handlers, "schedules", ()))
    return domain
