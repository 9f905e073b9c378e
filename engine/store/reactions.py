"""One partition's log as a reaction reads it, and the partitions that it sends commands to."""

from collections.abc import Iterable, Mapping, Sequence

from engine.core.errors import Refused
from engine.core.marks import UNMARKED
from engine.core.ports.reacting import NO_MARKS, Submission
from engine.core.ports.reading import NO_NOTES
from engine.core.records import Checkpoint
from engine.store.commands import submission_of
from engine.store.connection import Connection
from engine.store.keys import Keys
from engine.store.logs import RedisLogReader, texts
from engine.store.scripts import Scripts

SENT = "sent:"
"""What the fields of marks begin with, beside the checkpoint."""


class RedisReactionLog(RedisLogReader):
    """One partition for one reaction; see `engine.core.ports.ReactionLog`."""

    def __init__(  # noqa: PLR0913 -- what one acquisition consists of
        self,
        control: Connection,
        scripts: Scripts,
        keys: Keys,
        name: str,
        partition: int,
        token: str,
    ) -> None:
        place, parked = keys.reaction(partition, name), keys.reaction_parked(partition, name)
        super().__init__(control, scripts, keys, partition, place, parked, token)

    async def sent(self) -> dict[int, str]:
        """The marks that were sent, as they are noted beside the checkpoint, by partition."""
        return sent_in(texts(await self._control.call("HGETALL", self._checkpoint)))

    async def marks(self, source: str, targets: Iterable[int]) -> dict[int, str]:
        """The marks of a source as partitions have them."""
        asked = {
            target: self._control.call("HGET", self._keys.sources(target), source)
            for target in targets
        }
        found = {target: await reply for target, reply in asked.items()}
        return {target: mark.decode() if mark else str(UNMARKED) for target, mark in found.items()}

    async def submit(self, submissions: Sequence[Submission]) -> list[str]:
        """Add commands to partitions, each one's in one step; see the port."""
        calls = [submission_of(self._keys, *each) for each in submissions]
        answers = await self._scripts.try_all("submit", calls)
        for answer in answers:
            if isinstance(answer, Refused):
                raise answer
        return [answer[0].decode() for answer in answers]

    async def move(
        self,
        built_on: int,
        reached: Checkpoint,
        sent: Mapping[int, str] = NO_MARKS,
        notes: Mapping[str, str] = NO_NOTES,
    ) -> None:
        """Move the checkpoint, with marks and notes, in one step; raises `Fenced`."""
        await self._scripts.call(
            "move",
            [self._checkpoint, self._parked],
            [
                self._token, built_on, reached.position, reached.command, reached.branch,
                len(sent), *(part for pair in sent.items() for part in pair),
                *(part for note in notes.items() for part in note),
            ],
        )  # fmt: skip


def sent_in(fields: Mapping[str, str]) -> dict[int, str]:
    """The marks beside a checkpoint, by partition."""
    return {
        int(name.removeprefix(SENT)): mark for name, mark in fields.items() if name.startswith(SENT)
    }
