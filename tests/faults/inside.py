"""Decides whether what the engine itself asked for came once: timers, and commands of routers.

Pure, and without the router: what must follow from what is written down here once more. Nobody may
be writing any more, and no timer may be due.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from engine.core.ids import stream_ms
from engine.core.outcome import Outcome, Status
from handlers.fulfilment import TIMER as CONFIRM
from tests.faults.bank.transfers import PATIENCE, REMINDER, REMINDER_MS
from tests.faults.following import ROUTERS
from tests.faults.histories import Dump, Logged
from tests.faults.shop import CONFIRM_SECONDS
from tests.faults.violation import Violation

TIMER = "timer"
"""How ids of commands begin that timers give; those of routers begin with their names."""

PATIENCE_ENDS = {
    "Extended", "Offered", "Cancelled",
    "FulfilmentConfirmed", "FulfilmentFailed", "ReservationsShipped", "ReservationsReleased",
}  # fmt: skip
"""What ends patience with an account, and with the products of an order; or the end of it is."""


def is_inside(id: str) -> bool:
    """Whether an id is of a command that is judged here: no client has one with a ``/``."""
    return id.partition("/")[0] in (*ROUTERS, TIMER) and "/" in id


def check_inside(dump: Dump) -> Iterator[Violation]:
    """Everything that is wrong with commands that nobody outside gave."""
    answers: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in dump.outcomes:
        if is_inside(outcome.id):
            answers[outcome.id.rpartition("/")[0]].append(outcome)
    for router in ROUTERS:
        yield from _reactions(dump, router, _of(router, answers))
        yield from _refusals(dump, router, _of(router, answers))
    yield from _timers(dump.events, _of(TIMER, answers))


Answers = dict[str, list[Outcome]]
"""Outcomes of commands from inside, by their ids without the tags."""


def _of(source: str, answers: Answers) -> Answers:
    return {id: own for id, own in answers.items() if id.startswith(f"{source}/")}


# -- Routers ----------------------------------------------------------------------------


def _reactions(dump: Dump, router: str, answers: Answers) -> Iterator[Violation]:
    """Each event has the commands that follow from it, once, and no command is without one."""
    wanted: dict[str, str] = {}
    for event, index in _with_index([*dump.events, *dump.notes]):
        command = event.causation.rpartition("/")[2]
        for number, target in enumerate(ROUTERS[router](event)):
            wanted[f"{router}/{event.aggregate}/{command}/{index}/{number}"] = target
    for id, target in wanted.items():
        found = [(one.entry, one.aggregate) for one in answers.get(id, ())]
        if len(found) != 1:
            yield Violation("reaction_not_once", target, id, f"its command came as {found}")
        elif found[0][1] != target:
            yield Violation("reaction_astray", target, id, f"its command went to {found}")
    for id in answers.keys() - wanted:
        aggregate = answers[id][0].aggregate
        yield Violation("reaction_unasked", aggregate, id, "it follows from no event")


def _with_index(events: Iterable[Logged]) -> Iterator[tuple[Logged, int]]:
    """Each event with which of its command's events it is."""
    ordered = sorted(events, key=lambda event: (event.partition, event.position))
    for _, own in groupby(ordered, key=lambda event: (event.partition, event.entry)):
        for index, event in enumerate(own):
            yield event, index


def _refusals(dump: Dump, router: str, answers: Answers) -> Iterator[Violation]:
    """Each refused command of a router has one note in the log, and each note one such command."""
    noted: dict[tuple[int, str], list[Logged]] = defaultdict(list)
    for note in dump.notes:
        if note.said["router"] == router:
            noted[(note.partition, note.causation)].append(note)
    refused = {
        (one.partition, one.id): one
        for own in answers.values()
        for one in own
        if one.status in (Status.REJECTED, Status.FAILED)
    }
    for key, outcome in refused.items():
        notes = [(note.position, note.said["code"]) for note in noted.get(key, ())]
        if len(notes) != 1 or notes[0][1] != outcome.detail.get("code"):
            said = f"{outcome.status} for {outcome.detail}, and noted as {notes}"
            yield Violation("refusal_not_noted_once", outcome.aggregate, outcome.id, said)
    for partition, id in noted.keys() - refused:
        aggregate = noted[(partition, id)][0].aggregate
        yield Violation("noted_without_refusal", aggregate, id, "it was not refused")


# -- Timers -----------------------------------------------------------------------------


class _Timer(NamedTuple):
    """A timer that was set; ``over`` is the version that replaced or cancelled it, 0 where none."""

    aggregate: str
    name: str
    number: str
    due_ms: int
    over: int = 0

    @property
    def id(self) -> str:
        """Of its command, without the tag."""
        return f"{TIMER}/{self.aggregate}/{self.name}/{self.number}"

    def violation(self, check: str, said: str) -> Violation:
        """What is wrong with it."""
        return Violation(check, self.aggregate, self.id, said)


def _timers(events: Sequence[Logged], answers: Answers) -> Iterator[Violation]:
    """Each timer that was set has fired once, or was over before."""
    made = {(event.aggregate, event.causation): event for event in events}
    timers = {timer.id: timer for timer in _timers_set(events)}
    for timer in timers.values():
        yield from _timer(timer, answers.get(timer.id, []), made)
    for id in answers.keys() - timers:
        yield Violation("timer_unset", answers[id][0].aggregate, id, "nobody set it")


def _timers_set(events: Sequence[Logged]) -> Iterator[_Timer]:
    """All timers, with what ended them."""
    standing: dict[str, _Timer] = {}
    for event in events:
        name = event.aggregate
        if event.type in PATIENCE_ENDS and name in standing:
            yield standing.pop(name)._replace(over=event.version)
        if (patience := _patience(event)) is not None:
            timer, lasts_ms = patience
            due_ms = stream_ms(event.entry) + lasts_ms
            standing[name] = _Timer(name, timer, event.entry, due_ms)
        if event.type == "Offered":
            yield _Timer(name, REMINDER, event.entry, stream_ms(event.entry) + REMINDER_MS)
    yield from standing.values()


def _patience(event: Logged) -> tuple[str, int] | None:
    """The timer that patience is, with its milliseconds, where it begins with an event."""
    match event.type:
        case "Begun" | "Extended":
            return PATIENCE, event.said["patience_ms"]
        case "FulfilmentBegun":
            return CONFIRM, int(CONFIRM_SECONDS * 1000)
    return None


Made = dict[tuple[str, str], Logged]
"""The last event of each command, by its aggregate and its id."""


def _timer(timer: _Timer, own: Sequence[Outcome], made: Made) -> Iterator[Violation]:
    """One timer, and what became of its commands."""
    if len(own) > 1:
        yield timer.violation("timer_twice", f"its command came as {[one.entry for one in own]}")
    if not own and not timer.over:
        yield timer.violation("timer_lost", "it never fired, was neither replaced nor cancelled")
    for outcome in own:
        if stream_ms(outcome.entry) < timer.due_ms:
            yield timer.violation("timer_early", f"{outcome.entry} is before {timer.due_ms}")
        yield from _fired(timer, outcome, made.get((timer.aggregate, outcome.id)))


def _fired(timer: _Timer, outcome: Outcome, made: Logged | None) -> Iterator[Violation]:
    """One command of a timer: it did what it is for, or the timer was over before."""
    if outcome.detail.get("code") == "stale_timer":
        if not timer.over:
            yield timer.violation("timer_wrongly_stale", "it was neither replaced nor cancelled")
    elif outcome.status is not Status.ACCEPTED:
        yield timer.violation("timer_refused", f"{outcome.status}: {outcome.detail}")
    elif made is None:
        yield timer.violation("timer_without_effect", f"accepted at {outcome.entry}, no event")
    elif 0 < timer.over < made.version:
        yield timer.violation("timer_after_its_end", f"version {timer.over} had ended it")
