"""What a replay hands to deciders in the place of services, which answer otherwise today than then.

::

    replay_services = "tests.replay:services"

    services = [FulfilmentSettings(enabled=True), EndlessStock()]

Nothing was recorded of what services said. So only who wrote a decider can say what may stand for
one: a table that never changes, an inventory that shows nothing. Services that nobody stands in for
are not opened, and commands whose deciders ask them are left out.
"""

import importlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from engine.core.errors import Misuse
from engine.core.services import Offered, offered
from engine.core.signatures import hints_of

if TYPE_CHECKING:
    from engine.core.registry import Domain
    from engine.settings import Settings


def with_stand_ins(settings: "Settings", domain: "Domain") -> "tuple[Domain, Sequence[object]]":
    """The domain with the stand-ins that a setting names, and these.

    Raises `Misuse` where the setting names none, `Misregistered` where they do not fit.
    """
    from engine.app import domain_of  # noqa: PLC0415 -- it composes, and is loaded by then

    if not settings.replay_services:
        return domain, ()
    stand_ins, asked = offered(_named(settings.replay_services)), list(_asked(domain))
    for each in stand_ins:
        if each.open is not None:
            raise Misuse(f"{settings.replay_services} lists the factory {each.name}: list objects")
    left = [each for each in domain.services if not _is_replaced(each, stand_ins, asked)]
    return domain_of(settings, [*stand_ins, *left]), [each.service for each in stand_ins]


def _named(place: str) -> Sequence[object]:
    """The list at ``MODULE:NAME``; raises `Misuse`."""
    module, _, name = place.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise Misuse(
            f"replay_services is {place!r}, and that cannot be had ({error}): name a list of "
            f"objects as MODULE:NAME, found from here"
        ) from error
    if not isinstance(found, list | tuple):
        raise Misuse(
            f"{place} is a {type(found).__name__}: replay_services names a list of objects"
        )
    return found


def _asked(domain: "Domain") -> Iterator[type]:
    """The types that deciders ask for."""
    for handler in domain.commands.values():
        decide = handler.decide
        function = decide.func if isinstance(decide, partial) else decide
        yield from (kind for kind in hints_of(function).values() if isinstance(kind, type))


def _is_replaced(each: Offered, stand_ins: Sequence[Offered], asked: Sequence[type]) -> bool:
    """Whether a stand-in fits where a service does."""
    kinds = [each.makes, *(kind for kind in asked if each.fits(kind))]
    return any(one.fits(kind) for one in stand_ins for kind in kinds)
