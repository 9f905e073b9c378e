"""One partition's log as a reaction reads it, and the partitions that it sends commands to."""

from collections.abc import Iterable, Mapping, Sequence

from engine.core.errors import Fenced, Refused
from engine.core.marks import UNMARKED
from engine.core.ports.reacting import NO_MARKS, Submission
from engine.core.ports.reading import NO_NOTES
from engine.core.records import Checkpoint
from engine.store.keys import Keys
from engine.store.memory.commands import submit
from engine.store.memory.logs import MemoryLogReader, keep_notes, reached_fields
from engine.store.memory.server import Link
from engine.store.reactions import SENT, sent_in


class MemoryReactionLog(MemoryLogReader):
    """One partition for one reaction; see `engine.core.ports.ReactionLog`."""

    def __init__(self, link: Link, keys: Keys, name: str, partition: int, token: str) -> None:
        place, parked = keys.reaction(partition, name), keys.reaction_parked(partition, name)
        super().__init__(link, keys, partition, place, parked, token)

    async def sent(self) -> dict[int, str]:
        """The marks that were sent, as they are noted beside the checkpoint, by partition."""
        return sent_in((await self._link.turn()).hash(self._checkpoint))

    async def marks(self, source: str, targets: Iterable[int]) -> dict[int, str]:
        """The marks of a source as partitions have them."""
        data = await self._link.turn()
        return {
            target: data.hash(self._keys.sources(target)).get(source, str(UNMARKED))
            for target in targets
        }

    async def submit(self, submissions: Sequence[Submission]) -> list[str]:
        """Add commands to partitions, each one's in one step; see the port."""
        found, refused = [], list[Refused]()
        for each in submissions:
            data = await self._link.turn()
            try:
                mark, _ = submit(self._link.server, data, self._keys, *each)
                found.append(mark)
            except Refused as error:
                refused.append(error)
        if refused:
            raise refused[0]
        return found

    async def move(
        self,
        built_on: int,
        reached: Checkpoint,
        sent: Mapping[int, str] = NO_MARKS,
        notes: Mapping[str, str] = NO_NOTES,
    ) -> None:
        """Move the checkpoint, with marks and notes, in one step; raises `Fenced`."""
        data = await self._link.turn()
        held = data.hash(self._checkpoint)
        if held.get("token") != self._token or held.get("position", "0") != str(built_on):
            raise Fenced("the lease or the checkpoint is not ours")
        data.hash(self._parked)
        keep_notes(data, self._parked, notes)
        marks = {f"{SENT}{target}": mark for target, mark in sent.items()}
        data.put(self._checkpoint, reached_fields(reached) | marks)
