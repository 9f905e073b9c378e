"""``semel projection verify`` on a real server: one projection, all of its rows or some."""

import pytest

from engine.core.generations import Generations, write_generations
from tests.edge.verify.damaging import ORDERS, Filled


def verify(shop: Filled, *words: str, **environment: str) -> dict[str, object]:
    """A run that finds nothing."""
    said = shop.semel.run("projection", "verify", *words, "-o", "json", stdin=b"", **environment)
    assert (said.code, said.errors) == (0, []), said.err
    data: dict[str, object] = said.data
    return data


def test_it_says_how_much_was_compared(shop: Filled) -> None:
    said = verify(shop, "orders")
    said.pop("seconds")
    assert said == {
        "projection": "orders", "generation": 1, "sample": None, "rows": ORDERS,
        "entries": 2 * ORDERS, "parked": 0, "unjudged": 0, "passes": 1, "findings": 0,
    }  # fmt: skip
    assert verify(shop, "customers")["rows"] == 1
    text = shop.semel.run("projection", "verify", "orders").out
    assert f"orders@1: {ORDERS} rows and {2 * ORDERS} index entries compared" in text
    assert "nothing is wrong" in text


def test_a_sample_takes_so_many_rows_with_their_entries(shop: Filled) -> None:
    said = verify(shop, "orders", "--sample", "3")
    assert (said["rows"], said["entries"], said["sample"]) == (3, 6, 3)
    text = shop.semel.run("projection", "verify", "orders", "--sample", "3").out
    assert "3 rows chosen at random and 6 index entries" in text


def test_what_is_wrong_is_named_in_every_format(shop: Filled) -> None:
    shop.redis.hset(shop.row, "status", "lost")
    said = shop.semel.run("projection", "verify", "orders")
    assert said.code == 1
    assert f"row_differs  {shop.row} status: expected 'shipped', found 'lost'" in said.out
    said = shop.semel.run("projection", "verify", "orders", "-o", "jsonl")
    assert (said.code, [line["id"] for line in said.lines]) == (1, ["status"])
    assert "1 findings" in said.err


@pytest.mark.parametrize(
    ("words", "environment", "code", "message"),
    [
        (["nothing"], {}, 4, "there is no projection nothing. Those in the code here: customers"),
        (["orders", "--generation", "7"], {}, 4, "orders has no generation 7; it has 1"),
        (["orders"], {"SEMEL_PROJECTIONS": "nowhere"}, 2, "the code of orders is not here"),
        (["orders", "--sample", "0"], {}, 2, "Invalid value for '--sample'"),
    ],
)
def test_what_cannot_be_asked(
    shop: Filled, words: list[str], environment: dict[str, str], code: int, message: str
) -> None:
    said = shop.semel.run("projection", "verify", *words, stdin=b"", **environment)
    assert (said.code, message in said.err) == (code, True), said.err


def made_by(shop: Filled, said: Generations) -> None:
    """Say this of the generations of orders."""
    key = shop.keys.live("orders")
    shop.redis.delete(key)
    fields = {name: text for name, text in write_generations(said).items() if text}
    shop.redis.hset(key, mapping=fields)


def test_rows_that_other_code_made_are_only_compared_where_that_is_asked(shop: Filled) -> None:
    made_by(shop, Generations(revision=3, digest="0ther"))
    said = shop.semel.run("projection", "verify", "orders")
    assert said.code == 0
    assert "orders@1 was made by other code than is found here" in said.err
    shop.redis.hset(shop.row, "status", "lost")
    assert shop.semel.run("projection", "verify", "orders").code == 1
    said = shop.semel.run("verify", "-o", "json")
    assert said.code == 0
    assert said.data["unchecked"] == ["orders@1 was made by other code than is here"]


def test_a_generation_that_is_over_is_not_judged(shop: Filled) -> None:
    made_by(shop, Generations(revision=3, live=2, last=2, removing=(1,)))
    said = shop.semel.run("verify", "-o", "json")
    assert said.code == 0
    assert said.data["unchecked"] == ["orders@1 is over, and being removed"]
