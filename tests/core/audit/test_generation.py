"""A generation held against its log: however many rows, however much moves."""

from random import Random

import pytest

from engine.core.audit import generation as module
from engine.core.audit.generation import GenerationAudit
from engine.core.audit.moment import SeenRow
from tests.core.audit.folding import Bleached, Counted, Cursed, Named, Painted, Removed
from tests.core.audit.standing import Standing, standing

MOVES = 0.3
"""How often something moves between two reads: more, and the log grows faster than it is read."""

COLOURS = ["red", "blue", "green"]


async def some_things(s: Standing, count: int = 12) -> None:
    """Painted things, two events each, over all partitions."""
    for n in range(count):
        s.happens(n % 4, Painted(COLOURS[n % 3], n), f"thing-{n}")
        s.happens((n + 1) % 4, Counted(f"thing-{n}", n), f"count-{n}")
    await s.apply()


@pytest.mark.parametrize("limit", [1, 5, 12, 100])
async def test_nothing_is_wrong_however_few_rows_are_held_at_a_time(limit: int) -> None:
    async with standing() as s:
        await some_things(s)
        found, audit = await s.audited(limit=limit)
        assert found == []
        assert (audit.rows, audit.entries, audit.passes) == (12, 12, -(-12 // limit))
        assert audit.share == 1


@pytest.mark.parametrize("limit", [1, 5, 100])
async def test_each_wrong_place_is_named_once_in_whichever_pass(limit: int) -> None:
    async with standing() as s:
        await some_things(s)
        s.store.write(s.row_key("thing-1"), {"rank": "77"})
        s.store.remove(s.row_key("thing-2"))
        s.store.write(s.row_key("thing-none"), {"rank": "1"})
        s.store.rank(s.group_key("red"), "thing-3", 99)
        s.store.rank(s.group_key("blue"), "thing-6", 1)
        s.store.rank(s.group_key("grey"), "thing-nobody", 1)
        found, audit = await s.audited(limit=limit)
        assert found == sorted([
            ("row_differs", s.row_key("thing-1"), "rank"),
            ("row_missing", s.row_key("thing-2"), ""),
            ("row_stray", s.row_key("thing-none"), ""),
            ("entry_score", s.group_key("red"), "thing-3"),
            ("entry_stray", s.group_key("blue"), "thing-6"),
            ("entry_stray", s.group_key("grey"), "thing-nobody"),
        ])  # fmt: skip
        assert len(audit.findings) == len(found)


async def test_a_row_in_the_wrong_group_misses_from_the_right_one() -> None:
    async with standing() as s:
        await some_things(s)
        s.store.write(s.row_key("thing-0"), {"colour": "blue"})
        s.store.server.data.ranking(s.group_key("red")).pop("thing-0")
        found, _ = await s.audited()
        assert ("row_differs", s.row_key("thing-0"), "colour") in found
        assert ("entry_missing", s.group_key("red"), "thing-0") in found


async def test_a_sample_is_a_part_of_what_there_is_and_of_what_there_should_be() -> None:
    async with standing() as s:
        await some_things(s, 40)
        for n in range(20):
            s.store.remove(s.row_key(f"thing-{n}"))
        sizes, missing = set(), set()
        for seed in range(12):
            found, audit = await s.audited(sample=8, seed=b"%d" % seed)
            assert audit.passes == 1
            missing |= {key for check, key, _ in found if check == "row_missing"}
            sizes.add(audit.rows)
        assert len(missing) >= 15, "each is as likely to be chosen"
        assert 10 < sum(sizes) / len(sizes) < 22, "8 of those that stand, and what misses beside"


async def test_a_sample_larger_than_all_there_is_finds_everything() -> None:
    async with standing() as s:
        await some_things(s)
        s.store.remove(s.row_key("thing-2"))
        s.store.rank(s.group_key("grey"), "thing-nobody", 1)
        for limit in (3, 100):
            found, _ = await s.audited(sample=50, limit=limit)
            assert found == (await s.audited())[0]


async def test_a_sample_may_be_larger_than_what_is_held_at_a_time() -> None:
    async with standing() as s:
        await some_things(s)
        _, audit = await s.audited(sample=8, limit=3)
        assert (audit.rows, audit.passes) == (8, 3)


async def test_parked_aggregates_are_in_no_row_and_what_is_dropped_is_missing() -> None:
    async with standing() as s:
        await some_things(s)
        s.park(1, "thing-1")
        s.happens(1, Painted("grey", 7), "thing-1")
        s.happens(1, Cursed(), "thing-1")
        s.happens(2, Painted("grey", 8), "thing-2")
        await s.apply()
        found, audit = await s.audited()
        assert (found, audit.parked) == ([], 1)
        s.store.write(s.row_key("thing-1"), {"rank": "7"})
        assert (await s.audited())[0] == [("row_differs", s.row_key("thing-1"), "rank")]
        s.unpark(1, "thing-1")
        found, audit = await s.audited()
        assert [check for check, *_ in found] == ["not_foldable"]
        assert "no row was checked" in audit.findings[0].expected


async def test_what_depends_on_who_came_first_is_counted_and_not_judged() -> None:
    async with standing() as s:
        s.happens(0, Named("thing-1", "ann"), "x-1")
        s.happens(1, Named("thing-1", "bob"), "x-2")
        s.happens(2, Counted("thing-1", 3), "x-3")
        await s.apply()
        s.store.write(s.row_key("thing-1"), {"name": "ann"})
        found, audit = await s.audited()
        assert (found, audit.unjudged) == ([], 1)
        s.store.write(s.row_key("thing-1"), {"n": "4"})
        assert (await s.audited())[0] == [("row_differs", s.row_key("thing-1"), "n")]


class _Mover:
    """Has more happen at every step of an audit: between any two of its reads."""

    def __init__(self, s: Standing, seed: int) -> None:
        self._s, self._random = s, Random(seed)

    async def __call__(self) -> None:
        random, s = self._random, self._s
        if random.random() < MOVES:
            n = random.randrange(16)
            event = random.choice([
                Painted(random.choice(COLOURS), n), Bleached(), Removed(), Painted("red", n),
            ])  # fmt: skip
            s.happens(n % 4, event, f"thing-{n}")
            s.happens((n + 1) % 4, Counted(f"sum-{n % 3}", n), f"count-{n}")
        await s.apply()


async def _moved(audit: GenerationAudit, move: _Mover) -> None:
    async for _ in audit.steps():
        await move()


@pytest.mark.parametrize("seed", range(8))
async def test_nothing_is_named_while_everything_moves(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(module, "WALK_KEYS", 10)
    async with standing() as s:
        await some_things(s, 8)
        move = _Mover(s, seed)
        see = s.evidence.see

        async def seen(rows: dict[str, list[tuple[str, str]]]) -> list[SeenRow]:
            await move()
            return await see(rows)

        s.evidence.see = seen  # type: ignore[assignment, method-assign]
        for sample in (None, 5):
            audit = GenerationAudit(s.subject, b"seed", sample, 5)
            await _moved(audit, move)
            assert audit.findings == []
            assert audit.rows >= 5
