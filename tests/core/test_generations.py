"""Which builds of a read model there are, and what may follow from what."""

from typing import Any

import pytest

from engine.core.errors import Misuse, Torn
from engine.core.generations import NONE, Generations, read_generations, write_generations

NEW = Generations().adopted("old")
BUILDING = NEW.begun("new", 1000, 0.25)
FLIPPED = BUILDING.flipped(2000)


def test_before_anybody_came_the_first_generation_is_live_and_nobodys() -> None:
    assert Generations().kept == (1,)
    assert Generations().of_code("old") == ()
    assert NEW.of_code("old") == (1,)


def test_a_build_stands_beside_the_live_generation_until_it_is_flipped() -> None:
    assert (BUILDING.kept, BUILDING.live) == ((1, 2), 1)
    assert BUILDING.of_code("old") == (1,)
    assert BUILDING.of_code("new") == (2,)
    assert (FLIPPED.live, FLIPPED.previous, FLIPPED.building) == (2, 1, NONE)
    assert (FLIPPED.digest, FLIPPED.previous_digest) == ("new", "old")
    assert FLIPPED.of_code("old") == (1,)


def test_the_same_code_keeps_up_all_generations_that_it_made() -> None:
    again = NEW.begun("old", 1000)
    assert again.of_code("old") == (1, 2)
    assert again.flipped(2000).of_code("old") == (2, 1)


def test_who_made_a_generation_is_known_as_long_as_it_is_kept() -> None:
    assert [BUILDING.made_by(number) for number in range(4)] == ["", "old", "new", ""]
    assert [FLIPPED.made_by(number) for number in range(4)] == ["", "old", "new", ""]
    assert Generations().made_by(1) == ""


def test_what_is_kept_no_more_is_over_and_what_never_was_is_not() -> None:
    third = FLIPPED.begun("newer", 5000).flipped(6000)
    assert [third.is_over(number) for number in (1, 2, 3, 4)] == [True, False, False, False]
    assert third.removed(1).is_over(1)
    assert BUILDING.cancelled().is_over(2)


def test_a_build_may_go_on_at_another_load() -> None:
    assert (BUILDING.max_load, BUILDING.at_load(1).max_load) == (0.25, 1)
    assert BUILDING.at_load(1).building == BUILDING.building


def test_whom_a_build_passes_over_is_accepted_of_that_build_alone() -> None:
    accepted = BUILDING.accepting_parked().flipped(2000)
    assert accepted.accepts_parked
    assert not accepted.rolled_back(3000).accepts_parked
    assert not accepted.begun("newer", 3000).accepts_parked


def test_a_flip_can_be_taken_back_and_forth() -> None:
    back = FLIPPED.rolled_back(3000)
    assert (back.live, back.digest, back.previous, back.previous_digest) == (1, "old", 2, "new")
    there = back.rolled_back(4000)
    assert (there.live, there.previous, there.removing) == (2, 1, ())


def test_the_one_before_the_previous_goes_with_the_next_flip() -> None:
    third = FLIPPED.begun("newer", 5000).flipped(6000)
    assert (third.live, third.previous, third.removing) == (3, 2, (1,))
    assert third.removed(1).removing == ()
    assert third.forgotten().removing == (1, 2)
    assert third.forgotten().previous == NONE


def test_a_number_is_never_used_twice() -> None:
    cancelled = BUILDING.cancelled()
    assert (cancelled.removing, cancelled.kept) == ((2,), (1,))
    assert cancelled.removed(2).begun("new", 1).building == 3
    assert FLIPPED.rolled_back(1).forgotten().begun("new", 1).building == 3


def test_each_step_is_one_revision_on() -> None:
    steps = [Generations(), NEW, BUILDING, FLIPPED, FLIPPED.rolled_back(1), FLIPPED.judged("{}")]
    assert [step.revision for step in steps] == [0, 1, 2, 3, 4, 4]


def test_while_it_is_paused_nobody_keeps_anything_up() -> None:
    paused = BUILDING.paused()
    assert paused.is_paused
    assert paused.of_code("old") == paused.of_code("new") == ()
    assert paused.resumed().of_code("new") == (2,)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (lambda: BUILDING.begun("other", 1), "generation 2 is being built already"),
        (NEW.cancelled, "nothing is being built"),
        (lambda: NEW.flipped(1), "nothing is being built"),
        (NEW.accepting_parked, "nothing is being built"),
        (lambda: NEW.rolled_back(1), "no previous generation is kept"),
    ],
)
def test_what_cannot_follow_is_refused(step: Any, said: str) -> None:
    with pytest.raises(Misuse, match=said):
        step()


def test_a_flip_forgets_what_was_found_before() -> None:
    assert BUILDING.judged("{}").flipped(1).compared == ""
    assert FLIPPED.judged("{}").rolled_back(1).compared == ""
    assert not BUILDING.accepting_parked().flipped(1).begun("x", 1).accepts_parked


@pytest.mark.parametrize(
    "generations",
    [
        NEW,
        BUILDING,
        BUILDING.accepting_parked().paused(),
        FLIPPED.begun("newer", 5000).flipped(6000).judged('{"rows":3}'),
        FLIPPED.forgotten(),
    ],
)
def test_what_is_written_is_read_again(generations: Generations) -> None:
    fields = write_generations(generations)
    assert read_generations({name: text for name, text in fields.items() if text}) == generations


def test_what_was_set_by_hand_is_understood() -> None:
    assert read_generations({"live": "4"}).begun("x", 1).building == 5
    assert read_generations({}) == Generations()


@pytest.mark.parametrize("fields", [{"live": "one"}, {"removing": "1 x"}, {"max_load": "much"}])
def test_what_cannot_be_read_is_torn(fields: dict[str, str]) -> None:
    with pytest.raises(Torn, match="cannot be read"):
        read_generations(fields)
