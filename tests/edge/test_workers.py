"""Several processes of one kind: a stop reaches each of them, at whatever moment it comes."""

import signal

import anyio
import pytest

from engine.edge import workers as module
from engine.edge.workers import _Workers
from tests.edge.command_line import Semel
from tests.eventually import eventually

SECONDS = 10


def waiting(url: str, namespace: str) -> list[str]:
    """The words of a process that ends when it is asked to."""
    return ["log", "--follow", "--redis", url, "--namespace", namespace]


@pytest.fixture
def words(valkey_url: str, namespace: str) -> list[str]:
    assert Semel(valkey_url, namespace).run("init", "--partitions", "1").code == 0
    return waiting(valkey_url, namespace)


async def test_who_is_just_being_started_is_stopped_too(words: list[str]) -> None:
    """And one that was stopped before it could listen has done as it was asked."""
    workers = _Workers()
    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(workers.keep, 0, words)
            await anyio.lowlevel.checkpoint()
            assert not workers._running
            workers.send(signal.SIGTERM)
    assert workers.worst == 0


async def test_who_has_not_been_started_yet_never_is(words: list[str]) -> None:
    workers = _Workers()
    workers.send(signal.SIGTERM)
    with anyio.fail_after(SECONDS):
        await workers.keep(0, words)
    assert (workers._running, workers.worst) == (set(), 0)


async def test_who_waits_to_be_started_again_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSE_FIRST", 60.0)
    workers = _Workers()
    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(workers.keep, 0, ["no-such-verb"])
            [process] = await eventually(lambda: set(workers._running), "it was started")
            assert await process.wait() == 2
            await eventually(lambda: not workers._running, "it is over")
            workers.send(signal.SIGTERM)
