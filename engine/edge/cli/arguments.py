"""A message's JSON from the command line: ``'{…}'``, ``@file``, ``-``, or ``key=value …``.

``key=value`` is a text, as money has to be; ``key:=json`` is raw JSON; dots in a key nest.
What is JSON already is passed on as it was written, byte for byte.
"""

import json
import sys
from collections.abc import Sequence
from json import JSONDecodeError
from pathlib import Path
from typing import Any

import msgspec

from engine.core.errors import Misuse

_SHOWN = 30
"""Characters shown on either side of the place where parsing stopped."""


def data_of(words: Sequence[str]) -> bytes:
    """The JSON object that the words stand for; none stand for ``{}``. Raises `Misuse`."""
    if not words:
        return b"{}"
    first = words[0]
    if first != "-" and not first.lstrip().startswith(("@", "{", "[", '"')):
        return _object_of_pairs(words)
    if len(words) > 1:
        raise Misuse(
            f"{words[1]!r} comes after the data: give one JSON object, @file or -, or else only "
            f"key=value pairs. (Quote JSON for the shell: '{{…}}'.)"
        )
    if first == "-":
        return object_in(sys.stdin.buffer.read(), "stdin")
    if first.startswith("@"):
        return object_in(_read(Path(first[1:])), first[1:])
    return object_in(utf8(first, "the data"), "the data")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misuse(f"cannot read {path}: {error.strerror}") from error


def utf8(text: str, what: str) -> bytes:
    """A word of the command line as UTF-8; raises `Misuse` where it was none."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise Misuse(f"{what} is not UTF-8") from error


def object_in(raw: bytes, source: str) -> bytes:
    """A JSON object as it was written; raises `Misuse` that shows where parsing stopped."""
    if not isinstance(_parsed(raw, source), dict):
        raise Misuse(f"{source} is JSON, but not an object: {{…}} is wanted")
    return raw.strip()


def _parsed(raw: bytes, source: str) -> Any:
    try:
        return json.loads(raw.decode())
    except JSONDecodeError as error:
        raise Misuse(f"{source} is not JSON: {_place(error)}") from error
    except UnicodeDecodeError as error:
        raise Misuse(f"{source} is not UTF-8: byte {error.start + 1} cannot be read") from error
    except RecursionError as error:
        raise Misuse(f"{source} is nested too deeply") from error


def _place(error: JSONDecodeError) -> str:
    """The parser's complaint, with the line it is about and a mark below the place."""
    said = f"{error.msg} at line {error.lineno}, column {error.colno}"
    lines = error.doc.splitlines()
    if error.lineno > len(lines):
        return f"{said}, the end"
    at = error.colno - 1
    start = max(0, at - _SHOWN)
    shown = lines[error.lineno - 1][start : at + _SHOWN].replace("\t", " ")
    return f"{said}\n  {shown}\n  {' ' * (at - start)}^"


def _object_of_pairs(words: Sequence[str]) -> bytes:
    tree: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        raw = key.endswith(":")
        path = key.removesuffix(":").split(".")
        if not equals or not all(path):
            raise Misuse(
                f"{word!r} is neither JSON nor key=value (a text) nor key:=json (anything else)"
            )
        leaf: Any = value
        if raw:
            _parsed(utf8(value, key), f"{key}=")
            leaf = msgspec.Raw(value.encode())
        _plant(tree, path, leaf, word)
    try:
        return msgspec.json.encode(tree)
    except UnicodeEncodeError as error:
        raise Misuse("the data is not UTF-8") from error


def _plant(tree: dict[str, Any], path: Sequence[str], leaf: Any, word: str) -> None:
    for name in path[:-1]:
        tree = tree.setdefault(name, {})
        if not isinstance(tree, dict):
            raise Misuse(f"{word!r} goes into {name}, which was given a value before")
    if path[-1] in tree:
        raise Misuse(f"{word!r} is given twice: {path[-1]} has a value already")
    tree[path[-1]] = leaf
