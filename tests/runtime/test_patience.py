"""What Redis did not run is sent again until it is taken; nothing else ever is."""

from collections.abc import Sequence

import anyio
import pytest
import structlog

from engine.core.errors import Fenced, Lost, NotNow, Refused
from engine.runtime import patience
from engine.runtime.patience import patiently
from engine.runtime.progress import Progress
from tests.eventually import eventually

FULL = NotNow("OOM command not allowed")


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for is waited for shortly."""
    monkeypatch.setattr(patience, "PAUSE_SECONDS", (0.001,))


class Step:
    """A step that fails as it is told to, and is then taken."""

    def __init__(self, failures: Sequence[Exception]) -> None:
        self._failures = list(failures)
        self.tries = 0

    async def __call__(self) -> str:
        self.tries += 1
        await anyio.lowlevel.checkpoint()
        if self._failures:
            raise self._failures.pop(0)
        return "taken"


def going_on() -> bool:
    """Nobody has asked for a stop."""
    return False


async def test_a_step_that_is_taken_at_once_says_nothing() -> None:
    step, progress = Step([]), Progress()
    with structlog.testing.capture_logs() as logged:
        assert await patiently(step, progress, going_on) == "taken"
    assert (step.tries, logged, progress.trouble) == (1, [], "")


async def test_a_step_that_is_not_run_is_taken_again_and_that_is_said_once() -> None:
    step, progress = Step([FULL] * 7), Progress()
    with structlog.testing.capture_logs() as logged:
        assert await patiently(step, progress, going_on) == "taken"
    assert step.tries == 8
    assert [(said["event"], said.get("attempts")) for said in logged] == [
        ("redis.refusing", None), ("redis.accepting", 7),
    ]  # fmt: skip
    assert logged[0]["error"] == str(FULL)


async def test_whoever_asks_is_told_what_keeps_it() -> None:
    step, progress = Step([FULL] * 1_000_000), Progress()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(patiently, step, progress, going_on)
        await eventually(lambda: step.tries > 3, "it is tried again")
        assert progress.report().trouble == str(FULL)
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("error", [Lost("gone"), Fenced("no"), Refused("WRONGTYPE"), KeyError("x")])
async def test_whatever_else_is_wrong_is_never_tried_again(error: Exception) -> None:
    step = Step([FULL, error])
    with pytest.raises(type(error)):
        await patiently(step, Progress(), going_on)
    assert step.tries == 2


async def test_a_stop_ends_it_with_what_kept_it() -> None:
    step, progress = Step([FULL] * 9), Progress()
    with pytest.raises(NotNow, match="OOM"):
        await patiently(step, progress, lambda: step.tries == 3)
    assert step.tries == 3
    assert progress.trouble == str(FULL)


def test_pauses_grow_and_stay_short() -> None:
    """A server that recovers is at work again within a second."""
    assert list(patience.PAUSE_SECONDS) == sorted(patience.PAUSE_SECONDS)
    assert patience.PAUSE_SECONDS[-1] <= 1
