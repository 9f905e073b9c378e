"""Outcomes and receipts."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import Failed, Misuse, Rejected, VersionConflict
from engine.core.outcome import Outcome, Receipt, Status

NO = {"code": "order_shipped", "message": "the order has been shipped"}


def outcome(status: Status, detail: dict[str, Any] | None = None) -> Outcome:
    """An outcome of order-42."""
    return Outcome(
        entry="1700000000000-3",
        id="a",
        status=status,
        aggregate="order-42",
        version=2,
        position=1042,
        partition=7,
        branch="1f9c83d0",
        detail=detail or {},
    )


def duplicate(status: str, **said: object) -> Outcome:
    """An outcome that repeats a first one."""
    return outcome(Status.DUPLICATE, {"first": {"status": status, "version": 2, **said}})


@given(
    st.integers(min_value=0, max_value=2**14),
    st.integers(min_value=0, max_value=2**63),
    st.text("0123456789abcdef", min_size=1, max_size=64),
)
def test_a_receipt_travels_as_text(partition: int, position: int, branch: str) -> None:
    receipt = Receipt(partition, position, branch)
    assert Receipt.parse(str(receipt)) == receipt


def test_an_outcome_carries_its_receipt() -> None:
    assert str(outcome(Status.ACCEPTED).receipt) == "7.1042.1f9c83d0"


@pytest.mark.parametrize("text", ["", "7", "7.1042", "a.1042.b", "7.-1.b", "7.1042.b.c", "7.1_0.b"])
def test_what_is_no_receipt_is_misuse(text: str) -> None:
    with pytest.raises(Misuse, match=r"look like 7\.1042\.1f9c83d0"):
        Receipt.parse(text)


@pytest.mark.parametrize("text", ["7.1042.", "1" * 5000 + ".1.b"])
def test_what_is_hardly_a_receipt_is_misuse_too(text: str) -> None:
    with pytest.raises(Misuse):
        Receipt.parse(text)


@pytest.mark.parametrize("accepted", [outcome(Status.ACCEPTED), duplicate("accepted")])
def test_accepted_and_its_duplicate_are_a_yes(accepted: Outcome) -> None:
    assert accepted.raise_unless_accepted() is accepted
    assert accepted.decisive is Status.ACCEPTED


@pytest.mark.parametrize("rejected", [outcome(Status.REJECTED, NO), duplicate("rejected", **NO)])
def test_rejected_and_its_duplicate_are_a_no(rejected: Outcome) -> None:
    with pytest.raises(Rejected) as caught:
        rejected.raise_unless_accepted()
    assert caught.value.code == "order_shipped"
    assert caught.value.message == "the order has been shipped"
    assert rejected.decisive is Status.REJECTED


def test_a_rejection_names_the_fields() -> None:
    detail = {"code": "malformed", "message": "…", "errors": {"data.name": "Field required"}}
    with pytest.raises(Rejected) as caught:
        outcome(Status.REJECTED, detail).raise_unless_accepted()
    assert caught.value.errors == {"data.name": "Field required"}


def test_a_version_conflict_is_an_error_of_its_own() -> None:
    detail = {"code": "version_conflict", "message": "expected 3, is 2"}
    with pytest.raises(VersionConflict):
        outcome(Status.REJECTED, detail).raise_unless_accepted()


@pytest.mark.parametrize("failed", [outcome(Status.FAILED, NO), duplicate("failed", **NO)])
def test_failed_and_its_duplicate_are_neither(failed: Outcome) -> None:
    with pytest.raises(Failed, match="the order has been shipped"):
        failed.raise_unless_accepted()


def test_two_outcomes_do_not_share_their_detail() -> None:
    one, two = (msgspec.convert({**BARE, "id": id_}, Outcome) for id_ in "ab")
    one.detail["code"] = "x"
    assert two.detail == {}


BARE = {
    "entry": "1-0",
    "id": "a",
    "status": "accepted",
    "aggregate": "order-42",
    "version": 1,
    "position": 1,
    "partition": 0,
    "branch": "b",
}
