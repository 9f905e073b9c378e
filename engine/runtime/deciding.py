"""What is decided about a batch of commands, within a short patience."""

from collections.abc import Sequence
from time import monotonic

import anyio
import anyio.lowlevel

from engine.core.draft import REPEAT, Answer, Repeat, refused
from engine.core.intake import Received
from engine.core.waiting import BEHIND, SLOW, Deferral
from engine.core.window import Window
from engine.runtime.actor import Actors
from engine.runtime.attempt import Attempts
from engine.runtime.faults import failed
from engine.runtime.waiting import WaitingRoom

SLICE_SECONDS = 0.02
"""After so much deciding at a stretch, others get their turn."""

Said = Answer | Repeat | Deferral
"""What becomes of a command in its batch."""


class Deciding:
    """Has the commands of one partition decided, by actors that are loaded."""

    def __init__(
        self, window: Window, actors: Actors, attempts: Attempts, waiting: WaitingRoom
    ) -> None:
        self._window, self._actors = window, actors
        self._attempts, self._waiting = attempts, waiting

    async def decide(self, received: Sequence[Received], patience: float) -> list[Said]:
        """Each command's answer, or why it has none.

        An aggregate's commands are decided one after the other; where deciders wait for
        something, those of different aggregates wait at the same time, ``patience`` long.
        """
        answers: list[Said] = [REPEAT] * len(received)
        asked: set[tuple[str, str]] = set()
        chains: dict[str, list[int]] = {}
        halted: set[str] = set()
        pause_at = monotonic() + SLICE_SECONDS
        for i, command in enumerate(received):
            known = command.key in asked or self._window.first(command) is not None
            if command.addressed and known:
                continue
            asked.add(command.key)
            if (answer := self._unasked(command)) is not None:
                answers[i] = answer
            elif command.aggregate in halted or self._waiting.has_closed(command.aggregate):
                answers[i] = BEHIND
            elif command.aggregate in chains or command.may_wait:
                chains.setdefault(command.aggregate, []).append(i)
            else:
                answers[i] = decided = self._tried(command, self._actors.decide(command))
                if isinstance(decided, Deferral):
                    halted.add(command.aggregate)
                if monotonic() > pause_at:
                    # Leases must be renewed and other partitions served meanwhile.
                    await anyio.lowlevel.checkpoint()
                    pause_at = monotonic() + SLICE_SECONDS
        if chains:
            until = anyio.current_time() + patience
            async with anyio.create_task_group() as tasks:
                for chain in chains.values():
                    tasks.start_soon(self._decide_chain, received, chain, answers, until)
        return answers

    def _unasked(self, command: Received) -> Answer | None:
        """The answer to a command that no decider need see."""
        if command.broken is not None:
            return failed(command, *command.broken)
        if command.refusal is not None:
            return refused(command.refusal)
        refusal = self._window.refusal(command, None)
        return None if refusal is None else refused(refusal, of_id=False)

    async def _decide_chain(
        self,
        received: Sequence[Received],
        chain: Sequence[int],
        answers: list[Said],
        until: float,
    ) -> None:
        answer: Said = REPEAT
        for i in chain:
            if not isinstance(answer, Deferral):
                answer = await self._answer(received[i], until)
                answers[i] = answer
            else:
                answers[i] = BEHIND

    async def _answer(self, command: Received, until: float) -> Answer | Deferral:
        answer = self._actors.begin(command)
        if not isinstance(answer, Answer | Deferral):
            attempt = self._attempts.begin(command, answer)
            if not await attempt.wait(until):
                return SLOW
            self._attempts.end(attempt)
            answer = self._actors.finish(command, attempt.decision)
        return self._tried(command, answer)

    def _tried(self, command: Received, answer: Answer | Deferral) -> Answer | Deferral:
        """What follows from the first attempt."""
        if isinstance(answer, Deferral) and self._waiting.is_spent(command, 1, 0.0):
            return failed(command, answer.code, answer.message, answer.traceback)
        return answer
