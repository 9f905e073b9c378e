from collections.abc import Iterator

import pytest
from anyio.from_thread import BlockingPortal

from engine.edge.binary import Binary
from engine.edge.server import EmbeddedServer, embedded_server
from tests.faults.mutants.knife import Knife
from tests.faults.mutants.world import World


@pytest.fixture(params=["whole", "mutant"])
def knife(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Knife:
    """Each scenario is played twice: with the engine as it is, and with a check cut out."""
    return Knife(monkeypatch, cuts=request.param == "mutant")


@pytest.fixture
def world(valkey_url: str, namespace: str) -> Iterator[World]:
    """An empty namespace on the server that all tests share."""
    world = World(valkey_url, namespace)
    yield world
    world.close()


@pytest.fixture(scope="package")
def other(portal: BlockingPortal, valkey_binary: Binary) -> Iterator[EmbeddedServer]:
    """Another server, of these tests alone: its identity may be changed."""
    with portal.wrap_async_context_manager(embedded_server(binary=valkey_binary)) as server:
        yield server


@pytest.fixture
def elsewhere(other: EmbeddedServer, namespace: str) -> Iterator[World]:
    """An empty namespace on that server."""
    world = World(other.url, namespace)
    yield world
    world.close()
