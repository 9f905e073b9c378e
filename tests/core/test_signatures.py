"""Where a class or function is written, and whether it was written anew."""

import inspect
import sys
from types import ModuleType

import pytest

from engine.core.signatures import code_digest, place_of
from tests.core.doors import Open, open_


def test_a_place_is_a_file_and_a_line() -> None:
    path, _, line = place_of(open_).rpartition(":")
    assert path.endswith("tests/core/doors.py")
    assert int(line) == open_.__code__.co_firstlineno
    assert place_of(Open).startswith(path)


def test_the_place_of_what_has_no_file() -> None:
    assert place_of(len) == "builtins.len"


def test_code_has_a_digest_that_changes_with_its_module(monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_digest([open_])
    assert code_digest([open_]) == before == code_digest([open_, open_])
    assert code_digest([place_of]) != before
    monkeypatch.setattr(inspect, "getsource", lambda _module: "mended")
    assert code_digest([open_]) != before


def test_code_without_a_source_has_a_digest_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, open_.__module__, ModuleType(open_.__module__))
    assert code_digest([open_]) == code_digest([open_])
