"""Old events are read as what their class is now; what contradicts itself is refused at start."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from engine import Event, Upcaster
from engine.core.codec import event_meta, of_version, read_event_meta, time_of, version_in
from engine.core.errors import Misregistered, Unreadable
from engine.core.messages import NO_META, CommandMeta
from engine.core.registry import build, require_readable
from engine.core.signatures import place_of
from engine.core.upcasting import recorded
from tests.grown import (
    First,
    Second,
    Third,
    decider_at,
    domain_at,
    in_cents,
    projection_at,
    upcasters_to,
    with_currency,
)

META = event_meta("c-1", "1-0", time_of(0), NO_META)


def meta(version: int) -> bytes:
    return META if version == 1 else of_version(META, version)


# -- Versions ---------------------------------------------------------------------------


def test_a_version_is_no_field_and_begins_at_one() -> None:
    assert [event.__event_version__ for event in (First.Paid, Second.Paid, Third.Paid)] == [1, 2, 3]
    assert Second.Paid.__struct_fields__ == ("cents",)
    assert Event.__event_version__ == 1

    class Renamed(Third.Paid, rename="camel"):
        """One that comes from another one begins anew."""

    assert Renamed.__event_version__ == 1


@pytest.mark.parametrize("version", [0, -1, True, "2", 1.5, None])
def test_a_version_is_a_number(version: Any) -> None:
    class Paid(Event, version=version):
        cents: int

    upcaster = Upcaster(Paid, 1, in_cents)
    decider = decider_at(2)
    decider.evolve.__annotations__["event"] = Paid
    with pytest.raises(Misregistered, match=r"the version of Paid is a number from 1 on, not"):
        build([decider], upcasters=[upcaster])


def test_meta_says_a_version_beyond_the_first_and_nothing_of_the_first() -> None:
    assert b"schema" not in META
    assert version_in(META) == version_in(b"{}") == 1
    later = of_version(META, 12)
    assert version_in(later) == read_event_meta(later).schema == 12
    assert msgspec.json.decode(later) == {"schema": 12, **msgspec.json.decode(META)}


def test_what_clients_say_of_schemas_is_theirs() -> None:
    said = event_meta(
        "c", "1-0", time_of(0), CommandMeta(extra={"x_schema": 7, "x_": {"schema": 7}})
    )
    assert version_in(said) == 1
    assert version_in(of_version(said, 2)) == 2


# -- Reading ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "data"),
    [
        (1, b'{"euros":"1.50"}'),
        (2, b'{"cents":150}'),
        (3, b'{"cents":150,"currency":"EUR"}'),
    ],
)
def test_every_version_is_read_as_the_newest(version: int, data: bytes) -> None:
    read = domain_at(3).decode_event("Paid", data, meta(version))
    assert read == Third.Paid(150, "EUR")


def test_what_has_no_upcasters_is_read_as_it_is() -> None:
    assert domain_at(1).decode_event("Paid", b'{"euros":"1.50"}', META) == First.Paid("1.50")
    with pytest.raises(Unreadable, match="no event Other is known here"):
        domain_at(1).decode_event("Other", b"{}", META)
    with pytest.raises(Unreadable, match="no event Other is known here"):
        domain_at(1).decode_event("Other", b"{}", meta(2))


@pytest.mark.parametrize(("here", "stored"), [(1, 2), (1, 3), (2, 3)])
def test_what_newer_code_stored_is_not_misread(here: int, stored: int) -> None:
    with pytest.raises(Unreadable, match=f"stored in version {stored} by newer code.* {here}"):
        domain_at(here).decode_event("Paid", b'{"euros":"1","cents":1}', meta(stored))


def test_an_upcaster_may_return_what_json_has_no_word_for() -> None:
    class Weighed(Event, version=2):
        grams: Decimal

    def in_grams(said: dict[str, Any]) -> dict[str, Any]:
        return {"grams": Decimal(said["kilos"]) * 1000}

    upcasters = [Upcaster(Weighed, 1, in_grams)]
    assert recorded(Weighed, 1, {"kilos": "0.25"}, upcasters) == Weighed(Decimal(250))
    assert recorded(Weighed, 2, {"grams": "0.25"}, upcasters) == Weighed(Decimal("0.25"))


def test_an_upcaster_that_raises_is_named() -> None:
    domain = domain_at(2)
    with pytest.raises(Unreadable) as caught:
        domain.decode_event("Paid", b'{"cents":150}', META)
    assert str(caught.value) == (
        f"the upcaster of Paid from version 1 ({place_of(in_cents)}) raised KeyError: 'euros'"
    )
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("answer", [None, [1], "text"])
def test_an_upcaster_that_returns_no_dict_is_named(answer: Any) -> None:
    def bad(_said: Mapping[str, Any]) -> Any:
        return answer

    with pytest.raises(
        Unreadable, match=r"the upcaster of Paid from version 1 .* returned .* no dict"
    ):
        recorded(Second.Paid, 1, {"euros": "1"}, [Upcaster(Second.Paid, 1, bad)])


def test_without_the_upcaster_nothing_is_guessed() -> None:
    with pytest.raises(Unreadable, match="no upcaster of Paid leads on from version 1"):
        domain_at(2, []).decode_event("Paid", b'{"cents":150}', META)


def test_what_an_upcaster_makes_is_held_against_the_class() -> None:
    def half(said: dict[str, Any]) -> dict[str, Any]:
        return {"cents": said["euros"]}

    with pytest.raises(msgspec.ValidationError, match=r"Expected `int`, got `str` - at `\$.cents`"):
        recorded(Second.Paid, 1, {"euros": "1"}, [Upcaster(Second.Paid, 1, half)])


# -- What is refused at start -----------------------------------------------------------


def test_every_step_there_and_each_once_is_what_is_wanted() -> None:
    for version in (1, 2, 3):
        require_readable(domain_at(version))


def refusal(version: int, *upcasters: Upcaster) -> str:
    with pytest.raises(Misregistered) as caught:
        require_readable(domain_at(version, upcasters))
    return str(caught.value)


def test_a_gap_is_refused() -> None:
    first, second = upcasters_to(3)
    here = place_of(Third.Paid)
    for left, missing in ((second, 1), (first, 2)):
        said = refusal(3, left)
        assert f"{here} is at version 3, and no upcaster leads from version {missing} to" in said
        assert f"add Upcaster(Paid, {missing}, …) to the `upcasters` of the handlers" in said


def test_two_for_one_step_are_refused() -> None:
    said = refusal(2, Upcaster(Second.Paid, 1, in_cents), Upcaster(Second.Paid, 1, with_currency))
    assert said == (
        f"two upcasters lift Paid from version 1: {place_of(in_cents)} and "
        f"{place_of(with_currency)}"
    )


@pytest.mark.parametrize("version", [0, 2, 3])
def test_one_that_leads_nowhere_is_refused(version: int) -> None:
    said = refusal(2, Upcaster(Second.Paid, version, in_cents))
    assert said.startswith(f"the upcaster of Paid from version {version} ({place_of(in_cents)})")
    assert f"{place_of(Second.Paid)} is at version 2" in said


def test_one_for_an_event_that_nobody_takes_is_refused() -> None:
    said = refusal(2, Upcaster(Third.Paid, 1, in_cents))
    assert "that no decider and no projection takes" in said
    assert place_of(Third.Paid) in said


def test_one_that_is_async_is_refused() -> None:
    async def later(said: dict[str, Any]) -> dict[str, Any]:
        return said

    upcaster: Any = Upcaster(Second.Paid, 1, later)  # type: ignore[arg-type]
    assert "is async: there is nothing to wait for" in refusal(2, upcaster)


def test_an_event_that_only_a_projection_takes_needs_its_upcasters_too() -> None:
    with pytest.raises(Misregistered, match="no upcaster leads from version 1 to 2"):
        require_readable(build(projections=[projection_at(2)]))
    domain = build(projections=[projection_at(2)], upcasters=upcasters_to(2))
    require_readable(domain)
    assert domain.upcasters_of("tills") == upcasters_to(2)
    assert domain_at(1).upcasters_of("tills") == []
