"""The further parameters of a function, filled in by their types.

Deciders and side effects are handed services alike: those of the ``handlers`` package, by type,
and what is made anew for each message.
"""

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from engine.core.errors import Misregistered
from engine.core.services import QUERIES, Offered, Queries
from engine.core.signatures import hints_of, place_of


class Filling(NamedTuple):
    """What parameters get, by name: what is there, what is to be opened, what is made each time."""

    given: Mapping[str, object]
    needs: Mapping[str, Offered]
    made: Mapping[str, type]


def filling(
    function: Callable[..., Any], begin: int, services: Sequence[Offered], each: Collection[type]
) -> Filling:
    """What parameters from the one numbered ``begin`` on are filled with.

    ``each`` are the types of what is made for each message, where nobody offers another one.
    Raises `Misregistered` where not exactly one thing fits.
    """
    hints = hints_of(function)
    given, needs, made = dict[str, object](), dict[str, Offered](), dict[str, type]()
    for name in list(inspect.signature(function).parameters)[begin:]:
        wanted = hints.get(name)
        fitting = [s for s in services if isinstance(wanted, type) and s.fits(wanted)]
        if not fitting and isinstance(wanted, type) and wanted in each:
            made[name] = wanted
        elif not fitting and wanted is Queries:
            needs[name] = QUERIES
        elif len(fitting) != 1:
            raise Misregistered(_unfilled(function, name, wanted, len(fitting), each))
        elif fitting[0].open is None:
            given[name] = fitting[0].service
        else:
            needs[name] = fitting[0]
    return Filling(given, needs, made)


def opened(
    needs: Mapping[str, Offered], services: Mapping[Offered, object]
) -> tuple[dict[str, object], dict[str, Offered]]:
    """Of what is needed, what has been opened, and what has not: it is not of this process."""
    given = {name: services[needed] for name, needed in needs.items() if needed in services}
    return given, {name: needed for name, needed in needs.items() if name not in given}


def _unfilled(
    function: Callable[..., Any], name: str, wanted: Any, fitting: int, each: Collection[type]
) -> str:
    """Why a parameter cannot be filled in, and what to do."""
    always = ", ".join(kind.__name__ for kind in (*each, Queries))
    said = (
        f"{place_of(function)}: {fitting} services fit the parameter {name!r} of "
        f"{function.__name__}; exactly one must (services = [...] in the handlers package). "
        f"Always there: {always}"
    )
    if getattr(wanted, "_is_protocol", False) and not getattr(wanted, "_is_runtime_protocol", 0):
        said += f". {wanted.__name__} is a Protocol: make it @runtime_checkable to have it fit"
    return said
