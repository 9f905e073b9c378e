"""What a shell completes: names of the domain in the working directory.

A domain that cannot be loaded completes nothing: a prompt is no place for its faults.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from engine.core.errors import SemelError

if TYPE_CHECKING:
    from engine.core.registry import Domain


def commands(incomplete: str) -> list[str]:
    """Types of commands."""
    return _beginning(incomplete, lambda domain: domain.commands)


def queries(incomplete: str) -> list[str]:
    """Names of queries."""
    return _beginning(incomplete, lambda domain: domain.queries)


def projections(incomplete: str) -> list[str]:
    """Names of projections."""
    return _beginning(incomplete, lambda domain: domain.projections)


def reactions(incomplete: str) -> list[str]:
    """Names of routers and side effects."""
    return _beginning(incomplete, lambda domain: domain.reactions)


def workers(incomplete: str) -> list[str]:
    """Names of all that a worker serves."""
    return [*projections(incomplete), *reactions(incomplete)]


def _beginning(incomplete: str, names: "Callable[[Domain], Iterable[str]]") -> list[str]:
    from engine.app import domain_of  # noqa: PLC0415 -- slow to import, and seldom wanted
    from engine.settings import load  # noqa: PLC0415

    try:
        domain = domain_of(load())
    except (SemelError, ImportError, SyntaxError, OSError):
        return []
    return sorted(name for name in names(domain) if name.startswith(incomplete))
