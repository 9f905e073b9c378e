"""A projection goes on only where its history does: on a server that has what it has seen."""

import anyio
import pytest

from engine.core.errors import Torn
from engine.runtime import beginning
from engine.runtime import follower as module
from tests.eventually import eventually
from tests.runtime.reading import PARTITION, Reading, folded, plain, reading

EVENTS = 6


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for is waited for shortly."""
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.01)
    monkeypatch.setattr(beginning, "OWNER_SECONDS", 0.002)


def begin(r: Reading, branch: str, since: int, server: str | None = None) -> None:
    """Note that a branch began, on this server or another."""
    on = server or r.stage.server.run
    note = {b"branch": branch.encode(), b"from": b"%d" % since, b"server": on.encode()}
    r.stage.server.add(r.stage.keys.branches(PARTITION), note)


def branch_of(r: Reading) -> str:
    """The branch of the first generation's checkpoint."""
    key = r.stage.keys.projection(PARTITION, "customers", 1)
    return r.stage.server.data.hash(key)["branch"]


@pytest.mark.parametrize("noted", ["nothing", "another server"])
async def test_it_waits_until_an_owner_has_noted_its_server(noted: str) -> None:
    async with reading() as r:
        if noted == "nothing":
            r.stage.server.data.remove(r.stage.keys.branches(PARTITION))
        else:
            begin(r, "elsewhere", EVENTS, "another server")
        async with r.projecting(1) as projector:
            said = await eventually(lambda: projector.progress.trouble, "it says what it waits for")
            assert "waits for an engine" in said
            assert r.position(1) == 0
            async with r.stage.owner(PARTITION):
                await r.reached(1, EVENTS)
            assert projector.progress.trouble == ""
        assert plain(r.rows(1)) == folded(r)


async def test_who_waits_for_an_owner_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginning, "OWNER_SECONDS", 60)
    async with reading() as r:
        begin(r, "elsewhere", EVENTS, "another server")
        with anyio.fail_after(5):
            async with r.projecting(1) as projector:
                await eventually(lambda: projector.progress.trouble, "it waits")
        assert r.position(1) == 0


@pytest.mark.parametrize("since", [0, 4, EVENTS - 1])
async def test_a_checkpoint_beyond_where_a_later_branch_began_is_torn(since: int) -> None:
    """Even where the log has the same command at that place again."""
    async with reading() as r:
        await r.read(1)
        begin(r, "later", since)
        before = r.rows(1)
        with pytest.raises(Torn, match=r"position 6 .* on branch .* history was lost"):
            await (await r.projector(1)).serve(await r.acquire(1))
        assert r.rows(1) == before


async def test_a_checkpoint_on_a_branch_that_nobody_knows_is_torn() -> None:
    async with reading() as r:
        await r.read(1)
        key = r.stage.keys.projection(PARTITION, "customers", 1)
        r.stage.server.data.put(key, {"branch": "unknown"})
        with pytest.raises(Torn, match="on branch unknown"):
            await (await r.projector(1)).serve(await r.acquire(1))


async def test_a_checkpoint_on_an_older_branch_goes_on_if_it_is_not_beyond() -> None:
    async with reading() as r:
        await r.read(1)
        old = branch_of(r)
        begin(r, "later", EVENTS)
        async with r.stage.owner(PARTITION):
            order = r.entries()[2].fields[b"aggregate"].decode()
            await r.stage.answer("ShipOrder", order)
        await r.read(1)
        assert r.position(1) == EVENTS + 1
        assert (old != "later", branch_of(r)) == (True, "later")
        assert plain(r.rows(1)) == folded(r)


async def test_what_has_applied_nothing_yet_begins_on_any_branch() -> None:
    async with reading() as r:
        for since in (4, 2, 5):
            begin(r, f"since-{since}", since)
        assert plain(await r.read(1)) == folded(r)
        assert branch_of(r) == "since-5"
