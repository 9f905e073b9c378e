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
from engine.runtime.attempt import Attempt, Attempts
from engine.runtime.faults import failed, given_up, tell_if_blocked
from engine.runtime.waiting import WaitingRoom

SLICE_SECONDS = 0.02
"""After so much deciding at a stretch, others get their turn."""


class _Laps:
    """How long deciders keep the loop: each by itself, and all since others had their turn."""

    def __init__(self, block_seconds: float) -> None:
        self._block_seconds = block_seconds
        self.begin()

    def begin(self) -> None:
        """Others have had their turn."""
        self._before = monotonic()
        self._until = self._before + SLICE_SECONDS

    def are_over(self, command: Received) -> bool:
        """Note that a command was decided; whether it is the others' turn."""
        now = monotonic()
        tell_if_blocked(command, now - self._before, self._block_seconds)
        self._before = now
        return now > self._until


Said = Answer | Repeat | Deferral
"""What becomes of a command in its batch."""


class Deciding:
    """Has the commands of one partition decided, by actors that are loaded."""

    def __init__(
        self,
        window: Window,
        actors: Actors,
        attempts: Attempts,
        waiting: WaitingRoom,
        block_seconds: float,
    ) -> None:
        self._window, self._actors = window, actors
        self._attempts, self._waiting = attempts, waiting
        self._block_seconds = block_seconds

    async def decide(self, received: Sequence[Received], patience: float) -> list[Said]:
        """Each command's answer, or why it has none.

        An aggregate's commands are decided one after the other; where deciders wait for
        something, those of different aggregates wait at the same time, ``patience`` long.
        """
        answers: list[Said] = [REPEAT] * len(received)
        asked: set[tuple[str, str]] = set()
        chains: dict[str, list[int]] = {}
        closed, halted = self._waiting.closed, set[str]()
        laps = _Laps(self._block_seconds)
        for i, command in enumerate(received):
            known = command.key in asked or self._window.first(command) is not None
            if command.addressed and known:
                continue
            asked.add(command.key)
            if (answer := self._unasked(command)) is not None:
                answers[i] = answer
            elif command.aggregate in closed or command.aggregate in halted:
                answers[i] = BEHIND
            elif command.aggregate in chains or command.may_wait:
                chains.setdefault(command.aggregate, []).append(i)
            else:
                decided = self._at_once(command)
                if decided is None:
                    chains[command.aggregate] = [i]
                    continue
                answers[i] = decided
                halted.update([command.aggregate] if isinstance(decided, Deferral) else ())
                if laps.are_over(command):
                    # Leases must be renewed and other partitions served meanwhile.
                    await anyio.lowlevel.checkpoint()
                    laps.begin()
        if chains:
            until = anyio.current_time() + patience
            async with anyio.create_task_group() as tasks:
                for chain in chains.values():
                    tasks.start_soon(self._decide_chain, received, chain, answers, until)
        return answers

    def _unasked(self, command: Received) -> Answer | None:
        """The answer to a command that no decider need see.

        Whether its id can be believed comes first: what is remembered of an id has its time.
        """
        unfit = self._window.refusal(command, None) if command.addressed else None
        if unfit is not None:
            return refused(unfit, of_id=False)
        if command.broken is not None:
            return failed(command, *command.broken)
        return None if command.refusal is None else refused(command.refusal)

    def _at_once(self, command: Received) -> Answer | Deferral | None:
        """What a decider says that need not wait; None where it turns out to."""
        decided = self._actors.decide(command)
        return None if decided is None else self._tried(command, decided)

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
        answer = self._attempts.begin(command)
        if isinstance(answer, Attempt):
            if not await answer.wait(until):
                return SLOW
            answer = self._attempts.finish(answer)
        return self._tried(command, answer)

    def _tried(self, command: Received, answer: Answer | Deferral) -> Answer | Deferral:
        """What follows from the first attempt."""
        if isinstance(answer, Deferral) and self._waiting.is_spent(command, 1, 0.0):
            return given_up(command, answer)
        return answer
