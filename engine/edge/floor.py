"""An answer never goes back in time: how far rows must have come to be shown to a follower.

A generation may lag behind what he was told: after a flip or a rollback, or where he resumes
with his token on a server that he has never seen. So an answer counts only if the generation
that it was read from has come as far as the one of the answer before. That is waited for, as a
receipt is, but not for ever: a projection may stand still, and what he was told may stand in a
tail that a server has lost. Then an answer that says so, `Update.is_behind`, is of more use to
him than none.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import anyio

from engine.core.ports import Session
from engine.core.resuming import Told, server_digest
from engine.edge.watches import Watch, Watches

AGAIN_SECONDS = 1.0
"""Who waits looks again so often whether what he waits for still exists: after a failover
owners are not back at once, and until then nobody knows what was lost."""


class Made(NamedTuple):
    """An answer, what there is to say of it in a token, and what is watched of its rows."""

    answer: Any
    told: Told
    watches: Sequence[Watch]


class Floor:
    """What one follower was told last, if anything, and how long he waits for as much again."""

    def __init__(self, told: Told | None, wait_seconds: float) -> None:
        self.told = told
        self.is_behind = False
        """Whether the answer that was let through last lacks something of what was told."""
        self._wait_seconds = wait_seconds
        self._deadline: float | None = None
        """Until when he waits: set when rows are found to lag, until they do no more."""

    def is_news(self, made: Made) -> bool:
        """Whether an answer is another one; it is what was told last, from now on.

        One that is behind and no news is not: else the next one that is behind would not say so.
        """
        is_news = self.told is None or made.told.answer != self.told.answer
        if is_news or not self.is_behind:
            self.told, self._deadline = made.told, None
        return is_news

    async def lets_through(self, session: Session, watches: Watches, made: Made) -> bool:
        """Whether an answer may be told. If not, he has waited, and should ask anew.

        Raises `Misuse` where the token was told in a namespace of another shape.
        """
        told = self.told if made.watches else None  # what reads no rows reads no old ones
        lagging = told.beyond(made.told.positions) if told else []
        self.is_behind = bool(lagging)
        if told is None or not lagging:
            return True
        now = anyio.current_time()
        if self._deadline is None:
            self._deadline = now + self._wait_seconds
        wanted = await _existing(session, told, lagging)
        if not any(wanted) or now >= self._deadline:
            return True
        with anyio.move_on_at(min(self._deadline, now + AGAIN_SECONDS)):
            for watch in made.watches:
                await watches.catch_up(session, watch, wanted)
        return False


async def _existing(session: Session, told: Told, lagging: Sequence[int]) -> Sequence[int]:
    """The positions that are worth a wait: of partitions that lag, where they still exist.

    Users who may not ask which server it is know but one: they wait for what was lost, too.
    """
    wanted = [0] * session.partitions
    is_same_server = told.server == server_digest(session.server)
    for partition in lagging:
        if is_same_server or told.exists(partition, await session.checkpoints.branches(partition)):
            wanted[partition] = told.positions[partition]
    return wanted
