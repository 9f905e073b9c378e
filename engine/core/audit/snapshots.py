"""Snapshots: each is the fold of its events, up to the one that it was made at."""

from typing import Any

from engine.core.audit.findings import Finding
from engine.core.records import StoredEvent
from engine.core.registry import Domain
from engine.core.routing import kind_of
from engine.core.snapshots import Unbelievable, entry_of


class SnapshotJudge:
    """One snapshot, of code that is here; give it the events up to ``version``, in their order.

    ``is_ours`` is False where other code made it, or nobody here knows its kind: then there is
    nothing to judge, and nobody uses it.
    """

    def __init__(
        self, domain: Domain, partition: int, key: str, aggregate: str, raw: bytes
    ) -> None:
        self._domain, self._place = domain, (partition, key)
        self._folded: Any = None
        self._last: StoredEvent | None = None
        self._fault = ""
        self.is_ours, self.version = False, 0
        states = domain.states.get(kind_of(aggregate))
        if states is None or not states.schema:
            return
        self._decider = domain.deciders[kind_of(aggregate)]
        self._folded = self._decider.initial
        try:
            self._snapshot, self._state = states.decoded(raw)
        except Unbelievable as why:
            self.is_ours = why.reason != "schema"
            self._fault = why.reason
        else:
            self.is_ours, self.version = True, self._snapshot.version

    def take(self, event: StoredEvent) -> None:
        """Fold another event; where one cannot be, there is nothing to compare with."""
        self._last = event
        try:
            decoded = self._domain.decode_event(event.type, event.data, event.meta)
            self._folded = self._decider.evolve(self._folded, decoded)
        except Exception:  # noqa: BLE001 -- the domain's own code: not judged, not counted
            self.is_ours = False

    def judge(self) -> Finding | None:
        """What is wrong with it; None where nothing is, or nobody could tell."""
        if not self.is_ours:
            return None
        if self._fault:
            return self._finding("snapshot_entry", "a snapshot as owners write it", self._fault)
        snapshot, last = self._snapshot, self._last
        stands_on = f"event {snapshot.version}-0 of the command {snapshot.entry}"
        if last is None or last.version != snapshot.version:
            version = 0 if last is None else last.version
            return self._finding("snapshot_ahead", stands_on, f"no event above {version}-0")
        if entry_of(last) != snapshot.entry:
            found = f"one of the command {entry_of(last) or 'of no known id'}"
            return self._finding("snapshot_ahead", stands_on, found)
        if self._state != self._folded:
            expected = f"the fold of the events up to {snapshot.version}-0"
            return self._finding("snapshot_differs", expected, "another state")
        return None

    def _finding(self, check: str, expected: str, found: str) -> Finding:
        return Finding(check, *self._place, "", expected, found)
