"""What a client makes of outcomes: whose they are, in whatever order it learns of things."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from engine.core.codec import digest_of
from engine.core.errors import Deferred, SemelError, Unknown
from engine.core.outcome import Outcome
from engine.core.routing import partition_of
from engine.edge.dispatch import Dispatch
from engine.store.keys import Keys
from engine.store.memory import MemoryServer, open_memory_session
from tests.eventually import eventually

NAMESPACE, PARTITIONS = "here", 4
FAR = 9_999_999_999_999
SECONDS = 5
ONE = "order-1"
HOME = partition_of(ONE, PARTITIONS)


class Desk:
    """A client's dispatch, with a test in the place of Redis's replies and of the engine."""

    def __init__(self, session: Any, server: MemoryServer) -> None:
        self._session, self._server = session, server
        self.dispatch = Dispatch()
        self.sent: list[tuple[str, Callable[[str | SemelError], None]]] = []
        """Who was submitted, and how to tell where it stands."""
        self.answers: dict[str, Outcome] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def submit(self, _: int, fields: Mapping[str, bytes], done: Callable[..., None]) -> None:
        """Take a command as Redis would, and tell nobody yet."""
        self.sent.append((fields["id"].decode(), done))

    async def ask(self, id: str, seconds: float = SECONDS) -> None:
        """Dispatch a command and keep its outcome."""
        fields = {"id": id.encode(), "type": b"T", "data": b"{}", "meta": b""}
        self.answers[id] = await self.dispatch.submit(ONE, id, fields, seconds)

    async def tell(self, id: str, entry: str) -> None:
        """Say where the last submission of a command stands."""
        await eventually(lambda: id in dict(self.sent), f"{id} was submitted")
        dict(self.sent)[id](entry)

    def commit(
        self, id: str, entry: str, aggregate: str = ONE, status: str = "accepted", late: str = ""
    ) -> None:
        """Write an outcome as the engine does, or with ``late`` as its id a late one."""
        said = {
            "id": id, "status": status, "aggregate": aggregate, "version": "1",
            "position": "1", "branch": "b", "digest": digest_of("T", b"{}", None), "detail": "{}",
        }  # fmt: skip
        fields = {name.encode(): text.encode() for name, text in said.items()}
        if late:
            self._server.add(Keys(NAMESPACE).late(HOME), fields | {b"of": entry.encode()}, late)
        else:
            self._server.add(Keys(NAMESPACE).outcomes(HOME), fields, entry)

    async def answered(self, id: str) -> Outcome:
        """The outcome that a command's sender was given."""
        await eventually(lambda: id in self.answers, f"{id} was answered")
        return self.answers[id]


@pytest.fixture
def server() -> MemoryServer:
    return MemoryServer()


@asynccontextmanager
async def desk_on(server: MemoryServer) -> AsyncIterator[tuple[Desk, anyio.abc.TaskGroup]]:
    async with (
        open_memory_session(server, NAMESPACE) as session,
        anyio.create_task_group() as tasks,
    ):
        await session.create(PARTITIONS)
        desk: Any = Desk(session, server)
        tasks.start_soon(desk.dispatch.work, desk)
        await desk.dispatch.session()
        yield desk, tasks
        tasks.cancel_scope.cancel()


async def watching(desk: Desk, tasks: Any, now: int) -> None:
    """Have the partition's outcomes read."""
    tasks.start_soon(desk.ask, "first")
    await desk.tell("first", f"{now}-0")
    desk.commit("first", f"{now}-0")
    await desk.answered("first")


@pytest.mark.parametrize("entry", ["{now}-1", f"{FAR}-1"])
async def test_an_outcome_may_be_read_before_its_entry_is_told(
    server: MemoryServer, entry: str
) -> None:
    now = server.now_ms()
    async with desk_on(server) as (desk, tasks):
        await watching(desk, tasks, now)
        tasks.start_soon(desk.ask, "early")
        await eventually(lambda: len(desk.sent) == 2, "it was submitted")
        desk.commit("early", f"{now}-1")
        tasks.start_soon(desk.ask, "later")
        await desk.tell("later", f"{now}-2")
        desk.commit("later", f"{now}-2")
        await desk.answered("later")
        await desk.tell("early", entry.format(now=now))
        assert (await desk.answered("early")).entry == f"{now}-1"
    assert len(desk.sent) == 3


async def test_who_gave_up_behind_an_intruder_hides_no_loss(server: MemoryServer) -> None:
    now = server.now_ms()
    async with desk_on(server) as (desk, tasks):
        await watching(desk, tasks, now)
        async with anyio.create_task_group() as trying:

            async def give_up() -> None:
                with pytest.raises(Unknown):
                    await desk.ask("gives-up", 0.1)

            trying.start_soon(give_up)
            await desk.tell("gives-up", f"{FAR}-1")
        tasks.start_soon(desk.ask, "lost")
        await desk.tell("lost", f"{now}-1")
        desk.commit("somebody's", f"{now}-2")
        await eventually(lambda: len(desk.sent) == 4, "it was submitted again")
        await desk.tell("lost", f"{now}-3")
        desk.commit("lost", f"{now}-3")
        assert (await desk.answered("lost")).entry == f"{now}-3"


@pytest.mark.parametrize("entry", ["{now}-5", f"{FAR}-1"])
async def test_an_outcome_of_another_aggregate_is_anothers(
    server: MemoryServer, entry: str
) -> None:
    now = server.now_ms()
    entry = entry.format(now=now)
    async with desk_on(server) as (desk, tasks):
        await watching(desk, tasks, now)
        tasks.start_soon(desk.ask, "mine")
        await desk.tell("mine", entry)
        desk.commit("mine", f"{now}-1", aggregate="order-9")
        desk.commit("mine", f"{now}-5")
        assert (await desk.answered("mine")).aggregate == ONE


async def test_who_was_deferred_is_told_the_late_outcome(server: MemoryServer) -> None:
    now = server.now_ms()
    async with desk_on(server) as (desk, tasks):
        for n, id in enumerate(("one", "two", "three")):
            tasks.start_soon(desk.ask, id)
            await desk.tell(id, f"{now}-{n}")
            desk.commit(id, f"{now}-{n}", status="deferred")
        desk.commit("two", f"{now}-1", late=f"{now}-0")
        assert (await desk.answered("two")).late == f"{now}-0"
        desk.commit("somebody's", f"{now}-0", late=f"{now}-1")
        desk.commit("one", f"{now}-0", status="failed", late=f"{now}-2")
        desk.commit("three", f"{now}-2", late=f"{now}-3")
        answers = [await desk.answered(id) for id in ("one", "three")]
    assert [(one.status, one.entry) for one in answers] == [
        ("failed", f"{now}-0"), ("accepted", f"{now}-2"),
    ]  # fmt: skip
    assert len(desk.sent) == 3


async def test_a_late_outcome_may_be_read_before_anything_else(server: MemoryServer) -> None:
    now = server.now_ms()
    async with desk_on(server) as (desk, tasks):
        tasks.start_soon(desk.ask, "one")
        await desk.tell("one", f"{now}-0")
        desk.commit("one", f"{now}-0", status="deferred")
        tasks.start_soon(desk.ask, "two")
        await eventually(lambda: len(desk.sent) == 2, "it was submitted")
        desk.commit("two", f"{now}-1", late=f"{now}-0")
        desk.commit("one", f"{now}-0", late=f"{now}-1")
        await desk.answered("one")
        await desk.tell("two", f"{now}-1")
        assert (await desk.answered("two")).late == f"{now}-0"
        desk.commit("two", f"{now}-1", status="deferred")


async def test_who_is_still_deferred_when_time_is_up_is_told_so(server: MemoryServer) -> None:
    now = server.now_ms()
    async with desk_on(server) as (desk, tasks):
        async with anyio.create_task_group() as trying:

            async def give_up() -> None:
                with pytest.raises(Deferred, match="submit it again with the same id") as told:
                    await desk.ask("one", 0.3)
                assert told.value.id == "one"

            trying.start_soon(give_up)
            await desk.tell("one", f"{now}-0")
            desk.commit("one", f"{now}-0", status="deferred")
        tasks.start_soon(desk.ask, "two")
        await desk.tell("two", f"{now}-1")
        desk.commit("two", f"{now}-1")
        assert (await desk.answered("two")).status == "accepted"


async def test_who_is_deferred_on_one_session_is_answered_on_the_next(
    server: MemoryServer,
) -> None:
    now = server.now_ms()
    async with desk_on(server) as (desk, tasks):
        tasks.start_soon(desk.ask, "one", 20)
        await desk.tell("one", f"{now}-0")
        desk.commit("one", f"{now}-0", status="deferred")
        waiting = next(iter(desk.dispatch._unanswered))
        await eventually(lambda: waiting.deferred, "it is deferred")
        async with anyio.create_task_group() as again:
            desk.sent.clear()
            again.start_soon(desk.dispatch.work, desk)
            await desk.tell("one", f"{now}-5")
            assert waiting.deferred is None
            desk.commit("one", f"{now}-5", status="deferred")
            desk.commit("one", f"{now}-5", status="duplicate", late=f"{now}-5")
            await eventually(lambda: "one" in desk.answers, "it is answered")
            again.cancel_scope.cancel()
