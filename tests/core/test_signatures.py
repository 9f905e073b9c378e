"""Where a class or function is written."""

from engine.core.signatures import place_of
from tests.core.doors import Open, open_


def test_a_place_is_a_file_and_a_line() -> None:
    path, _, line = place_of(open_).rpartition(":")
    assert path.endswith("tests/core/doors.py")
    assert int(line) == open_.__code__.co_firstlineno
    assert place_of(Open).startswith(path)


def test_the_place_of_what_has_no_file() -> None:
    assert place_of(len) == "builtins.len"
