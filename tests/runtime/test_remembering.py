"""How an owner loads what its partition remembers: by pages, and all of it in its order."""

from collections.abc import Sequence
from typing import cast

import pytest

from engine.core.ids import stream_order, uuid7
from engine.core.outcome import Outcome, Status
from engine.core.ports import Ledger
from engine.core.window import Window
from engine.runtime import remembering
from engine.runtime.remembering import Remembering
from tests.core.test_window import AGGREGATE, NOW, code, outcome, received

pytestmark = pytest.mark.anyio


class Shelf:
    """A ledger that only has outcomes, newest first; ``late`` by their ids in ``late``."""

    def __init__(self, outcomes: Sequence[Outcome], late: Sequence[Outcome]) -> None:
        self._outcomes, self._late = outcomes, late
        self.asked = 0

    async def outcomes(self, below: str, count: int) -> list[Outcome]:
        return [o for o in self._outcomes if is_below(o.entry, below)][:count]

    async def late(self, below: str, count: int) -> list[Outcome]:
        self.asked += 1
        return [o for o in self._late if is_below(o.late, below)][:count]


def is_below(id: str, below: str) -> bool:
    return below == "+" or stream_order(id) < stream_order(below)


def at(second: int) -> int:
    return NOW + second * 1000


def settled(id: str, deferred: int, late: int) -> Outcome:
    return Outcome(
        f"{at(deferred)}-0", id, Status.ACCEPTED, AGGREGATE, 1, 1, 0, "b", "d", {}, f"{at(late)}-7"
    )


async def loaded(shelf: Shelf, one: Window) -> Window:
    loading = Remembering(cast("Ledger", shelf), one)
    while not one.complete:
        await loading.more()
    return one


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "WINDOW_PAGE", 2)


async def test_what_was_settled_long_ago_takes_nothing_younger_with_it() -> None:
    ids = {second: uuid7(at(second)) for second in (60, 70, 140, 150)}
    shelf = Shelf(
        [outcome(ids[second], at(second)) for second in (150, 140, 70, 60)],
        [settled("old", 0, 1)],
    )
    one = await loaded(shelf, Window("0-0", 100, 100.0, 10.0))
    assert one.cut() == f"{at(60)}-0"
    for second, id in ids.items():
        assert one.first(received(id)) is not None, f"of {second} s"
    assert one.first(received("old")) is None
    assert code(one, received(uuid7(at(5)), at(150))) == "expired"


async def test_each_late_outcome_is_loaded_once_and_none_before_it_is_due() -> None:
    late = [settled(f"l{second}", second - 1, second) for second in (145, 66, 65, 64, 3)]
    shelf = Shelf([outcome(f"o{second}", at(second)) for second in (150, 140, 70, 60)], late)
    one = Window("0-0", 100, 1000.0, 10.0)
    loading = Remembering(cast("Ledger", shelf), one)
    await loading.more()
    assert len(one) == 2 + 1
    await loading.more()
    assert len(one) == 4 + 4
    await loading.more()
    assert one.complete
    assert len(one) == 4 + 5
    assert shelf.asked == 3, "two a page, and the last"
    order = [one.entry_before(n) for n in range(8, -1, -1)]
    assert order == sorted(order, key=stream_order), "the oldest first, whatever page it was on"
