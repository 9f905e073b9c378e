"""A probe whose state is kept in snapshots: what tests of these begin with."""

import json
from typing import Any

from prometheus_client import Counter

from engine.core.outcome import Status
from tests.eventually import eventually
from tests.runtime.stage import Stage, home

PROBE = "probe-1"
HOME = home(PROBE)


def counted(counter: Counter, label: str) -> float:
    return float(counter.labels(label)._value.get())


def snapshot(stage: Stage) -> dict[str, Any]:
    """What stands in the snapshot, nothing where there is none."""
    text = stage.server.data.text(stage.keys.snapshot(HOME, PROBE))
    found: dict[str, Any] = json.loads(text) if text else {}
    return found


def damage(stage: Stage, old: str, new: str) -> None:
    """Have a stranger change the snapshot."""
    key = stage.keys.snapshot(HOME, PROBE)
    text = stage.server.data.text(key)
    assert text is not None
    assert old in text
    stage.server.data.plant(key, text.replace(old, new))


async def note(stage: Stage, *texts: str) -> None:
    """Have some texts noted, one command each."""
    for text in texts:
        assert (await stage.answer("Note", PROBE, {"text": text})).status is Status.ACCEPTED


async def kept(stage: Stage, version: int) -> None:
    await eventually(lambda: snapshot(stage).get("version") == version, f"version {version} kept")


async def with_snapshot(stage: Stage) -> None:
    """An aggregate with five events, whose owner has gone, and a snapshot of the fourth."""
    async with stage.owner(HOME):
        await note(stage, "a", "b", "c", "d")
        await kept(stage, 4)
        await note(stage, "e")


async def texts(stage: Stage) -> Any:
    """The state of the probe, as the owner that comes now has it."""
    async with stage.owner(HOME) as served:
        before = len(stage.events(PROBE))
        outcome = await stage.answer("Note", PROBE, {"text": "z"})
        assert (outcome.status, outcome.version) == (Status.ACCEPTED, before + 1)
        return served._actors._actors[PROBE].state
