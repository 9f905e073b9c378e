"""One aggregate after the other: its events folded anew, its commands decided again."""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, cast

import msgspec

from engine.core.codec import read_event_meta
from engine.core.decider import Decider, split
from engine.core.errors import Rejected, Torn
from engine.core.firing import Timer, name_of
from engine.core.handling import CommandHandler
from engine.core.intake import Intake, Received
from engine.core.messages import Event
from engine.core.outcome import Outcome, Status
from engine.core.records import Entry, StoredEvent
from engine.core.registry import Domain
from engine.core.replay.answer import NO_TIMERS, Answer, encode, unlike
from engine.core.routing import kind_of
from engine.core.timebook import TimerBook

_DECIDED = frozenset({Status.ACCEPTED, Status.REJECTED, Status.FAILED})
_NOT_BY_CODE = frozenset({"deadly", "endless", "timer_too_far", "too_large", "too_slow"})
"""Answers that came of what a command did to its process, of settings, or of how long it took."""

_SAID_LIMIT = 1000
"""Characters of an error that a difference quotes."""


class Told(NamedTuple):
    """A command that is still kept, its recorded outcome, and those of its timers that stand."""

    entry: Entry
    outcome: Outcome
    timers: Mapping[str, Timer] = NO_TIMERS


class Difference(msgspec.Struct, frozen=True):
    """Something that would be otherwise: what it has in common with others, where, and what."""

    check: str
    about: str
    place: str
    message: str


class _Case(NamedTuple):
    """A command, with the version that it met, and the answer that it got."""

    told: Told
    version: int
    before: Answer


Limited = Callable[[Awaitable[Any]], Awaitable[Any]]
"""Waits for a decider that waits for something, for as long as that may take; else raises."""


class Replay:
    """The aggregates of one partition."""

    def __init__(
        self,
        domain: Domain,
        intake: Intake,
        limited: Limited,
        timers: TimerBook,
        stand_ins: Sequence[object] = (),
    ) -> None:
        self._domain, self._intake, self._limited = domain, intake, limited
        self._timers, self._stand_ins = timers, stand_ins
        self.aggregates = self.events = self.decided = 0
        self.asking: Counter[str] = Counter()
        """Commands that were left out: their deciders ask services that nobody stands in for."""
        self.differences: list[Difference] = []

    async def take(
        self, aggregate: str, history: Sequence[StoredEvent], told: Sequence[Told]
    ) -> None:
        """Fold an aggregate's events, and decide its commands again."""
        self.aggregates += 1
        kind = kind_of(aggregate)
        decider = self._domain.deciders.get(kind)
        if decider is None:
            self._differs("unloadable", f"no decider of {kind}", aggregate, "nobody decides it")
            return
        facts = self._facts(aggregate, history)
        due: dict[int, list[_Case]] = defaultdict(list)
        for case in self._cases(history, facts, told):
            due[case.version].append(case)
        state = decider.initial
        for version, event in enumerate([*facts, None]):
            for case in due.get(version, ()):
                await self._decide(case, state, decider)
            if event is None:
                return
            try:
                state = decider.evolve(state, event)
            except Exception as error:  # noqa: BLE001 -- the boundary to the domain's code: reported
                self._unloadable(aggregate, version + 1, type(event).__name__, error)
                return
            self.events += 1

    def _facts(self, aggregate: str, history: Sequence[StoredEvent]) -> list[Event]:
        """An aggregate's events, up to the first one that cannot be read."""
        facts: list[Event] = []
        for due, stored in enumerate(history, 1):
            try:
                facts.append(self._read(stored, due))
            except Exception as error:  # noqa: BLE001 -- likewise: upcasters are the domain's code
                self._unloadable(aggregate, due, stored.type, error)
                break
        return facts

    def _read(self, stored: StoredEvent, due: int) -> Event:
        if stored.version != due:
            raise Torn(f"version {due} is missing: semel verify")
        return self._domain.decode_event(stored.type, stored.data, stored.meta)

    def _cases(
        self, history: Sequence[StoredEvent], facts: Sequence[Event], told: Sequence[Told]
    ) -> list[_Case]:
        """The commands that can be decided again, with what each met and got."""
        caused = _caused(history) if told else {}
        cases = []
        for each in told:
            outcome, events = each.outcome, caused.get(each.outcome.entry, [])
            code = str(outcome.detail.get("code", ""))
            is_decided = outcome.status in _DECIDED and outcome.digest and code not in _NOT_BY_CODE
            if is_decided and all(number < len(facts) for number in events):
                said = str(outcome.detail.get("message", ""))
                then = tuple(facts[number] for number in events)
                answer = Answer(outcome.status, code, said, then, each.timers)
                cases.append(_Case(each, outcome.version - len(events), answer))
        return cases

    async def _decide(self, case: _Case, state: Any, decider: Decider[Any]) -> None:
        """Decide one command again, and compare."""
        entry, outcome = case.told.entry, case.told.outcome
        received = self._intake.receive(entry)
        if received.handler is not None and self._asks_services(received.handler):
            self.asking[received.handler.command.__name__] += 1
            return
        self.decided += 1
        found = unlike(case.before, await self._answer(received, case.version, state, decider))
        if found is not None:
            kind = entry.fields.get(b"type", b"").decode(errors="replace")
            place = f"{outcome.entry} of {outcome.aggregate} at version {case.version}"
            self._differs("decision", f"{kind}: {found.about}", place, found.message)

    async def _answer(
        self, received: Received, version: int, state: Any, decider: Decider[Any]
    ) -> Answer:
        """What the code here says to a command."""
        if received.broken is not None:
            return Answer(Status.FAILED, *received.broken)
        if received.refusal is not None:
            return Answer(Status.REJECTED, received.refusal.code, received.refusal.message)
        expected = received.meta.expect
        if expected is not None and expected != version:
            said = f"{received.aggregate} is at version {version}, not {expected}"
            return Answer(Status.REJECTED, "version_conflict", said)
        try:
            decided, changes = split(await self._asked(received, state))
            events = tuple(self._stored(event, decider.kind) for event in decided)
            writes = self._timers.writes(received, changes)
            for event in events:
                state = decider.evolve(state, event)
        except Rejected as no:
            return Answer(Status.REJECTED, no.code, no.message)
        except Exception as error:  # noqa: BLE001 -- likewise
            return Answer(Status.FAILED, "raised", _said(error))
        timers = {name_of(key): timer for key, timer, _ in writes if timer is not None}
        return Answer(Status.ACCEPTED, events=events, timers=timers)

    async def _asked(self, received: Received, state: Any) -> Any:
        handler = cast("CommandHandler", received.handler)
        decision: Any = handler.ask(received.command, state, received.context)
        return await self._limited(decision) if isinstance(decision, Coroutine) else decision

    def _asks_services(self, handler: CommandHandler) -> bool:
        """Whether what a decider says depends on more than its command, its state and stand-ins."""
        given = handler.decide.keywords.values() if isinstance(handler.decide, partial) else ()
        return bool(handler.needs) or not all(
            any(service is each for each in self._stand_ins) for service in given
        )

    def _stored(self, event: Event, kind: str) -> Event:
        """An event as it would come back from where it is stored; raises where it would not be."""
        name = type(event).__name__
        if name not in self._domain.kind_events[kind]:
            raise TypeError(f"{name} is not in the annotation of its kind's `evolve`")
        stored: Event = self._domain.decoders[name].decode(encode(event))
        return stored

    def _unloadable(self, aggregate: str, version: int, event: str, error: Exception) -> None:
        about = f"{event}: {type(error).__name__}"
        self._differs("unloadable", about, f"{aggregate} at version {version}", _said(error))

    def _differs(self, check: str, about: str, place: str, message: str) -> None:
        self.differences.append(Difference(check, about, place, message))


def _caused(history: Sequence[StoredEvent]) -> dict[str, list[int]]:
    """The places of events among all, by the stream id of the command that caused them."""
    caused: dict[str, list[int]] = defaultdict(list)
    for number, event in enumerate(history):
        try:
            caused[read_event_meta(event.meta).entry].append(number)
        except msgspec.DecodeError:
            continue  # no commit has written that: semel verify names it
    return caused


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:_SAID_LIMIT]
