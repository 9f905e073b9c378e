"""``semel new``: a project that runs at once, with the semel that made it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.core.errors import Misuse
from engine.edge.project import create, requirement
from tests.edge.command_line import ROOT, Semel

MINUTE = 60
"""From nothing to a view, once everything is installed: what a newcomer is promised."""


def test_from_nothing_to_a_view_within_a_minute(tmp_path: Path) -> None:
    began = time.monotonic()
    newcomer = Semel("", "bank", tmp_path)
    made = newcomer.process("new", "bank", "-o", "json")
    assert (made.code, made.data["path"]) == (0, str(tmp_path / "bank"))
    with newcomer._replace(home=tmp_path / "bank").daemon("dev") as dev:
        url = dev.says("export SEMEL_REDIS").split("=", 1)[1].strip()
        at_work = Semel(url, "bank", tmp_path / "bank")
        typed = dev.says("semel submit").split()
        assert typed[1:] == ["submit", "OpenAccount", "account-1", "owner=owner"]
        outcome = at_work.process(*typed[1:], "-o", "json").data
        asked = dev.says("semel query").split()
        said = at_work.process(*asked[1:], "--after", outcome["receipt"], "-o", "json")
        assert (said.code, said.data) == (0, {"owner": "owner", "balance": "0"})
    assert time.monotonic() - began < MINUTE


def make(home: Path, target: str) -> str:
    """What a target of its Makefile says, and that it did not fail."""
    environment = {"PATH": os.environ["PATH"], "PYTEST_ADDOPTS": "-p no:valkey"}
    ran = subprocess.run(
        ["/usr/bin/env", "make", "--no-print-directory", target],
        cwd=home, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.timeout(120)
def test_its_targets_do_what_it_says(tmp_path: Path) -> None:
    """In this environment, not one of its own: `.ci/run` makes that, from the wheel."""
    home, _ = create("bank", tmp_path)
    (home / ".venv").mkdir()
    (home / ".venv/bin").symlink_to(Path(sys.executable).parent)
    (home / ".venv/ready").touch()
    assert {"setup", "dev", "demo", "test", "clean"} < set(make(home, "help").split())
    assert "5 passed" in make(home, "test")
    shown = make(home, "demo")
    for said in ("accepted  account-1  version 2", "insufficient_funds", "balance  12.50"):
        assert said in shown
    make(home, "clean")
    assert not (home / ".venv").exists()


def test_its_style_is_ours(tmp_path: Path) -> None:
    home, written = create("bank", tmp_path)
    assert {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()} == {*written}
    assert {".gitignore", "Makefile", "README.md", "pyproject.toml"} < {*written}
    assert not any("{{" in (home / place).read_text() for place in written)
    lint = [sys.executable, "-m", "ruff", "--config", str(ROOT / "pyproject.toml")]
    for words in (["format", "--check"], ["check", "--ignore=S101,D103,INP001"]):
        found = subprocess.run(
            [*lint[:3], *words, *lint[3:], "."], cwd=home, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("name", ["", "Shop", "2nd", "a b", "../up", "semel", "handlers", "a" * 51])
def test_a_name_that_is_none_is_refused_and_says_what_is_one(name: str, tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="small letters, digits, - and _"):
        create(name, tmp_path)
    assert not [*tmp_path.iterdir()]


def test_what_is_there_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    create("empty", tmp_path)
    for name, inside in (("full", "README.md"), ("file", "")):
        path = tmp_path / name / inside
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
        with pytest.raises(Misuse, match="there already, and not empty"):
            create(name, tmp_path)
        assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("noted", "wanted"),
    [
        (None, "semel[dev,uvloop]==9.8.7"),
        (
            {"url": "https://example.com/semel-9.8.7-py3-none-any.whl", "archive_info": {}},
            "semel[dev,uvloop] @ https://example.com/semel-9.8.7-py3-none-any.whl",
        ),
        (
            {"url": "file:///src/semel", "dir_info": {"editable": True}},
            "semel[dev,uvloop] @ file:///src/semel",
        ),
        (
            {
                "url": "https://example.com/mono.git", "subdirectory": "semel",
                "vcs_info": {"vcs": "git", "commit_id": "0f3a"},
            },
            "semel[dev,uvloop] @ git+https://example.com/mono.git@0f3a#subdirectory=semel",
        ),
    ],
)  # fmt: skip
def test_a_project_installs_the_semel_that_made_it(
    noted: dict[str, object] | None, wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "semel-9.8.7.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: semel\nVersion: 9.8.7\n")
    if noted is not None:
        (installed / "direct_url.json").write_text(json.dumps(noted))
    monkeypatch.syspath_prepend(tmp_path)
    assert requirement() == wanted
