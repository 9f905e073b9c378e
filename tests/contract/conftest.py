from collections.abc import Iterator

import pytest

from tests.contract.stores import MemoryStore, RedisStore, Store

URLS = {"fakeredis": "fake_url", "valkey": "valkey_url", "redis": "redis7_url"}


@pytest.fixture(params=["memory", *URLS])
def store(request: pytest.FixtureRequest, namespace: str) -> Iterator[Store]:
    """Every store in turn, with an empty namespace that goes afterwards."""
    if request.param == "memory":
        yield MemoryStore(namespace)
        return
    redis = RedisStore(request.param, request.getfixturevalue(URLS[request.param]), namespace)
    yield redis
    redis.close()


@pytest.fixture(params=URLS)
def redis_store(request: pytest.FixtureRequest, namespace: str) -> Iterator[RedisStore]:
    """Every store that speaks Redis's protocol: what the one in memory is compared with."""
    redis = RedisStore(request.param, request.getfixturevalue(URLS[request.param]), namespace)
    yield redis
    redis.close()


@pytest.fixture(params=["commands", "inbox"])
def about(request: pytest.FixtureRequest) -> str:
    """Which stream is mended."""
    return str(request.param)
