"""Gateways that the tests of a module share: starting one takes longer than most tests."""

import secrets
from collections.abc import Iterator

import pytest
from anyio.from_thread import BlockingPortal

from tests.edge.http.gateways import Shop, gateway


@pytest.fixture(scope="module")
def shop_url(portal: BlockingPortal, valkey_url: str) -> Iterator[str]:
    """A gateway before the whole shop."""
    served = gateway(valkey_url, f"test_{secrets.token_hex(4)}", wait_seconds=5)
    with portal.wrap_async_context_manager(served) as url:
        yield url


@pytest.fixture(scope="module")
def deserted_url(portal: BlockingPortal, valkey_url: str) -> Iterator[str]:
    """A gateway behind which nobody works."""
    name = f"test_{secrets.token_hex(4)}"
    served = gateway(valkey_url, name, engine=False, wait_seconds=0.3)
    with portal.wrap_async_context_manager(served) as url:
        yield url


@pytest.fixture
def shop(shop_url: str) -> Iterator[Shop]:
    """Somebody who calls the shop."""
    with Shop(base_url=shop_url, timeout=20) as client:
        yield client


@pytest.fixture
def deserted(deserted_url: str) -> Iterator[Shop]:
    """Somebody who calls where nobody works."""
    with Shop(base_url=deserted_url, timeout=20) as client:
        yield client
