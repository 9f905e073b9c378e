"""Ids of commands from inside: whose they are, what they name, and who can make them."""

import pytest

from engine.core.inside import (
    Cause,
    again_id,
    cause_in,
    inside_id,
    is_inside_id,
    reaction_id,
)

SECRET = b"secret"
CAUSE = Cause("fulfilment", "order-42", "c-1", 2, 0)


def test_a_routers_id_names_its_cause() -> None:
    id = reaction_id(SECRET, CAUSE, "stock-7")
    assert id.startswith("fulfilment/order-42/c-1/2/0/")
    assert cause_in(id) == CAUSE
    assert id == reaction_id(SECRET, CAUSE, "stock-7")


def test_it_is_good_for_one_aggregate_and_one_secret() -> None:
    id = reaction_id(SECRET, CAUSE, "stock-7")
    assert is_inside_id(SECRET, id, "stock-7")
    assert not is_inside_id(SECRET, id, "stock-8")
    assert not is_inside_id(b"another", id, "stock-7")
    assert not is_inside_id(SECRET, id.replace("/2/", "/3/"), "stock-7")


def test_an_inbox_id_is_good_whatever_the_aggregate() -> None:
    id = inside_id(SECRET, "inbox", "7-0")
    assert is_inside_id(SECRET, id, "order-1")
    assert is_inside_id(SECRET, id, "")
    assert cause_in(id) is None


def test_ids_do_not_grow_from_command_to_command() -> None:
    lengths = set()
    id = "c-1"
    for _ in range(20):
        id = reaction_id(SECRET, CAUSE._replace(command=id), "stock-7")
        lengths.add(len(id))
    assert max(lengths) < len("fulfilment/order-42/2/0/") + 2 * 17


@pytest.mark.parametrize(
    "id", ["", "a", "a/b/c/d/e", "r/a-1/c/x/0/t", "r/a-1/c/0/-1/t", "a/b/c/0/0/t/u"]
)
def test_what_no_router_made_names_no_cause(id: str) -> None:
    assert cause_in(id) is None
    assert not is_inside_id(SECRET, id, "")


def test_what_is_submitted_again_keeps_its_cause() -> None:
    id = reaction_id(SECRET, CAUSE, "stock-7")
    for _ in range(3):
        id = again_id(SECRET, id)
        assert is_inside_id(SECRET, id, "stock-7")
        assert cause_in(id) == CAUSE
    assert id.rsplit("/", 2)[1] == "3"
    for other in ("c-1", inside_id(SECRET, "inbox", "7-0")):
        again = again_id(SECRET, other)
        assert is_inside_id(SECRET, again, "stock-7")
        assert cause_in(again) is None
