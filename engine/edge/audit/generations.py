"""Auditing one generation: its checkpoints, and every row and index entry beside the fold.

First all is folded up to the checkpoints and compared with what stands there. What differs
may have moved on since: it is read again, each row with its entries in one step, and
compared with the fold of exactly those events that it says it has taken.

Events of parked aggregates are in no row, from where they were parked on. Where one is
replayed or dropped meanwhile, all is folded once more.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from engine.core.audit.ends import read_branches
from engine.core.audit.findings import Finding
from engine.core.audit.generation import Generation, Group
from engine.core.branches import exists
from engine.core.codec import logged, read_event_meta
from engine.core.errors import Torn
from engine.core.projection import Projection
from engine.core.records import Entry
from engine.core.registry import Domain

if TYPE_CHECKING:
    from engine.app import RedisSession

_TOGETHER = 200
"""Rows that are read again in one go."""

_ROUNDS = 5
"""How often entries are read again whose row went to other groups meanwhile."""


class GenerationAudit:
    """One generation of one projection, over all partitions."""

    def __init__(
        self,
        session: "RedisSession",
        domain: Domain,
        projection: Projection[Any],
        number: int,
        tell: Callable[[int], None],
    ) -> None:
        self._audit, self._partitions = session.audit, session.partitions
        self._name, self._number, self._tell = projection.name, number, tell
        self._projection, self._domain = projection, domain
        self._begin()

    def _begin(self) -> None:
        self._generation = Generation(self._projection, self._domain)
        self._reached = dict.fromkeys(range(self._partitions), 0)
        self._suspects: dict[str, set[Group]] = defaultdict(set)
        self._findings: list[Finding] = []
        self._broken = False
        self.entries = 0

    @property
    def rows(self) -> int:
        """How many rows the log makes."""
        return len(self._generation.rows)

    @property
    def parked(self) -> int:
        """How many aggregates the generation passes over."""
        return sum(map(len, self._generation.parked.values()))

    async def run(self) -> list[Finding]:
        """Fold and compare; returns what is wrong."""
        for _ in range(_ROUNDS):
            self._begin()
            await self._run()
            if not await self._is_unparked():
                break
        return self._findings

    async def _is_unparked(self) -> bool:
        """Whether any aggregate that was passed over has been replayed since, or dropped."""
        for partition, parked in self._generation.parked.items():
            now = await self._audit.parked(self._name, self._number, partition)
            if parked.items() - now.items():
                return True
        return False

    async def _run(self) -> None:
        for partition in range(self._partitions):
            await self._judge_checkpoint(partition)
        await self._advance()
        if not self._broken:
            await self._compare()
        while self._suspects and not self._broken:
            suspects = dict(islice(self._suspects.items(), _TOGETHER))
            for row in suspects:
                del self._suspects[row]
            await self._read_again(suspects)

    async def _judge_checkpoint(self, partition: int) -> None:
        """The checkpoint is not beyond the head, exists on its branch, and is on its own event."""
        checkpoint = await self._audit.checkpoint(self._name, self._number, partition)
        if checkpoint.position == 0:
            return
        head = await self._audit.position(partition)
        if checkpoint.position > head:
            self._fault(partition, "position", f"at most head's {head}", str(checkpoint.position))
            return
        at = f"{checkpoint.position}-0"
        key = self._audit.names(partition).log
        found = [e async for page in self._audit.entries(key, _below(at), at) for e in page]
        command = _command_of(found[0]) if found else "nothing"
        if command != checkpoint.command:
            expected = f"{command}, as position {checkpoint.position} of the log"
            self._fault(partition, "command", expected, checkpoint.command)
        names = self._audit.names(partition)
        branches, _ = read_branches(names, await self._audit.branches(partition), head)
        if not exists(branches, checkpoint.branch, checkpoint.position):
            expected = f"one on which position {checkpoint.position} still exists"
            self._fault(partition, "branch", expected, checkpoint.branch)

    def _fault(self, partition: int, field: str, expected: str, found: str) -> None:
        key = self._audit.keys.projection(partition, self._name, self._number)
        self._findings.append(Finding("checkpoint", partition, key, field, expected, found))

    async def _advance(self) -> None:
        """Fold what has come up to the checkpoints as they stand now."""
        for partition, reached in self._reached.items():
            checkpoint = await self._audit.checkpoint(self._name, self._number, partition)
            # Read after the checkpoint: it may know more than that, and never less.
            parked = await self._audit.parked(self._name, self._number, partition)
            self._generation.parked[partition] = parked | self._generation.parked.get(partition, {})
            upto = min(checkpoint.position, await self._audit.position(partition))
            if upto <= reached or self._broken:
                continue
            log = self._audit.names(partition).log
            async for page in self._audit.entries(log, f"{reached}-0", f"{upto}-0"):
                for entry in page:
                    self._fold(partition, entry)
                self._tell(len(page))
            self._reached[partition] = upto

    def _fold(self, partition: int, entry: Entry) -> None:
        """Fold one event; what the projection's own code raises is a finding, and the last."""
        if self._broken:
            return
        try:
            self._generation.take(partition, logged(entry))
        except Torn:
            return  # the partition's own audit has named it
        except Exception as error:  # noqa: BLE001 -- the boundary to the projection's code: reported
            self._broken = True
            expected = f"an event that {self._name}@{self._number} can apply, as it once did"
            self._findings.append(
                Finding(
                    "not_foldable", partition, self._audit.names(partition).log, entry.id,
                    f"{expected}; no row was checked", f"{type(error).__name__}: {error}",
                )
            )  # fmt: skip

    async def _compare(self) -> None:
        """Go through all rows and index entries there are, and mark what differs."""
        generation = self._generation
        async for page in self._audit.rows(self._name, self._number):
            for row, fields in page:
                if not generation.is_as_read(row, fields):
                    self._suspects[row] |= set()
        async for group, members in self._audit.entries_of_indexes(self._name, self._number):
            self.entries += len(members)
            for row, score in members:
                if not generation.holds(group, row, score):
                    self._suspects[row].add(group)
        for row, missing in generation.unseen():
            self._suspects[row] |= set(missing)

    async def _read_again(self, suspects: dict[str, set[Group]], rounds: int = _ROUNDS) -> None:
        """Read suspects again, fold on to behind them, and judge each by what it has taken."""
        generation = self._generation
        read = {
            row: await self._audit.row(
                self._name, self._number, row, groups | set(generation.entries_of(row))
            )
            for row, groups in suspects.items()
        }
        generation.watch(read)
        await self._advance()
        moved = {
            row: groups | set(generation.entries_of(row))
            for row, groups in suspects.items()
            if not read[row].entries.keys() >= set(generation.entries_of(row))
        }
        for row in () if self._broken else suspects.keys() - moved.keys():
            key = self._audit.keys.row(self._name, self._number, row)
            self._findings += generation.judge(key, row, self._keys_of(read[row].entries))
        generation.watch({})
        if moved and rounds > 1:
            await self._read_again(moved, rounds - 1)

    def _keys_of(self, groups: Iterable[Group]) -> dict[Group, str]:
        return {group: self._audit.group_key(self._name, self._number, group) for group in groups}


def _below(at: str) -> str:
    return f"{int(at.partition('-')[0]) - 1}-0"


def _command_of(entry: Entry) -> str:
    """The command that caused an event, by its stream id."""
    try:
        return read_event_meta(entry.fields.get(b"meta", b"")).entry
    except msgspec.DecodeError as error:
        return f"what cannot be read ({error})"
