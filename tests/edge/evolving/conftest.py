from collections.abc import Iterator

import pytest

from tests.edge.evolving.till import Project


@pytest.fixture(scope="package")
def whole(
    valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Project, dict[bytes, bytes]]]:
    """A till with a little history, and all that is kept of it."""
    till = Project(tmp_path_factory.mktemp("till"), valkey_url, "test_evolving")
    assert till.semel.run("init", "--partitions", "2").code == 0
    with till.served():
        outcomes = till.submit(
            ("Pay", "till-1", "1.50"), ("Pay", "till-2", "2.50"), ("Pay", "till-3", "3.50"),
            ("Take", "till-1", "1"), ("Take", "till-1", "900"), ("Pay", "till-1", "0.5"),
            ("Pay", "till-2", "nothing"),
        )  # fmt: skip
        assert [each["status"] for each in outcomes] == [
            *["accepted"] * 4, "rejected", "accepted", "rejected",
        ]  # fmt: skip
        assert till.rows_are_made()
    keys = till.redis.keys("*test_evolving*")
    yield till, {key: till.redis.dump(key) for key in keys}
    till.clear()
    till.redis.close()


@pytest.fixture
def till(whole: tuple[Project, dict[bytes, bytes]]) -> Project:
    """The till as it was, and its first code."""
    till, dumped = whole
    till.clear()
    for key, raw in dumped.items():
        till.redis.restore(key, 0, raw)
    till.write()
    return till
