"""Whatever the documents have one type, or call by its name, is there."""

import re

import pytest

import engine
from engine import app, telemetry
from engine.edge.http.openapi import document
from engine.settings import Settings, load
from tests.snippets import ROOT, blocks
from tests.typed import commands, fault_in, takes, words

DOCS = [f"docs/{each.name}" for each in sorted((ROOT / "docs").glob("*.md"))]
pages = pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", *DOCS])


@pages
def test_each_line_of_the_program_is_one_that_it_takes(page: str) -> None:
    for block in blocks(page, "sh"):
        for command in commands(block):
            said = words(command)
            if said[0] == "semel":
                assert fault_in(said[: [*said, "||"].index("||")]) is None, command
    for line in re.findall(r"^ExecStart=\S+/(semel .+)$", (ROOT / page).read_text(), re.MULTILINE):
        assert fault_in(words(line)) is None, line


@pages
def test_each_verb_and_option_that_is_spoken_of_is_there(page: str) -> None:
    text = (ROOT / page).read_text()
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    for said in re.findall(r"`semel\s+([^`]+)`", prose):
        assert takes(said) is None, said


SETTING = r"`([a-z_]+_(?:seconds|count|days|port|host))\b"
"""What looks like a setting: its unit is at its end."""


@pages
def test_each_setting_that_is_spoken_of_is_one(page: str) -> None:
    text = (ROOT / page).read_text()
    spoken = {name.removeprefix("SEMEL_").lower() for name in re.findall(r"SEMEL_[A-Z_]+", text)}
    spoken |= {name for name in re.findall(SETTING, text) if not name.startswith("semel_")}
    assert spoken <= Settings.model_fields.keys()


@pages
def test_each_log_event_and_name_that_is_spoken_of_is_there(page: str) -> None:
    text = (ROOT / page).read_text()
    kinds = "|".join({name.partition(".")[0] for name in telemetry.EVENTS} - {"engine"})
    assert set(re.findall(rf"`((?:{kinds})\.[a-z_]+)`", text)) <= telemetry.EVENTS.keys()
    assert set(re.findall(r"\bengine\.([A-Z]\w+)", text)) <= {*engine.__all__}


def test_each_error_that_the_sdk_raises_is_one() -> None:
    raised = r"(?:^\| |raises? |, | or )`([A-Z]\w+)`"
    told = set(re.findall(raised, (ROOT / "docs/sdk.md").read_text(), re.MULTILINE))
    assert {"Rejected", "Unknown", "Behind", "Parked"} < told <= {*engine.__all__}


# -- Routes -----------------------------------------------------------------------------

ROUTE = r"(?<![\w.])/(?:v1/[\w{}/…-]+|livez|readyz|startupz|metrics|openapi\.json)"
"""What looks like an address of the gateway."""

FIXED = {"v1", "commands", "queries", "views"}


def _shape(address: str) -> str:
    """A route: a star for each part that is another one each time."""
    first, *rest = address.strip("/").split("/")
    return "/".join([first, *(part if part in FIXED else "*" for part in rest)])


def _spoken_of(page: str) -> set[str]:
    return {_shape(address) for address in re.findall(ROUTE, (ROOT / page).read_text())}


def _routes() -> set[str]:
    described = document(app.domain_of(load()), is_protected=False)["paths"]
    return {*map(_shape, described), "openapi.json"}


def test_the_page_of_the_gateway_has_every_route() -> None:
    assert _spoken_of("docs/http.md") == _routes()


@pages
def test_routes_that_are_spoken_of_are_there(page: str) -> None:
    assert _spoken_of(page) <= _routes()
