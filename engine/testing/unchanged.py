"""States stay as they are: deciding answers with events, and evolving makes new states."""

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from typing import Any, TypeVar, cast

from engine.core.decider import Decider, Decision
from engine.core.handling import CommandHandler
from engine.core.registry import Domain
from engine.testing.contents import changes, contents_of

Answer = TypeVar("Answer")


def leaving(state: Any, act: Callable[[], Answer], what: str) -> Answer:
    """Do something that must leave a state as it is, whatever comes of it.

    Raises `AssertionError`, which names each place in the state that was changed.
    """
    with _left(state, what):
        return act()


def watched(domain: Domain) -> Domain:
    """The same domain, its deciders failing where they change a state in place."""
    return replace(
        domain,
        deciders={kind: _watched_rules(rules) for kind, rules in domain.deciders.items()},
        commands={name: _watched_handler(each) for name, each in domain.commands.items()},
    )


@contextmanager
def _left(state: Any, what: str) -> Iterator[None]:
    before = contents_of(state)
    try:
        yield
    finally:
        changed = changes(before, contents_of(state))
        if changed:
            raise AssertionError(
                f"{what} changed a state in place: {'; '.join(changed)}. Deciding only answers "
                f"with events, and `evolve` makes a new state of the old one"
            )


def _watched_rules(rules: Decider[Any]) -> Decider[Any]:
    @wraps(rules.evolve)
    def evolve(state: Any, event: Any) -> Any:
        what = f"evolving by {type(event).__name__}"
        return leaving(state, lambda: rules.evolve(state, event), what)

    return replace(rules, evolve=evolve)


def _watched_handler(handler: CommandHandler) -> CommandHandler:
    what = f"deciding {handler.command.__name__}"

    def decide(command: Any, state: Any, **services: Any) -> Decision | Awaitable[Decision]:
        # A generator decides while its events are taken: here, before anybody looks.
        with _left(state, what):
            answer = handler.decide(command, state, **services)
            if isinstance(answer, Coroutine):
                answer.close()  # asked again once it is wanted: nobody may want it
                return later(command, state, services)
            return tuple(answer) if isinstance(answer, Iterable) else answer

    async def later(command: Any, state: Any, services: Mapping[str, Any]) -> Decision:
        with _left(state, what):
            return await cast("Awaitable[Decision]", handler.decide(command, state, **services))

    return replace(handler, decide=decide)
