"""``semel verify`` where aggregates are parked: their rows have taken no event from there on."""

import pytest

from engine.core.audit.moment import Moment
from engine.core.parking import Fault, Note, written
from engine.store.evidence import RedisEvidence
from tests.edge.verify.damaging import Filled


def park(shop: Filled, version: int) -> str:
    """Note that order-1 was parked at a version, whatever its row has taken; returns the key."""
    position = int(shop.logged(version)[0].partition("-")[0])
    key = shop.keys.parked(shop.home, "orders", 1)
    note = Note(position, "OrderShipped", Fault("KeyError", "a bug"), 4, 1_769_860_800_000)
    shop.redis.hset(key, "order-1", written(note))
    return key


def test_a_row_that_took_an_event_of_a_parked_aggregate_is_named(shop: Filled) -> None:
    park(shop, 3)
    assert {(check, key) for check, key, _ in shop.verify()} >= {("row_differs", shop.row)}


def test_a_row_that_should_not_be_there_is_named(shop: Filled) -> None:
    park(shop, 1)
    assert ("row_stray", shop.row, "") in shop.verify()


@pytest.mark.parametrize("version", [1, 3])
def test_what_is_replayed_meanwhile_is_no_fault(
    shop: Filled, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    """The row here is what it is after the replay; the note goes after it was read."""
    key, gone = park(shop, version), []
    moment = RedisEvidence.moment

    async def replayed(evidence: RedisEvidence) -> Moment:
        found = await moment(evidence)
        if found.passed_over:
            gone.append(shop.redis.delete(key))
        return found

    monkeypatch.setattr(RedisEvidence, "moment", replayed)
    assert shop.verify() == []
    assert gone == [1]
