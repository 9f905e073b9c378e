"""The server in memory beyond the ports: it goes away, comes back, and has a clock to wind."""

import anyio
import pytest

from engine.core.errors import Lost, Refused, SemelError, Unavailable, single
from engine.store.keys import Keys
from engine.store.memory import MemoryServer, MemorySession, open_memory_session
from tests.eventually import eventually

NAMESPACE = "here"
COMMAND = {"id": b"", "type": b"T", "aggregate": b"a-1", "data": b"", "meta": b""}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> MemoryServer:
    return MemoryServer(clock)


async def test_data_outlives_sessions(server: MemoryServer) -> None:
    async with open_memory_session(server, NAMESPACE) as session:
        await session.create(8)
    async with open_memory_session(server, NAMESPACE) as another:
        await another.enter(8)


async def test_a_stopped_server_lets_nobody_in(server: MemoryServer) -> None:
    server.stop()
    with pytest.raises(Unavailable):
        async with open_memory_session(server, NAMESPACE):
            pass
    server.restart()
    async with open_memory_session(server, NAMESPACE) as session:
        await session.inspection.ping()


async def wait_until_broken(server: MemoryServer, opened: list[MemorySession]) -> None:
    async with open_memory_session(server, NAMESPACE) as session:
        opened.append(session)
        await (await session.feed()).subscribe("stream", "0-0").take()


@pytest.mark.parametrize("how", ["break_sessions", "restart", "stop"])
async def test_a_broken_session_is_lost_for_ever(server: MemoryServer, how: str) -> None:
    opened: list[MemorySession] = []
    told: list[str | SemelError] = []

    async def live() -> None:
        with pytest.raises(BaseExceptionGroup) as broken:
            await wait_until_broken(server, opened)
        assert isinstance(single(broken.value), Lost)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(live)
        [session] = await eventually(lambda: opened, "the session is open")
        session.submit(0, COMMAND, told.append)
        getattr(server, how)()
    with pytest.raises(Lost):
        await session.inspection.ping()
    session.submit(0, COMMAND, told.append)
    assert told == []
    assert len(server.data.stream(Keys(NAMESPACE).commands(0)).entries) == 1


async def test_what_expires_is_gone_when_its_time_comes(server: MemoryServer, clock: Clock) -> None:
    async with open_memory_session(server, NAMESPACE) as session:
        await session.roster.beat("n-1", {"role": "engine"}, 5)
        clock.now += 4.9
        assert (await session.roster.members(60))["n-1"].about == {"role": "engine"}
        clock.now += 0.1
        assert (await session.roster.members(60))["n-1"].about == {}


def test_ids_rise_though_the_clock_stands_or_goes_back(server: MemoryServer, clock: Clock) -> None:
    ids = [server.add("s", {}), server.add("s", {})]
    clock.now -= 1
    ids.append(server.add("s", {}))
    clock.now += 2
    ids.append(server.add("s", {}))
    assert ids == ["1000000-0", "1000000-1", "1000000-2", "1001000-0"]
    with pytest.raises(Refused):
        server.add("s", {}, "1001000-0")
