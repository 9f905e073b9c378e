"""A webhook: told a bounded number of times, never waited for, and nothing piles up."""

import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.from_thread
import pytest
import structlog

from engine.core.alerting import BEHIND, About
from engine.runtime import webhook as module
from engine.runtime.webhook import THREAD_NAME, Message, Webhook, shown
from tests.eventually import eventually
from tests.receiver import receiver

ORDERS, CUSTOMERS = About("orders", 1, BEHIND), About("customers", 1, BEHIND)
NOWHERE = "http://127.0.0.1:1/hooks/secret"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE_SECONDS", (0.001,) * 3)


def message(about: About = ORDERS, *, is_over: bool = False, text: str = "x") -> Message:
    body = {"projection": about.projection, "event": "e", "text": text}
    return Message(about, is_over, json.dumps(body).encode())


def posting() -> int:
    """How many threads post."""
    return [thread.name for thread in threading.enumerate()].count(THREAD_NAME)


@asynccontextmanager
async def telling(url: str) -> AsyncIterator[tuple[Webhook, list[Message]]]:
    told: list[Message] = []
    webhook = Webhook(url, told.append)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(webhook.run)
        yield webhook, told
        tasks.cancel_scope.cancel()


async def test_a_message_is_posted_once_as_json() -> None:
    with receiver() as one:
        async with telling(one.url) as (webhook, told):
            webhook.tell(message())
            await eventually(lambda: told == [message()], "it is told")
            webhook.tell(message(CUSTOMERS))
            await eventually(lambda: len(told) == 2, "the next one is told")
        assert [each["projection"] for each in one.messages] == ["orders", "customers"]
        assert (one.refused, one.types) == ([], {"application/json"})


@pytest.mark.parametrize("answer", [500, 404, 302, 307])
async def test_what_is_not_taken_is_told_again(answer: int) -> None:
    with receiver(answer, answer) as one:
        async with telling(one.url) as (webhook, told):
            webhook.tell(message())
            await eventually(lambda: told, "it is told")
        assert (len(one.refused), len(one.messages)) == (2, 1)


async def test_what_is_never_taken_is_given_up_and_that_is_said_without_the_secret() -> None:
    with structlog.testing.capture_logs() as logged:
        async with telling(NOWHERE) as (webhook, told):
            webhook.tell(message())
            await eventually(lambda: told, "it is given up")
    [line] = logged
    assert (line["event"], line["log_level"], line["attempts"]) == ("alert.undelivered", "error", 4)
    assert (line["about"], line["webhook"]) == ("orders@1 behind", "http://127.0.0.1/…")
    assert "Connection refused" in line["error"]
    assert "secret" not in str(line)


async def test_an_attempt_has_ended_though_its_thread_has_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run_sync, may_end = anyio.from_thread.run_sync, threading.Event()

    def lingering(*about: Any, **more: Any) -> None:
        run_sync(*about, **more)
        may_end.wait()

    monkeypatch.setattr(anyio.from_thread, "run_sync", lingering)
    with structlog.testing.capture_logs() as logged:
        async with telling(NOWHERE) as (webhook, told):
            webhook.tell(message())
            await eventually(lambda: told, "it is given up")
    may_end.set()
    await eventually(lambda: not posting(), "its threads have ended")
    [line] = logged
    assert "Connection refused" in line["error"]


async def test_one_that_does_not_answer_holds_up_nothing_and_gathers_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers, posted = threading.Event(), list[bytes]()

    def post(_url: str, body: bytes) -> str:
        answers.wait()
        posted.append(body)
        return ""

    monkeypatch.setattr(module, "POST_SECONDS", 0.01)
    monkeypatch.setattr(module, "_post", post)
    async with telling(NOWHERE) as (webhook, told):
        webhook.tell(message())
        await eventually(lambda: len(told) == 1, "it is given up")
        for n in range(100):
            webhook.tell(message(text=str(n)))
            webhook.tell(message(CUSTOMERS, text=str(n)))
        assert posting() == 1
        answers.set()
        await eventually(lambda: len(told) == 3, "the last of each is told")
    assert posted[0] == message().body
    assert posted[-2:] == [message(text="99").body, message(CUSTOMERS, text="99").body]


async def test_who_is_stopped_does_not_wait_for_an_answer() -> None:
    with receiver() as one:
        one.holds.clear()
        with anyio.fail_after(2):
            async with telling(one.url) as (webhook, told):
                webhook.tell(message())
                name = THREAD_NAME
                await eventually(
                    lambda: name in [t.name for t in threading.enumerate()], "it is under way"
                )
        assert told == []


def test_an_address_is_shown_without_what_may_be_its_password() -> None:
    assert shown("https://me:pw@hooks.example.com:8443/services/T0/B0?key=x") == (
        "https://hooks.example.com/…"
    )
