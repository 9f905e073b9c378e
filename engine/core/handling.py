"""A command type and who decides it: with what, and how he is asked."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from engine.core.decider import Decider, Decision
from engine.core.errors import Misregistered
from engine.core.messages import Command, CommandContext
from engine.core.retry import Retry
from engine.core.services import PER_COMMAND, QUERIES, Offered, Queries
from engine.core.signatures import hints_of, place_of


@dataclass(frozen=True, slots=True)
class CommandHandler:
    """One command type, the function that decides it and the rules it belongs to.

    ``needs`` are the parameters that wait for services to be opened, and ``per_command`` those
    that are made anew for each command.
    """

    command: type[Command]
    validate: Callable[[bytes], Command]
    decider: Decider[Any]
    decide: Callable[..., Decision | Awaitable[Decision]]
    is_async: bool
    per_command: Mapping[str, Callable[[CommandContext], object]]
    needs: Mapping[str, Offered]
    place: str
    retry: Retry

    def ask(
        self, command: Command | None, state: Any, context: Callable[[], CommandContext]
    ) -> Decision | Awaitable[Decision]:
        """What the decider says; most want nothing but the command and the state."""
        if not self.per_command:
            return self.decide(command, state)
        about = context()
        made = {name: make(about) for name, make in self.per_command.items()}
        return self.decide(command, state, **made)

    def bound(self, services: Mapping[Offered, object]) -> "CommandHandler":
        """The same one, with services that have been opened."""
        if not self.needs:
            return self
        given = {name: services[needed] for name, needed in self.needs.items()}
        return replace(self, decide=partial(self.decide, **given), needs={})


def command_handler(
    command: type[Command],
    decider: Decider[Any],
    function: Callable[..., Any],
    services: Sequence[Offered],
) -> CommandHandler:
    """Who decides a command, handed what its parameters ask for; raises `Misregistered`."""
    if inspect.isasyncgenfunction(function):
        raise Misregistered(
            f"{place_of(function)}: an async decider returns its events, it cannot yield"
        )
    hints = hints_of(function)
    per_command: dict[str, Callable[[CommandContext], object]] = {}
    given: dict[str, object] = {}
    needs: dict[str, Offered] = {}
    for name in list(inspect.signature(function).parameters)[2:]:
        wanted = hints.get(name)
        fitting = [s for s in services if isinstance(wanted, type) and s.fits(wanted)]
        made = PER_COMMAND.get(wanted) if isinstance(wanted, type) else None
        if not fitting and made is not None:
            per_command[name] = made
        elif not fitting and wanted is Queries:
            needs[name] = QUERIES
        elif len(fitting) != 1:
            raise Misregistered(_unfilled(function, name, wanted, len(fitting)))
        elif fitting[0].open is None:
            given[name] = fitting[0].service
        else:
            needs[name] = fitting[0]
    decide = partial(function, **given) if given else function
    is_async = inspect.iscoroutinefunction(function)
    # pydantic's own validator: what `model_validate_json` calls, without the way there
    validate = command.__pydantic_validator__.validate_json
    return CommandHandler(
        command, validate, decider, decide, is_async, per_command, needs, place_of(function),
        decider.retry.get(command, Retry()),
    )  # fmt: skip


def _unfilled(function: Callable[..., Any], name: str, wanted: Any, fitting: int) -> str:
    """Why a parameter cannot be filled in, and what to do."""
    said = (
        f"{place_of(function)}: {fitting} services fit the parameter {name!r} of "
        f"{function.__name__}; exactly one must (services = [...] in the handlers package)"
    )
    if getattr(wanted, "_is_protocol", False) and not getattr(wanted, "_is_runtime_protocol", 0):
        said += f". {wanted.__name__} is a Protocol: make it @runtime_checkable to have it fit"
    return said
