"""A row as it was read beside the row that the log makes: what differs."""

from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from engine.core.audit.findings import Finding
from engine.core.audit.moment import Group, SeenRow
from engine.core.audit.refold import Expected
from engine.core.fold import RANK_KEPT, WATERMARK, differing, plain_rank
from engine.core.projection import Index, Projection

_DIGEST_BYTES = 12
"""96 bits tell what was read from what was folded, over any number of rows."""

_encode = msgspec.json.Encoder(order="deterministic").encode

Fields = Mapping[str, str]
Entries = Mapping[Group, float]
KeyOf = Callable[[str], str]


def digest_of(fields: Fields, entries: Entries) -> bytes:
    """The same for a row as read and as folded; a kept rank is a number, however it is written."""
    plain = {
        name: _sound(plain_rank(text) if name.startswith(RANK_KEPT) else text)
        for name, text in fields.items()
    }
    scores = sorted((index, _sound(group), score) for (index, group), score in entries.items())
    return blake2b(_encode((plain, scores)), digest_size=_DIGEST_BYTES).digest()


def digest_of_seen(seen: SeenRow) -> bytes:
    """The digest of a row as it was read, with those of its entries that are there."""
    entries = {group: score for group, score in seen.entries.items() if score is not None}
    return digest_of(seen.fields, entries)


def digest_of_expected(expected: Expected) -> bytes:
    """The digest of a row as the log makes it."""
    fields, entries = expected.content
    return digest_of(fields, {(name, group): score for name, (group, score) in entries.items()})


class Judge:
    """What is wrong with rows of one generation, whose keys are named by these functions.

    ``unjudged`` counts rows of which something differs that no log can tell.
    """

    def __init__(
        self, projection: Projection[Any], row_key: KeyOf, group_key: Callable[[Group], str]
    ) -> None:
        self._indexes = {index.name: index for index in projection.indexes}
        self._row_key, self._group_key = row_key, group_key
        self.unjudged = 0

    def compare(self, seen: SeenRow, expected: Expected) -> list[Finding]:
        """What differs between a row and the fold of exactly the events it must have taken."""
        fields, entries = expected.content
        found = [*self._row(seen, fields), *self._entries(seen, entries)]
        told = [each for each, field, index in found if not _is_contested(expected, field, index)]
        self.unjudged += len(told) < len(found)
        return told

    def _row(
        self, seen: SeenRow, due: Fields
    ) -> "Iterator[tuple[Finding, str | None, Index | None]]":
        key = self._row_key(seen.name)
        if not due:
            if seen.fields:
                stray = Finding("row_stray", None, key, "", "no row: no event makes one", "one")
                yield stray, None, None
        elif not seen.fields:
            taken = ", ".join(
                f"{name.removeprefix(WATERMARK)}/{due[name]}"
                for name in due
                if name.startswith(WATERMARK)
            )
            said = f"the row of events {taken}"
            yield Finding("row_missing", None, key, "", said, "nothing"), None, None
        else:
            for name in differing(due, seen.fields):
                expected, found = _quoted(due.get(name)), _quoted(seen.fields.get(name))
                index = self._indexes.get(name.removeprefix(RANK_KEPT))
                kept = index if name.startswith(RANK_KEPT) else None
                yield Finding("row_differs", None, key, name, expected, found), name, kept

    def _entries(
        self, seen: SeenRow, due: Mapping[str, tuple[str, float]]
    ) -> "Iterator[tuple[Finding, str | None, Index | None]]":
        wanted = {(index, group): score for index, (group, score) in due.items()}
        for group, found in seen.entries.items():
            expected = wanted.get(group)
            if expected != found:
                finding = self._entry(seen, group, _as_entry(expected), _as_entry(found))
                yield finding, None, self._indexes.get(group[0])

    def _entry(self, seen: SeenRow, group: Group, expected: str, found: str) -> Finding:
        check = "entry_score"
        if found == _NO_ENTRY:
            check = "entry_missing"
        elif expected == _NO_ENTRY:
            check = "entry_stray"
        return Finding(check, None, self._group_key(group), seen.name, expected, found)


_NO_ENTRY = "no entry"


def _as_entry(score: float | None) -> str:
    return _NO_ENTRY if score is None else f"an entry with score {score:.17g}"


def _is_contested(expected: Expected, field: str | None, index: Index | None) -> bool:
    writers = expected.writers
    if writers is None or (field or "").startswith(WATERMARK):
        return False
    if index is not None:
        return writers.contest_entry(index)
    return field is not None and writers.contest(field)


def _quoted(text: str | None) -> str:
    return "nothing" if text is None else repr(text)


def _sound(text: str) -> str:
    """Text that JSON can hold: a stranger may have put there what is none."""
    return text.encode(errors="backslashreplace").decode()
