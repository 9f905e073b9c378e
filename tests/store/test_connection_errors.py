"""What an error reply does: to its caller, and to all who share the connection."""

import asyncio
import gc
from typing import Any

import anyio
import pytest

from engine.core.doubt import ANSWERS, Meaning
from engine.core.errors import Fenced, Lost, NotNow, Refused, SemelError, Torn
from engine.store.connection import Connection
from engine.store.dialling import connect
from tests.store.answering import answering
from tests.store.test_connection import connected

REST = {"MOVED": "3999 127.0.0.1:1", "ASK": "3999 127.0.0.1:1"}
"""What follows the code, where redis-py reads on."""

RAISED: dict[Meaning, type[SemelError]] = {
    Meaning.FENCED: Fenced, Meaning.TORN: Torn, Meaning.LOAD: Refused, Meaning.AGAIN: NotNow,
}  # fmt: skip


def reply(code: str) -> str:
    return f"-{code} {REST.get(code, 'says the server')}"


def codes(*meanings: Meaning) -> list[str]:
    return [code for code, meaning in ANSWERS.items() if meaning in meanings]


@pytest.mark.parametrize("code", codes(*RAISED))
async def test_an_error_of_one_call_is_that_calls_alone(code: str) -> None:
    async with answering({"XADD": reply(code)}) as url, connected(url) as connection:
        bad, good = connection.call("XADD", "k"), connection.call("PING")
        with pytest.raises(RAISED[ANSWERS[code]]) as refused:
            await bad
        assert type(refused.value) is RAISED[ANSWERS[code]]
        assert await good == b"OK"


@pytest.mark.parametrize("code", codes(Meaning.AWAY))
async def test_a_server_that_serves_us_no_more_ends_the_connection_for_all(code: str) -> None:
    async with answering({"XADD": reply(code)}) as url, connected(url) as connection:
        before = connection.call("PING")
        sent = [connection.call(name) for name in ("XADD", "PING", "XADD")]
        assert await before == b"OK"
        for one in sent:
            with pytest.raises(Lost), anyio.fail_after(5):
                await one
        with pytest.raises(Lost):
            await connection.call("PING")


@pytest.mark.parametrize("code", codes(Meaning.AWAY))
async def test_whoever_runs_it_or_waits_is_told_why_it_ended(code: str) -> None:
    async with answering({"XADD": reply(code)}) as url, connect(url) as connection:
        told: list[str] = []

        async def run() -> None:
            with pytest.raises(Lost) as lost:
                await connection.run()
            told.append(str(lost.value))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            with pytest.raises(Lost) as lost:
                await connection.call("XADD")
    # Which of the two is reported is chance: both must say it.
    assert told == [str(lost.value)]
    assert REST.get(code, "says the server") in told[0]


async def test_an_error_that_nobody_waits_for_is_no_trouble() -> None:
    """Of several calls that went out together the first that is refused may be the last seen."""
    complaints: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    handler = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, complaint: complaints.append(complaint))
    try:
        async with answering({"HSET": reply("OOM")}) as url, connected(url) as connection:
            await give_up_at_the_first(connection, NotNow)
            assert await connection.call("PING") == b"OK"
        await give_up_at_the_first(connection, Lost)
        gc.collect()
    finally:
        loop.set_exception_handler(handler)
    assert complaints == []


async def give_up_at_the_first(connection: Connection, error: type[SemelError]) -> None:
    first, *_ = [connection.call("HSET") for _ in range(3)]
    with pytest.raises(error):
        await first
