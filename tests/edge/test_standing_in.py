"""Stand-ins for services: in whose place they come, and what cannot be one."""

from functools import partial

import pytest

from engine.app import domain_of
from engine.core.errors import Misuse
from engine.edge.standing_in import with_stand_ins
from engine.settings import Settings
from handlers import inventory
from handlers.inventory import FulfilmentSettings
from tests.shop import NO_FULFILMENT

HERE = "tests.edge.test_standing_in"
both = NO_FULFILMENT
one = [FulfilmentSettings(enabled=True)]
factories = [inventory.inventory]
nobody = object()


def test_without_the_setting_all_is_as_it_was() -> None:
    domain = domain_of(Settings())
    assert with_stand_ins(Settings(), domain) == (domain, ())


def test_who_asks_for_a_type_is_given_its_stand_in() -> None:
    settings = Settings(replay_services=f"{HERE}:both")
    domain, stand_ins = with_stand_ins(settings, domain_of(settings))
    assert stand_ins == both
    decide = domain.commands["CreateOrder"].decide
    assert isinstance(decide, partial)
    assert list(decide.keywords.values()) == both
    assert not domain.commands["CreateOrder"].needs


def test_services_that_nobody_stands_in_for_stay() -> None:
    settings = Settings(replay_services=f"{HERE}:one")
    domain, _ = with_stand_ins(settings, domain_of(settings))
    assert list(domain.commands["CreateOrder"].needs) == ["inventory"]
    assert not domain.commands["BeginFulfilment"].needs


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        (f"{HERE}:nothing", "cannot be had"),
        ("tests.edge.nowhere:services", "cannot be had"),
        (HERE, "cannot be had"),
        (":both", "cannot be had"),
        (f"{HERE}:nobody", "is a object: replay_services names a list"),
        (f"{HERE}:factories", "lists the factory inventory: list objects"),
    ],
)
def test_what_cannot_stand_in_is_refused(place: str, fault: str) -> None:
    settings = Settings(replay_services=place)
    with pytest.raises(Misuse, match=fault):
        with_stand_ins(settings, domain_of(settings))
