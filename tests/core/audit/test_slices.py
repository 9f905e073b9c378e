"""Parts of any number of names, each bounded, all together everything."""

from random import Random

from engine.core.audit.slices import Slice

NAMES = [f"order-{n}" for n in range(1000)]


def part(lowest: int, limit: int, seed: bytes = b"seed") -> tuple[set[str], int | None]:
    """One part, of names that come in any order, some twice."""
    found, offered = Slice(seed, lowest, limit), NAMES + NAMES[:100]
    Random(limit).shuffle(offered)
    for name in offered:
        found.offer(name)
    covered = {name for name in NAMES if found.covers(name)}
    taken = found.taken()
    assert covered == taken
    return taken, found.ends_before


def test_parts_follow_each_other_until_all_names_were_in_one() -> None:
    seen: list[str] = []
    lowest: int | None = 0
    sizes = []
    while lowest is not None:
        names, lowest = part(lowest, 300)
        sizes.append(len(names))
        seen += names
    assert sizes == [300, 300, 300, 100]
    assert sorted(seen) == sorted(NAMES)


def test_a_part_that_holds_all_is_the_last() -> None:
    assert part(0, 1000) == (set(NAMES), None)
    names, following = part(0, 999)
    assert (len(names), following is None) == (999, False)


def test_another_seed_makes_another_part() -> None:
    one, other = part(0, 100)[0], part(0, 100, b"other")[0]
    assert len(one) == len(other) == 100
    assert len(one & other) < 50


def test_the_share_says_how_many_parts_there_will_be() -> None:
    found = Slice(b"seed", 0, 250)
    for name in NAMES:
        found.offer(name)
    assert 0.2 < found.share < 0.3
    assert Slice(b"seed", 0, 250).share == 1.0
