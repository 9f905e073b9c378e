"""What goes first on the sockets of whoever reads a stream and answers it."""

import anyio
import pytest

from engine import app
from engine.edge.bench.tap import tapped
from engine.settings import Settings

pytestmark = pytest.mark.anyio


async def test_an_answer_goes_before_the_next_read(valkey_url: str, namespace: str) -> None:
    settings = Settings(redis=valkey_url, namespace=namespace)
    fields = dict.fromkeys(("id", "type", "aggregate", "data", "meta"), b"x")
    with tapped() as stamps:
        async with app.namespace_session(settings, create=2) as session:
            feed = await session.feed()
            asked = feed.subscribe(session.commands_key(0), "0-0")
            session.submit(0, fields, lambda _: None)
            assert await asked.take()
            stamps.clear()
            session.submit(0, fields, lambda _: None)
            assert await asked.take()
            answered = anyio.Event()
            session.submit(1, fields, lambda _: answered.set())
            await answered.wait()
            await session.now_ms()
    reader = next(stamp.link for stamp in stamps if stamp.is_read)
    woken = next(n for n, s in enumerate(stamps) if s.link == reader and not s.is_sent)
    after = [stamp.is_read for stamp in stamps[woken:] if stamp.is_sent]
    assert after[:2] == [False, True], "what was answered, then the next read"
