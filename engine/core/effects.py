"""Side effects: what is done in the outside world because of events.

::

    mail = Effect(name="mail", react=[send_receipt], rate=10)

    async def send_receipt(event: OrderShipped, context: EffectContext, mailer: Mailer) -> None:
        await mailer.send(to=event.email, idempotency_key=context.key)

Outside nothing is atomic with anything here: a reaction runs at least once, and may run again
after a death. Its ``key`` names the event for good, so that whoever is asked twice can tell.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import msgspec

from engine.core.codec import event_context, read_event_meta
from engine.core.errors import Misregistered
from engine.core.filling import filling, opened
from engine.core.messages import Event, EventContext
from engine.core.reacting import require_name
from engine.core.records import LoggedEvent
from engine.core.services import Offered
from engine.core.signatures import place_of, taken


class EffectContext(EventContext, frozen=True, gc=False):
    """What surrounds an event that is reacted to; ``key`` is the same at every attempt."""

    key: str = ""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """Reactions to events that touch the outside world, under one name.

    Each is ``async (event, …)``: the annotation of its first parameter says which events it takes,
    a union for several. Parameters after it are filled in by their type: an `EffectContext`, or one
    of the services of the ``handlers`` package, opened where reactions are served. One that raises,
    or takes longer than ``seconds``, is tried again after a pause; after ``attempts`` its aggregate
    is parked: that one waits for an operator, all others go on. Reactions to events of one
    aggregate run in order.
    ``rate`` is how many attempts a worker process may begin in a second, evenly spaced, over all
    its partitions, None for any number: several workers may begin as many times that together.
    """

    name: str
    react: Sequence[Callable[..., Awaitable[None]]]
    attempts: int = 5
    rate: float | None = None
    seconds: float = 30


@dataclass(frozen=True, slots=True)
class Deed:
    """One reaction to one type of event.

    ``contexts`` are the parameters that get an `EffectContext`; ``needs`` wait for services to be
    opened.
    """

    do: Callable[..., Awaitable[None]]
    contexts: tuple[str, ...]
    needs: Mapping[str, Offered]

    def begin(self, partition: int, event: LoggedEvent, fact: Event, index: int) -> Awaitable[None]:
        """React to an event, which is the command's of this index."""
        if not self.contexts:
            return self.do(fact)
        meta = read_event_meta(event.meta)
        about = msgspec.structs.asdict(event_context(partition, event, meta))
        # Of a command from inside the tag is enough, as in ids: keys are not to be long.
        command = meta.causation.rpartition("/")[2]
        context = EffectContext(**about, key=f"{event.aggregate}/{command}/{index}")
        return self.do(fact, **dict.fromkeys(self.contexts, context))

    def bound(self, services: Mapping[Offered, object]) -> "Deed":
        """The same one, with services that have been opened."""
        given, needs = opened(self.needs, services)
        return replace(self, do=partial(self.do, **given), needs=needs) if given else self


@dataclass(frozen=True, slots=True)
class Deeds:
    """A side effect's reactions, by the events that they take."""

    effect: Effect
    events: dict[type[Event], Deed]

    @property
    def needs(self) -> set[Offered]:
        """The services that must be open for them."""
        return {needed for deed in self.events.values() for needed in deed.needs.values()}

    def bound(self, services: Mapping[Offered, object]) -> "Deeds":
        """The same ones, with services that have been opened."""
        return Deeds(
            self.effect, {kind: deed.bound(services) for kind, deed in self.events.items()}
        )


def deeds_of(effect: Effect, services: Sequence[Offered] = ()) -> Deeds:
    """An effect's reactions, checked; raises `Misregistered`."""
    require_name(effect.name, "side effect")
    if effect.attempts < 1 or effect.seconds <= 0 or (effect.rate is not None and effect.rate <= 0):
        raise Misregistered(
            f"the side effect {effect.name!r} needs one attempt at least, some seconds, and a rate "
            f"above 0 if any"
        )
    deeds: dict[type[Event], Deed] = {}
    for function in effect.react:
        if not inspect.iscoroutinefunction(function):
            raise Misregistered(
                f"{place_of(function)}: {function.__name__} must be `async`: it waits for others"
            )
        given, needs, made = filling(function, 1, services, (EffectContext,))
        deed = Deed(partial(function, **given) if given else function, tuple(made), needs)
        for event in taken(function, 0, Event):
            if event in deeds:
                raise Misregistered(
                    f"the side effect {effect.name!r} has two functions for {event.__name__}; one "
                    f"is at {place_of(function)}"
                )
            deeds[event] = deed
    return Deeds(effect, deeds)
