from collections.abc import Iterator

import pytest

from tests.edge.verify.damaging import Filled, filled


@pytest.fixture(scope="package")
def whole(
    valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Filled, dict[bytes, bytes]]]:
    with filled(valkey_url, tmp_path_factory.mktemp("verify")) as both:
        yield both


@pytest.fixture
def shop(whole: tuple[Filled, dict[bytes, bytes]]) -> Filled:
    """The namespace as it was when it was whole."""
    shop, dumped = whole
    shop.redis.delete(*shop.redis.keys(f"*{shop.keys.namespace}*"))
    for key, raw in dumped.items():
        shop.redis.restore(key, 0, raw)
    return shop
