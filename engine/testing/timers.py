"""The timers of a decision, as tests name them."""

from collections.abc import Iterator, Sequence

import msgspec

from engine.core.registry import Domain
from engine.core.timers import SetTimer, TimerChange


def kept(domain: Domain, change: TimerChange) -> TimerChange:
    """A timer with its command as it will come; raises `TypeError` where nobody takes that."""
    if not isinstance(change, SetTimer):
        return change
    ours, kind = domain.commands, type(change.command).__name__
    if kind not in ours:
        raise TypeError(
            f"the timer {change.name!r} sends {kind}, which this decider does not take; it takes "
            f"{', '.join(ours)}"
        )
    command = ours[kind].validate(change.command.model_dump_json().encode())
    return msgspec.structs.replace(change, command=command)


def differences(changes: Sequence[TimerChange], expected: Sequence[TimerChange]) -> Iterator[str]:
    """Where timers are not those expected, by name; their order says nothing."""
    got, due = ({each.name: each for each in every} for every in (changes, expected))
    for name in dict.fromkeys((*got, *due)):
        if name not in due:
            yield f"timer {name!r} is one too many: {shown(got[name])}"
        elif name not in got:
            yield f"timer {name!r} is missing: {shown(due[name])}"
        elif got[name] != due[name]:
            yield f"timer {name!r}: {shown(got[name])}; expected {shown(due[name])}"


def shown(thing: object) -> str:
    """A timer as it is written, and anything else as it shows itself."""
    if not isinstance(thing, TimerChange):
        return repr(thing)
    if not isinstance(thing, SetTimer):
        return f"cancel_timer({thing.name!r})"
    when = f"at={thing.at!r}" if thing.after is None else f"after={thing.after!r}"
    return f"set_timer({thing.name!r}, {thing.command!r}, {when})"
