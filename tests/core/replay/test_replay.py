"""What code would do otherwise with what has happened is told, and nothing else is."""

from dataclasses import replace
from typing import Any

import pytest

from engine import Rejected, Upcaster
from engine.core.records import StoredEvent
from engine.core.registry import Domain, build
from engine.core.replay.replay import Difference
from tests.core.replay.story import Story, differences
from tests.grown import First, Second, domain_at, in_cents


def changed(domain: Domain, **rules: Any) -> Domain:
    """The domain with other rules."""
    decider = replace(domain.deciders["till"], **rules)
    return build(
        [decider], upcasters=[each for s in domain.upcasters.values() for each in s.values()]
    )


@pytest.mark.parametrize("wrote", [1, 2, 3])
@pytest.mark.parametrize("here", [1, 2, 3])
async def test_newer_code_does_what_older_code_did(wrote: int, here: int) -> None:
    story = Story(wrote).pay(150).answer("Count", {"cents": 150}).pay(50, kept=False)
    story.answer("Count", {"cents": 1}, "rejected", "wrong_total").pay(20)
    replay = await story.replayed(domain_at(here))
    if wrote <= here:
        assert replay.differences == []
        assert (replay.aggregates, replay.events, replay.decided) == (1, 3, 4)
    else:
        assert [each.check for each in replay.differences] == ["unloadable"]


async def test_an_answer_that_would_be_another_is_told() -> None:
    def pay(command: Any, total: int) -> First.Paid:
        if total + command.cents > 160:
            raise Rejected("full", "so much is not kept")
        return First.Paid("1.50")

    domain = domain_at(1)
    pay.__annotations__["command"] = domain.commands["Pay"].command
    rules = [pay, domain.commands["Count"].decide]
    story = Story().pay(150).pay(25).answer("Count", {"cents": 175})
    [found] = await differences(story, changed(domain, decide=rules))
    assert found == Difference(
        "decision", "Pay: was accepted (Paid), would be rejected (full)",
        "3-0 of till-1 at version 1",
        "was accepted (Paid); would be rejected (full): so much is not kept",
    )  # fmt: skip


async def test_an_event_with_other_content_is_told_by_its_fields() -> None:
    def pay(command: Any, _total: int) -> First.Paid:
        return First.Paid(f"{command.cents}")

    domain = domain_at(1)
    pay.__annotations__["command"] = domain.commands["Pay"].command
    story = Story().pay(150)
    [found] = await differences(story, changed(domain, decide=[pay]))
    assert found.about == "Pay: Paid.euros would be another"
    assert found.message == 'Paid.euros was "1.50", would be "150"'


async def test_a_state_that_would_be_another_shows_in_what_follows_from_it() -> None:
    def double(said: dict[str, Any]) -> dict[str, Any]:
        return {"cents": 2 * in_cents(said)["cents"]}

    story = Story().pay(150, kept=False).answer("Count", {"cents": 150})
    domain = domain_at(2, [Upcaster(Second.Paid, 1, double)])
    [found] = await differences(story, domain)
    assert found.about == "Count: was accepted (no events), would be rejected (wrong_total)"
    assert found.message.endswith("wrong_total): there are 300 cents")


async def test_what_cannot_be_loaded_is_told_once_and_ends_there() -> None:
    def raises(state: int, event: Any) -> int:
        if event.cents == 3:
            raise ValueError("three")
        return state + int(event.cents)

    domain = domain_at(1)
    raises.__annotations__["event"] = First.Paid
    story = Story().pay(1).pay(3).pay(5).answer("Count", {"cents": 9})
    replay = await story.replayed(changed(domain, evolve=raises))
    first, second = replay.differences
    assert first.about == "Pay: was accepted (Paid), would be failed (raised)"
    assert second == Difference(
        "unloadable", "Paid: ValueError", "till-1 at version 2", "ValueError: three"
    )
    assert replay.events == 1


@pytest.mark.parametrize("what", ["upcaster", "type", "gap", "data"])
async def test_an_event_that_cannot_be_read_is_told(what: str) -> None:
    story, domain = Story().pay(1), domain_at(1)
    stored = story.history[0]
    if what == "upcaster":
        domain = domain_at(2, [Upcaster(Second.Paid, 1, lambda said: said["never"])])
    elif what == "type":
        story.history = [StoredEvent(1, "Gone", stored.data, stored.meta)]
    elif what == "gap":
        story.history = [StoredEvent(2, "Paid", stored.data, stored.meta)]
    else:
        story.history = [StoredEvent(1, "Paid", b"junk", b"junk")]
    replay = await story.replayed(domain)
    assert [each.check for each in replay.differences] == ["unloadable"]
    assert replay.differences[0].place == "till-1 at version 1"
    assert (replay.events, replay.decided) == (0, 0)


async def test_a_kind_that_is_gone_is_told() -> None:
    replay = await Story().pay(1).replayed(domain_at(1), "bank-1")
    assert [each.message for each in replay.differences] == ["nobody decides it"]


async def test_what_is_refused_at_the_door_is_held_against_the_door() -> None:
    story = Story().answer("Pay", b"junk", "rejected", "malformed")
    story.answer("Pay", {"cents": 1, "by": "x"}, "accepted")
    story.answer("Else", {}, "rejected", "unknown_type").answer("Gone", {}, "accepted")
    found = await differences(story, domain_at(1))
    assert [each.about for each in found] == [
        "Pay: was accepted (no events), would be rejected (malformed)",
        "Gone: was accepted (no events), would be rejected (unknown_type)",
    ]


async def test_expected_versions_are_those_of_then() -> None:
    story = Story().pay(1, meta={"expect": 0}).pay(1, meta={"expect": 1}).pay(1)
    story.answer("Pay", {"cents": 1}, "rejected", "version_conflict", meta={"expect": 2})
    assert await differences(story, domain_at(1)) == []


async def test_what_only_its_time_could_answer_is_left_out() -> None:
    story = Story().pay(1)
    story.answer("Pay", {"cents": 1}, "duplicate")
    story.answer("Pay", {"cents": 1}, "rejected", "expired", digest="")
    story.answer("Pay", {"cents": 1}, "failed", "deadly")
    story.answer("Pay", {"cents": 1}, "rejected", "too_large")
    story.answer("Pay", {"cents": 1}, "failed", "too_slow")
    story.answer("Pay", {"cents": 1}, "deferred", "slow")
    replay = await story.replayed(domain_at(1))
    assert (replay.differences, replay.decided) == ([], 1)
