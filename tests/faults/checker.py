"""Decides whether what clients were told is what happened, exactly once and in order.

Pure: it is given the clients' histories and all of Redis afterwards. An acknowledgement
counts unless it came in a window in which a server lost its tail: then only one that was
promised to be durable does, and any other command may have happened or not, but not twice.
What the engine asked for itself is judged by `tests.faults.inside`, money by `tests.faults.ledger`,
stock by `tests.faults.stock`.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from engine.core.ids import stream_order
from engine.core.outcome import Outcome, Status
from tests.faults.histories import Attempt, Dump, First, Logged, Said
from tests.faults.inside import check_inside, is_inside
from tests.faults.ledger import check_ledger
from tests.faults.stock import check_stock
from tests.faults.violation import Violation

Key = tuple[str, str]
"""An aggregate, and the id of a command for it."""


class Window(NamedTuple):
    """A time in which what was not durable may be lost, by the clock of the histories."""

    begins: int
    ends: int


class Verdict(NamedTuple):
    """How much was looked at, and what is wrong."""

    attempts: int
    acknowledged: int
    unknown: int
    effects: int
    violations: list[Violation]


def check(
    attempts: Sequence[Attempt],
    dump: Dump,
    lost: Sequence[Window] = (),
    others: frozenset[str] = frozenset(),
) -> Verdict:
    """Hold histories against Redis; ``others`` are ids that were used beside the histories."""
    by_key: dict[Key, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        by_key[attempt.key].append(attempt)
    facts = _Facts(dump)
    violations = [Violation("verify", "", "", finding) for finding in dump.findings]
    violations += _unasked(facts, by_key, others)
    for key, own in by_key.items():
        counted = [attempt for attempt in own if _counts(attempt, lost)]
        violations += _command(key, own, counted, facts)
    for key in facts.answers.keys() | facts.effects.keys():
        if is_inside(key[1]):
            violations += _command(key, (), (), facts)
    violations += _real_time([attempt for attempt in attempts if _counts(attempt, lost)])
    for judge in (check_inside, check_ledger, check_stock):
        violations += judge(dump)
    acknowledged = sum(attempt.outcome is not None for attempt in attempts)
    return Verdict(
        len(attempts), acknowledged, len(attempts) - acknowledged, len(facts.effects), violations
    )


class _Facts:
    """Redis, by what the checks ask it."""

    def __init__(self, dump: Dump) -> None:
        self.outcomes = {(outcome.partition, outcome.entry): outcome for outcome in dump.outcomes}
        self.answers: dict[Key, list[Outcome]] = defaultdict(list)
        for outcome in dump.outcomes:
            self.answers[(outcome.aggregate, outcome.id)].append(outcome)
        self.effects: dict[Key, list[Logged]] = defaultdict(list)
        self._versions: dict[tuple[str, int], str] = {}
        for event in dump.events:
            self.effects[(event.aggregate, event.causation)].append(event)
            self._versions[(event.aggregate, event.version)] = event.entry
        self._forgotten = [stream_order(id) for id in dump.forgotten]

    def firsts(self, key: Key) -> list[Outcome]:
        """The outcomes that answer an id, but for those that repeat an answer."""
        return [
            outcome
            for outcome in self.answers.get(key, ())
            if outcome.status is not Status.DUPLICATE and outcome.digest
        ]

    def had_version(self, aggregate: str, version: int, entry: str) -> bool:
        """Whether an aggregate had a version before a command came."""
        made_by = self._versions.get((aggregate, version), "0-0" if version == 0 else entry)
        return stream_order(made_by) < stream_order(entry)

    def may_be_forgotten(self, entry: str) -> bool:
        """Whether some partition has trimmed outcomes as late as this one."""
        return any(stream_order(entry) <= gone for gone in self._forgotten)

    def told(self, attempt: Attempt, said: Said) -> Outcome | None:
        """The outcome that an answer tells of."""
        own = self.answers.get(attempt.key, ())
        return next((outcome for outcome in own if outcome.entry == said.entry), None)


def _counts(attempt: Attempt, lost: Sequence[Window]) -> bool:
    """Whether an attempt was acknowledged for good."""
    if attempt.outcome is None or attempt.returned is None:
        return False
    if attempt.is_durable:
        return True
    return not any(
        window.begins <= attempt.returned and attempt.invoked <= window.ends for window in lost
    )


def _unasked(
    facts: _Facts, asked: dict[Key, list[Attempt]], others: frozenset[str]
) -> Iterator[Violation]:
    """Outcomes and events of commands that nobody gave."""
    for aggregate, id in facts.answers:
        if (aggregate, id) not in asked and id not in others and not is_inside(id):
            yield Violation("unasked", aggregate, id, "an outcome of a command nobody gave")
    for aggregate, id in facts.effects:
        if (aggregate, id) not in asked and id not in others and not is_inside(id):
            yield Violation("unasked", aggregate, id, "events of a command nobody gave")


def _command(
    key: Key, own: Sequence[Attempt], counted: Sequence[Attempt], facts: _Facts
) -> Iterator[Violation]:
    """One id of one aggregate: one answer, at most one effect, and both belong together."""
    firsts, effect = facts.firsts(key), facts.effects.get(key, [])
    if len(firsts) > 1:
        said = ", ".join(f"{outcome.status} at {outcome.entry}" for outcome in firsts)
        yield Violation("two_outcomes", *key, said)
    yield from _one_effect(key, effect)
    for outcome in firsts:
        if effect and outcome.status is not Status.ACCEPTED:
            yield Violation("effect_of_refused", *key, f"{outcome.status}, and has {effect}")
    told = {attempt.outcome.first for attempt in counted if attempt.outcome.is_of_the_id}  # type: ignore[union-attr]
    if len(told) > 1:
        yield Violation("answers_differ", *key, f"{sorted(told)}")
    for attempt in counted:
        yield from _answer(attempt, facts)
    for first in told:
        yield from _acknowledged(key, first, firsts, effect, facts)
    contents = {attempt.content for attempt in own}
    for outcome in firsts:
        if contents and outcome.digest not in contents:
            yield Violation("content_differs", *key, f"{outcome} answers none of {contents}")
    reused = [a for a in counted if a.outcome and a.outcome.detail.get("code") == "id_reused"]
    if reused and len(contents) == 1:
        yield Violation("wrongly_reused", *key, f"id_reused for the same content: {reused[0]}")


def _one_effect(key: Key, effect: Sequence[Logged]) -> Iterator[Violation]:
    """All events come from one entry, one behind the other."""
    for before, event in pairwise(effect):
        same = (before.partition, before.entry) == (event.partition, event.entry)
        steps = event.position - before.position, event.version - before.version
        if not same or steps != (1, 1):
            yield Violation("two_effects", *key, f"{before}, and then {event}")


def _answer(attempt: Attempt, facts: _Facts) -> Iterator[Violation]:
    """What a client was told stands in the outcomes, word by word."""
    said = attempt.outcome
    if said is None:
        return
    stored = facts.told(attempt, said)
    if stored is None:
        if not facts.may_be_forgotten(said.entry):
            yield Violation("no_outcome", *attempt.key, f"told {said}, which is not there")
        return
    there = Said(
        stored.entry, stored.status, stored.version, stored.position, stored.branch, stored.detail
    )
    if there != said:
        yield Violation("outcome_differs", *attempt.key, f"told {said}, stored is {there}")


def _acknowledged(
    key: Key, first: First, firsts: Sequence[Outcome], effect: Sequence[Logged], facts: _Facts
) -> Iterator[Violation]:
    """The first outcome that an answer names is there, and so are its events, once."""
    if not firsts and not facts.may_be_forgotten(first.entry):
        yield Violation("no_outcome", *key, f"nothing answers it, but {first} was told")
    for stored in firsts:
        there = First(stored.entry, stored.status, stored.version, stored.position)
        if there != first:
            yield Violation("outcome_differs", *key, f"told {first}, stored is {there}")
    if first.status is not Status.ACCEPTED:
        if effect:
            yield Violation("effect_of_refused", *key, f"told {first}, and there is {effect}")
        return
    if not effect:
        # a command may be accepted and change nothing: its version was there before
        if not facts.had_version(key[0], first.version, first.entry):
            yield Violation("no_effect", *key, f"accepted as {first}, without events")
        return
    last = effect[-1]
    if (last.entry, last.version, last.position) != (first.entry, first.version, first.position):
        yield Violation("effect_differs", *key, f"told {first}, the last event is {last}")


def _real_time(attempts: Sequence[Attempt]) -> Iterator[Violation]:
    """Who had an answer before another began on the same aggregate comes before it.

    A repeat may be told the first answer itself, behind an id from the future: it has its place.
    """
    by_aggregate: dict[str, list[tuple[Attempt, Said, int]]] = defaultdict(list)
    told: set[tuple[tuple[str, str], str]] = set()
    for attempt in sorted(attempts, key=lambda each: each.returned or 0):
        if attempt.outcome is None or attempt.returned is None:
            continue
        place = attempt.key, attempt.outcome.entry
        if attempt.outcome.is_of_the_aggregate and place not in told:
            answered = attempt, attempt.outcome, attempt.returned
            by_aggregate[attempt.aggregate].append(answered)
        told.add(place)
    for answered_ones in by_aggregate.values():
        yield from _in_order(answered_ones)


def _in_order(answered: list[tuple[Attempt, Said, int]]) -> Iterator[Violation]:
    """One aggregate's answers: swept by the time each began, with all that ended before."""
    ended = sorted(answered, key=lambda each: each[2])
    latest: tuple[Attempt, Said] | None = None
    highest: tuple[Attempt, Said] | None = None
    done = 0
    for attempt, said, _ in sorted(answered, key=lambda each: each[0].invoked):
        while done < len(ended) and ended[done][2] < attempt.invoked:
            before, told, _ = ended[done]
            done += 1
            if latest is None or stream_order(told.entry) > stream_order(latest[1].entry):
                latest = before, told
            if highest is None or told.version > highest[1].version:
                highest = before, told
        if latest is not None and stream_order(said.entry) <= stream_order(latest[1].entry):
            text = f"{said.entry} was begun after {latest[0].id} had ended at {latest[1].entry}"
            yield Violation("out_of_order", *attempt.key, text)
        repeats = said.status is Status.DUPLICATE
        if highest is not None and not repeats and said.version < highest[1].version:
            text = f"version {said.version} after {highest[0].id} had {highest[1].version}"
            yield Violation("went_back", *attempt.key, text)
