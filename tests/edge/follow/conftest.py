"""Following on each store, without the pauses that are there for people and for servers."""

from collections.abc import Iterator

import pytest

from engine.edge import floor, follow, watches
from tests.contract.stores import MemoryStore, RedisStore, Store


@pytest.fixture(params=["memory", "valkey"])
def store(request: pytest.FixtureRequest, namespace: str) -> Iterator[Store]:
    """In memory, and on a real server."""
    if request.param == "memory":
        yield MemoryStore(namespace)
        return
    redis = RedisStore("valkey", request.getfixturevalue("valkey_url"), namespace)
    yield redis
    redis.close()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is paced for people is quicker here; and no look finds what was not told."""
    monkeypatch.setattr(follow, "PAUSE_SECONDS", 0.005)
    monkeypatch.setattr(watches, "LOOK_SECONDS", 3600)
    monkeypatch.setattr(floor, "AGAIN_SECONDS", 3600)


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked again and again whether all is told, and whether what is waited for exists."""
    monkeypatch.setattr(watches, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(floor, "AGAIN_SECONDS", 0.05)
