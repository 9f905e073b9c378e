"""A stage with bells on it, and what a test sees of their timers."""

import json
from collections.abc import Callable
from typing import Any

from engine.core.outcome import Outcome
from engine.core.ports import Ledger
from tests.eventually import eventually
from tests.runtime.bells import clockwork
from tests.runtime.meddling import Meddler
from tests.runtime.stage import Stage, home

BELL = "bell-1"
HOME = home(BELL)


def stage_with(**settings: Any) -> Stage:
    """A stage with bells on it."""
    stage = Stage(**settings)
    stage.domain = clockwork()
    return stage


def known(stage: Stage) -> dict[str, Any]:
    """Each timer until its command was handled."""
    kept = stage.server.data.hash(stage.keys.timer(HOME))
    return {key: json.loads(value) for key, value in kept.items()}


def waiting(stage: Stage) -> dict[str, float]:
    """The timers that have not fired, and when they are due."""
    return dict(stage.server.data.ranking(stage.keys.timers(HOME)))


def sent(stage: Stage) -> list[dict[str, str]]:
    """The commands that timers have become."""
    entries = stage.server.data.stream(stage.keys.commands(HOME)).entries
    fields = [{k.decode(): v.decode() for k, v in entry.fields.items()} for entry in entries]
    return [one for one in fields if one.get("id", "").startswith("timer/")]


async def handled(stage: Stage, count: int = 1) -> list[Outcome]:
    """The outcomes of so many timers' commands, once they are there; and nothing is left."""

    def found() -> list[Outcome] | None:
        answers = [one for one in stage.outcomes(HOME) if one.id.startswith("timer/")]
        return answers if len(answers) >= count else None

    answers = await eventually(found, f"{count} timers' commands are handled")
    assert answers is not None
    assert len(answers) == count
    return answers


def through(stage: Stage, timers: Callable[[Any], Any]) -> None:
    """Have whoever owns a partition reach its timers through something."""

    class Between(Meddler):
        def __init__(self, ledger: Ledger) -> None:
            super().__init__(ledger)
            self.timers = timers(ledger.timers)

    wrap: Any = Between
    stage.wrap = wrap
