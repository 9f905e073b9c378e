"""All verbs, as the program itself lists them: help, envelopes, exit codes, odd words."""

import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some
from typer.main import get_command

from engine.edge.cli.verbs import GROUPS, VERBS, app
from tests.edge.command_line import Said, Semel

AWAY = "redis://127.0.0.1:1"
LISTED = {0, 1, 2, 3, 4, 5, 6}
"""The exit codes that DESIGN and ``semel --help`` list."""

EVERY: list[tuple[str, ...]] = [
    *((verb,) for verb in VERBS if verb not in GROUPS),
    *((noun, verb) for noun, verbs in GROUPS.items() for verb in verbs),
]
STARTS_A_SERVER: set[tuple[str, ...]] = {("dev",), ("demo",), ("bench",)}
ENDLESS: set[tuple[str, ...]] = {("dev",), ("run",), ("project",), ("serve",)}


def command_of(words: tuple[str, ...]) -> Any:
    command: Any = get_command(app)
    for word in words:
        command = command.get_command(None, word)
    return command


def required(words: tuple[str, ...]) -> list[str]:
    """Something for each argument that a verb cannot do without."""
    params = command_of(words).params
    return ["x-1" for each in params if each.param_type_name == "argument" and each.required]


def takes(words: tuple[str, ...], option: str) -> bool:
    return any(option in each.opts for each in command_of(words).params)


@pytest.fixture
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Semel:
    """A command line whose server is away, in a directory with nothing to break."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SEMEL_CONNECT_SECONDS", "0")
    return Semel(AWAY, "test_away")


def envelope(said: Said) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(said.out)
    assert document.keys() == {"version", "data", "errors"}
    assert document["version"] == 1
    for error in document["errors"]:
        assert error["code"]
        assert error["message"]
    return document


verbs = pytest.mark.parametrize("words", EVERY, ids=" ".join)


@verbs
def test_help_has_an_example_that_is_one(words: tuple[str, ...], away: Semel) -> None:
    said = away.run(*words, "--help")
    assert said.code == 0
    assert "Example" in said.out
    assert f"semel {' '.join(words)}" in said.out.partition("Example")[2]


@verbs
def test_an_unknown_option_is_usage_and_an_envelope(words: tuple[str, ...], away: Semel) -> None:
    assert takes(words, "--output")
    said = away.run(*words, "-o", "json", "--no-such-option")
    assert said.code == 2
    [error] = envelope(said)["errors"]
    assert error["code"] == "usage"
    assert "--no-such-option" in error["message"]
    plain = away.run(*words, "--no-such-option")
    assert (plain.code, plain.out) == (2, "")
    assert "--no-such-option" in plain.err


@pytest.mark.parametrize("words", [each for each in EVERY if takes(each, "--redis")], ids=" ".join)
def test_without_a_server_each_says_so_in_its_envelope(words: tuple[str, ...], away: Semel) -> None:
    said = away.run(*words, *required(words), "--redis", AWAY, "-o", "json")
    assert said.code in LISTED - {0}
    assert envelope(said)["errors"]


@pytest.fixture(scope="module")
def served(valkey_url: str) -> Iterator[Semel]:
    semel = Semel(valkey_url, f"test_{secrets.token_hex(4)}")
    assert semel.run("init", "--partitions", "2").code == 0
    with semel.served():
        yield semel


LOOKING = [each for each in EVERY if each not in STARTS_A_SERVER | ENDLESS and not required(each)]


@pytest.mark.parametrize("words", LOOKING, ids=" ".join)
def test_what_is_shown_is_an_envelope(words: tuple[str, ...], served: Semel) -> None:
    said = served.run(*words, "-o", "json")
    document = envelope(said)
    assert said.code in LISTED
    assert (said.code == 0) == (not document["errors"])


@pytest.mark.parametrize(
    ("words", "suggested"),
    [
        (["statsu"], "status"),
        (["projection", "rebiuld", "orders"], "rebuild"),
        (["query", "GetOrderByID"], "GetOrderById"),
        (["projection", "show", "order"], "orders"),
        (["projection", "verify", "order"], "orders"),
        (["projection", "rebuild", "order"], "orders"),
        (["reaction", "show", "fulfillment"], "fulfilment"),
    ],
)
def test_a_slip_of_the_fingers_is_told_what_was_meant(
    words: list[str], suggested: str, served: Semel
) -> None:
    said = served.run(*words)
    assert said.code in (1, 2, 4)
    assert f"id you mean {suggested}" in (said.out + said.err).replace("'", "")


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("semel do", {"doctor"}),
        ("semel projection re", {"rebuild", "resume"}),
        ("semel submit Create", {"CreateOrder"}),
        ("semel query GetOrder", {"GetOrderById", "GetOrdersByCustomer"}),
        ("semel projection show cust", {"customers"}),
    ],
)
def test_a_shell_completes_verbs_and_the_domains_names(typed: str, completed: set[str]) -> None:
    words = typed.split()
    said = Semel(AWAY, "test_away").process(
        _SEMEL_COMPLETE="complete_bash", COMP_WORDS=typed, COMP_CWORD=str(len(words) - 1)
    )
    assert set(said.out.split()) == completed


# -- Odd words --------------------------------------------------------------------------

FUZZED = [each for each in EVERY if each not in STARTS_A_SERVER]
OPTIONS = sorted(
    {
        option
        for words in FUZZED
        for each in command_of(words).params
        for option in each.opts
        if option.startswith("-") and option not in ("--workers", "--redis", "--metrics-port")
    }
)
"""--workers would keep processes going, --metrics-port bind ports, --redis find a server."""

WORDS = ["{}", "[", "-", "@x", "a.b=1", "a:=", "json", "x-1"]
odd = some.one_of(
    some.sampled_from(OPTIONS),
    some.sampled_from(WORDS),
    some.integers().map(str),
    some.floats().map(str),
    some.text(max_size=20),
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(words=some.sampled_from(FUZZED), more=some.lists(odd, max_size=6))
@example(words=("node", "drain"), more=["x", "--wait", "0"])
@example(words=("query",), more=["\ud800"])
@example(words=("events",), more=["order-1", "--after", "9" * 30])
@example(words=("submit",), more=["T", "x-1", "a=\x00"])
def test_whatever_is_typed_ends_with_a_listed_code(
    words: tuple[str, ...], more: list[str], away: Semel
) -> None:
    said = away.run(*words, *more, SEMEL_WAIT_SECONDS="0.1")
    assert said.code in LISTED
    assert "Traceback" not in said.err
    assert os.environ["HOME"] == str(Path.cwd())
