"""What the pages show of domains is Python that does what it says."""

import secrets
import sys
import tomllib
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import httpx2
import pytest

from engine import Command, Decider, Event
from engine.core import registry
from engine.core.reactions import with_reactions
from engine.testing import ReadModels
from engine.testing import engine as whole
from tests.snippets import blocks

Import = Callable[[str], Any]


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Import:
    """A module of what a page shows, which is looked at as one of a project is."""

    def from_source(source: str) -> Any:
        name = f"shown_{secrets.token_hex(4)}"
        (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)
        return import_module(name)

    return from_source


@pytest.fixture
def bank(imported: Import) -> Any:
    """The blocks of docs/domain.md, which are one module."""
    return imported("\n".join(blocks("docs/domain.md", "python")))


def test_the_domain_is_one_and_its_tests_are_green(bank: Any) -> None:
    domain = registry.build([bank.decider], [bank.accounts], [bank.get_accounts])
    with_reactions(domain, [*bank.routers, *bank.effects])
    tests = [test for name, test in vars(bank).items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()


def test_its_query_may_go_on_by_cursor(bank: Any) -> None:
    [block] = blocks("docs/queries.md", "python")
    names = {**vars(bank)}
    exec(block, names)  # noqa: S102 -- our own documents
    read = ReadModels(bank.accounts)
    assert read.ask(names["get_accounts"], names["GetAccounts"](owner="Ada")).next is None


def test_the_readmes_rules_are_a_decider() -> None:
    [block] = [each for each in blocks("README.md", "python") if "Decider(" in each]
    names: dict[str, Any] = {}
    exec(block, names)  # noqa: S102
    assert registry.build([names["decider"]], [], []).commands.keys() == {"OpenAccount"}


class Pay(Command):
    cents: int


def test_an_event_is_lifted_as_the_page_says() -> None:
    lifting, testing = blocks("docs/evolution.md", "python")
    names: dict[str, Any] = {"Pay": Pay}
    exec(lifting, names)  # noqa: S102
    paid = names["Paid"]

    def pay(command: Pay, _state: None) -> Event:
        event: Event = paid(command.cents)
        return event

    def evolve(_state: None, _event: Event) -> None:
        return None

    pay.__annotations__["return"] = evolve.__annotations__["_event"] = paid
    names["decider"] = Decider(kind="till", initial=None, decide=[pay], evolve=evolve)
    exec(testing, names)  # noqa: S102


def evolve(_state: None, _event: "Shipped") -> None:
    return None


class Ship(Command):
    address: str


class Shipped(Event):
    parcel: str
    at: datetime


class Web:
    """What stands in for httpx: one address is known."""

    def __init__(self, base_url: str) -> None:
        assert base_url == "https://addresses.example.com"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is open."""

    async def get(self, path: str, params: Mapping[str, str]) -> httpx2.Response:
        """Whether somebody lives there."""
        assert path == "/exists"
        return httpx2.Response(200, json=params["address"] == "1 Main")


async def test_services_are_opened_with_their_settings_and_handed_over(
    imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "httpx", SimpleNamespace(AsyncClient=Web))
    [block], [told] = blocks("docs/services.md", "python"), blocks("docs/services.md", "toml")
    needed = "from tests.test_snippets_of_domains import Ship, Shipped\nState = type(None)\n"
    shown = imported(needed + block)
    decider = Decider(kind="parcel", initial=None, decide=[shown.ship], evolve=evolve)
    handlers = SimpleNamespace(deciders=[decider], services=shown.services)
    service_settings = tomllib.loads(told)["services"]
    async with whole(handlers, service_settings=service_settings) as semel:
        shipped = await semel.submit(Ship(address="1 Main"), aggregate="parcel-1")
        refused = await semel.submit(Ship(address="2 Main"), aggregate="parcel-2")
    assert (shipped.status, refused.detail["code"]) == ("accepted", "address_unknown")
