"""A command type and who decides it: with what, and how he is asked."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from engine.core.decider import Decider, Decision
from engine.core.errors import Misregistered
from engine.core.filling import filling, opened
from engine.core.messages import Command, CommandContext
from engine.core.retry import Retry
from engine.core.services import PER_COMMAND, Offered
from engine.core.signatures import place_of


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
        given, needs = opened(self.needs, services)
        return replace(self, decide=partial(self.decide, **given), needs=needs) if given else self


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
    given, needs, made = filling(function, 2, services, PER_COMMAND)
    per_command = {name: PER_COMMAND[kind] for name, kind in made.items()}
    decide = partial(function, **given) if given else function
    is_async = inspect.iscoroutinefunction(function)
    # pydantic's own validator: what `model_validate_json` calls, without the way there
    validate = command.__pydantic_validator__.validate_json
    return CommandHandler(
        command, validate, decider, decide, is_async, per_command, needs, place_of(function),
        decider.retry.get(command, Retry()),
    )  # fmt: skip
