"""A client that writes down what it gave and what it was told, as the checker reads it."""

import json
from collections.abc import Mapping
from time import monotonic_ns
from typing import Any, NamedTuple

import msgspec

from engine.core.codec import outcome_of
from engine.core.outcome import Outcome
from engine.core.records import Entry
from engine.core.routing import partition_of
from engine.store.keys import Keys
from tests.faults.histories import Attempt, Said
from tests.runtime.stage import ORDER

PARTITIONS = 2
HOME = 0
"""The partition that scenarios play in."""


def aggregates(kind: str, count: int) -> list[str]:
    """Some aggregates of that partition."""
    found = (f"{kind}-{n}" for n in range(1000))
    return [one for one in found if partition_of(one, PARTITIONS) == HOME][:count]


ANN, BOB, CLEO = aggregates("customer", 3)


class Sent(NamedTuple):
    """A command on its way: which attempt, and where its outcome will be."""

    number: int
    entry: str
    partition: int


class Client:
    """One client; ``attempts`` is its history."""

    def __init__(self, redis: Any, keys: Keys) -> None:
        self.redis, self._keys = redis, keys
        self.attempts: list[Attempt] = []
        self.open: list[Sent] = []

    def send(
        self, id: str, type: str, aggregate: str, data: Mapping[str, Any], partition: int = HOME
    ) -> Sent:
        """Add a command as any client may."""
        said = json.dumps(data)
        number, invoked = len(self.attempts), monotonic_ns()
        self.attempts.append(Attempt("client", number, id, type, aggregate, said, "", invoked))
        fields = {"id": id, "type": type, "aggregate": aggregate, "data": said}
        entry = self.redis.xadd(self._keys.commands(partition), fields).decode()
        self.open.append(Sent(number, entry, partition))
        return self.open[-1]

    def register(self, id: str, aggregate: str, name: str, partition: int = HOME) -> Sent:
        """Have a customer registered."""
        return self.send(id, "RegisterCustomer", aggregate, {"name": name}, partition)

    def rename(self, id: str, aggregate: str, name: str) -> Sent:
        """Have a customer renamed."""
        return self.send(id, "RenameCustomer", aggregate, {"name": name})

    def create(self, id: str, order: str) -> Sent:
        """Order something."""
        return self.send(id, "CreateOrder", order, ORDER)

    def told(self, sent: Sent) -> Outcome | None:
        """The outcome of a command, if it is there; it is written down when it is first seen."""
        found = self.redis.xrange(self._keys.outcomes(sent.partition), sent.entry, sent.entry)
        if not found:
            return None
        outcome = outcome_of(Entry(sent.entry, found[0][1]), sent.partition)
        if sent in self.open:
            self.open.remove(sent)
            said = msgspec.json.decode(outcome.as_reply(), type=Said)
            attempt = self.attempts[sent.number]
            assert outcome.id == attempt.id
            self.attempts[sent.number] = msgspec.structs.replace(
                attempt, returned=monotonic_ns(), outcome=said
            )
        return outcome
