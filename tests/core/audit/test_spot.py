"""Spot checks: each takes a few rows, and all of them together find whatever is wrong."""

from random import Random

import pytest

from engine.core.audit import spot as module
from engine.core.audit.spot import SpotChecks
from tests.core.audit.folding import Bleached, Counted, Cursed, Named, Painted, Removed
from tests.core.audit.standing import Standing, standing

MOVES = 12
"""In one check: with more, the log grows faster than it is read."""

COLOURS = ["red", "blue", "green"]

Place = tuple[str, str, str]


async def some_things(s: Standing, count: int = 12) -> None:
    """Painted things, two events each, over all partitions."""
    for n in range(count):
        s.happens(n % 4, Painted(COLOURS[n % 3], n), f"thing-{n}")
        s.happens((n + 1) % 4, Counted(f"thing-{n}", n), f"count-{n}")
    await s.apply()


async def found(s: Standing, checks: int = 40, seed: int = 7) -> set[Place]:
    """What some checks find."""
    spot, places = SpotChecks(s.subject, Random(seed)), set[Place]()
    for _ in range(checks):
        async for _ in spot.next():
            pass
        places |= {finding.place for finding in spot.findings}
    return places


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that one check is far from all there is."""
    monkeypatch.setattr(module, "ROWS_LEAST", 4)
    monkeypatch.setattr(module, "RUN_EVENTS", 2)
    monkeypatch.setattr(module, "WALK_KEYS", 5)
    monkeypatch.setattr(module, "WALK_STEPS", 1)


async def test_nothing_is_there_to_be_checked() -> None:
    async with standing() as s:
        assert await found(s) == set()


async def test_nothing_is_wrong() -> None:
    async with standing() as s:
        await some_things(s)
        assert await found(s) == set()


async def test_rows_are_counted() -> None:
    async with standing() as s:
        await some_things(s)
        spot, counts = SpotChecks(s.subject, Random(7)), []
        for _ in range(10):
            async for _ in spot.next():
                pass
            counts.append(spot.rows)
        assert all(0 < count < 12 for count in counts)


async def test_whatever_is_wrong_is_found() -> None:
    async with standing() as s:
        await some_things(s)
        s.store.write(s.row_key("thing-1"), {"rank": "77"})
        s.store.remove(s.row_key("thing-2"))
        s.store.write(s.row_key("thing-none"), {"rank": "1"})
        s.store.write(s.row_key("thing-forged"), {"rank": "1", "_at:2": "3"})
        s.store.rank(s.group_key("red"), "thing-3", 99)
        s.store.rank(s.group_key("blue"), "thing-6", 1)
        s.store.rank(s.group_key("grey"), "thing-nobody", 1)
        s.store.server.data.ranking(s.group_key("blue")).pop("thing-7")
        checkpoint = s.evidence.checkpoint_key(3)
        s.store.write(checkpoint, {"branch": "elsewhere"})
        assert await found(s) == {
            ("row_differs", s.row_key("thing-1"), "rank"),
            ("row_missing", s.row_key("thing-2"), ""),
            ("row_stray", s.row_key("thing-none"), ""),
            ("row_stray", s.row_key("thing-forged"), ""),
            ("entry_score", s.group_key("red"), "thing-3"),
            ("entry_stray", s.group_key("blue"), "thing-6"),
            ("entry_stray", s.group_key("grey"), "thing-nobody"),
            ("entry_missing", s.group_key("blue"), "thing-7"),
            ("checkpoint", checkpoint, "branch"),
        }


async def test_an_event_that_was_missed_is_found_although_nothing_lags() -> None:
    async with standing() as s:
        await some_things(s)
        s.park(0, "x-1")
        s.happens(0, Counted("thing-1", 7), "x-1")
        await s.apply()
        s.unpark(0, "x-1")
        assert await found(s) == {
            ("row_differs", s.row_key("thing-1"), "n"),
            ("row_differs", s.row_key("thing-1"), "_at:0"),
        }


async def test_code_that_does_not_fold_what_it_once_did_is_told() -> None:
    async with standing() as s:
        s.park(0, "x-1")
        s.happens(0, Cursed(), "x-1")
        s.happens(0, Painted("red", 1), "thing-0")
        await s.apply()
        assert await found(s) == set()
        s.unpark(0, "x-1")
        assert {check for check, *_ in await found(s)} == {"not_foldable"}


async def test_what_only_one_look_saw_is_not_told() -> None:
    async with standing() as s:
        await some_things(s)
        s.store.write(s.row_key("thing-1"), {"rank": "77"})
        see, reads = s.evidence.see, []

        async def mended(rows: dict[str, list[tuple[str, str]]]) -> object:
            seen = await see(rows)
            if "thing-1" in rows:
                reads.append(rows)
                s.store.write(s.row_key("thing-1"), {"rank": "1"})
            return seen

        s.evidence.see = mended  # type: ignore[assignment, method-assign]
        assert await found(s) == set()
        assert reads


@pytest.mark.parametrize("seed", range(8))
async def test_nothing_is_told_while_all_moves_and_aggregates_are_parked(seed: int) -> None:
    async with standing() as s:
        await some_things(s)
        random = Random(seed)
        spot = SpotChecks(s.subject, Random(seed))
        for _ in range(12):
            moves = MOVES
            async for _ in spot.next():
                if moves and random.random() < 0.2:
                    moves -= 1
                    await _move(s, random)
            assert spot.findings == []


async def _move(s: Standing, random: Random) -> None:
    """Something happens, or somebody is parked and replayed."""
    n = random.randrange(16)
    paint = Painted(random.choice(COLOURS), n)
    s.happens(n % 4, random.choice([paint, paint, Bleached(), Removed()]), f"thing-{n}")
    s.happens((n + 1) % 4, Counted(f"sum-{n % 3}", n), f"count-{n}")
    s.happens((n + 2) % 4, Named(f"sum-{n % 3}", f"{n}"), f"name-{n}")
    await s.apply()
    if random.random() < 0.2:
        s.park(n % 4, f"lone-{n}")
        s.happens(n % 4, Counted(f"lone-{n}", 1), f"lone-{n}")
        await s.apply()
    elif random.random() < 0.3:
        await s.replay()
