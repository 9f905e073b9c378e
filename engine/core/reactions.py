"""What reacts to events, as it is registered: routers and side effects, each under its own name."""

from collections.abc import Sequence
from itertools import chain

from engine.core.effects import Effect, deeds_of
from engine.core.errors import Misregistered
from engine.core.reacting import Router, routes_of
from engine.core.registry import Domain, add_event


def with_reactions(domain: Domain, *reactions: Sequence[Router | Effect]) -> Domain:
    """Add what reacts to events; returns the domain. Raises `Misregistered`."""
    for reaction in chain(*reactions):
        _add(domain, reaction)
    return domain


def _add(domain: Domain, reaction: Router | Effect) -> None:
    name = reaction.name
    if name in domain.reactions or name in domain.projections:
        raise Misregistered(f"two of projections, routers and side effects are called {name!r}")
    if isinstance(reaction, Router):
        domain.routers[name] = routes_of(reaction)
        events = set(domain.routers[name].events)
    else:
        domain.effects[name] = deeds_of(reaction, domain.services)
        events = set(domain.effects[name].events)
    for event in events:
        add_event(domain, event)
