from collections.abc import Iterator

import pytest

from tests.edge.rebuilding.shop import Shop, opened


@pytest.fixture
def shop(valkey_url: str, namespace: str) -> Iterator[Shop]:
    """A namespace with an engine, and nobody who projects."""
    with opened(valkey_url, namespace) as shop:
        yield shop
