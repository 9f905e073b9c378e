"""The page about HTTP: what one types is answered as it says, and its tables are whole."""

import re
import secrets
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal

from engine.core import errors
from engine.core.refusal import REFUSALS
from engine.edge.http.problems import type_of
from engine.settings import Settings, load
from tests.conftest import _missing
from tests.edge.http.gateways import gateway

PAGE = (Path(__file__).parents[3] / "docs/http.md").read_text()


@pytest.fixture(scope="module")
def fresh_url(portal: BlockingPortal, valkey_url: str) -> Iterator[str]:
    """A shop that nobody has been to."""
    served = gateway(valkey_url, f"test_{secrets.token_hex(4)}")
    with portal.wrap_async_context_manager(served) as url:
        yield url


def test_each_line_that_one_types_is_answered_as_the_page_says(fresh_url: str) -> None:
    if shutil.which("curl") is None:
        _missing("curl on the PATH")
    typed = re.findall(r"```sh\n(.*?)```\n\n```http\n(.*?)```", PAGE, re.DOTALL)
    assert len(typed) == PAGE.count("```http") == 7
    for command, expected in typed:
        here = command.replace("localhost:7902", fresh_url.removeprefix("http://"))
        ended = subprocess.run(
            ["/bin/bash", "-c", here], capture_output=True, text=True, check=True
        )
        for line in expected.splitlines():
            pattern = ".*".join(map(re.escape, line.split("…")))
            assert re.search(f"^{pattern}\r?$", ended.stdout, re.MULTILINE), (line, ended.stdout)


def test_the_settings_it_shows_are_settings() -> None:
    [block] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert load(**tomllib.loads(block)).api_keys["till"].roles == {"submit", "query"}


def test_every_class_of_errors_is_in_its_table_under_its_status() -> None:
    rows = re.findall(r"^\| ([0-9 ]+) \| (.*?) \| (.*) \|$", PAGE, re.MULTILINE)
    told = {
        (name, int(status))
        for statuses, types, _ in rows
        for name in re.findall(r"`([a-z-]+)`", types)
        for status in statuses.split()
    }
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.SemelError):
            name = type_of(kind).rpartition(":")[2]
            assert (name, kind.http_status) in told, name
    for code, status in REFUSALS.items():
        if code != "too_large":  # it is told as what HTTP has for it
            assert any(
                f"`{code}`" in said and str(status) in statuses for statuses, _, said in rows
            ), code


def test_every_setting_of_the_gateway_is_spoken_of() -> None:
    names = [name for name in Settings.model_fields if name.startswith(("http_", "jw", "api_"))]
    spoken = {"http_port": "--port", "http_host": "--host", "http_unprotected": "--unprotected"}
    for name in names:
        assert spoken.get(name, name) in PAGE, name
