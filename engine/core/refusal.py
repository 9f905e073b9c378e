"""Why a command is rejected, as its outcome says it, in bounded size."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import msgspec
from pydantic import ValidationError

from engine.core.routing import ID_LENGTH_LIMIT

_TEXT_LIMIT = 1000
"""Characters of one sentence in an outcome."""

_DETAIL_LIMIT = 8000
"""Characters of all faults in one outcome: fifty of a hundred, and some more."""

_FAULTS_LIMIT = 50
"""Faults named in one outcome: a hostile entry must not grow its own answer without end."""


REFUSALS: Mapping[str, int] = {
    "malformed": 422, "wrong_kind": 422, "wrong_partition": 422, "id_reused": 422, "clock": 422,
    "expired": 422, "unknown_type": 404, "too_large": 413, "busy": 503,
}  # fmt: skip
"""The codes by which the engine itself rejects, and their HTTP statuses; a decider's are 400."""


class Refusal(NamedTuple):
    """Why a command is rejected: a stable code, a sentence, and what is wrong by field."""

    code: str
    message: str
    errors: Mapping[str, str] = MappingProxyType({})

    def detail(self) -> bytes:
        """The refusal as an outcome's ``detail``."""
        said: dict[str, object] = {"code": self.code, "message": self.message[:_TEXT_LIMIT]}
        if self.errors:
            said["errors"] = dict(self._shown())
        return msgspec.json.encode(said)

    def _shown(self) -> Iterator[tuple[str, str]]:
        """Faults, as far as there is room: each outcome is remembered for a day."""
        room = _DETAIL_LIMIT
        for name, fault in self.errors.items():
            shown = name[:ID_LENGTH_LIMIT], fault[:_TEXT_LIMIT]
            room -= sum(map(len, shown))
            if room < 0:
                return
            yield shown


def field_errors(error: ValidationError) -> dict[str, str]:
    """What pydantic found wrong with ``data``, by the path of each field."""
    return {
        ".".join(("data", *map(str, fault["loc"]))): fault["msg"].removeprefix("Value error, ")
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    }


def malformed(faults: dict[str, str]) -> Refusal:
    """What is wrong with a command that cannot be read."""
    named = dict(list(faults.items())[:_FAULTS_LIMIT])
    said = "; ".join(f"{name} {fault}" for name, fault in list(named.items())[:3])
    more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""  # noqa: PLR2004
    return Refusal("malformed", f"{said}{more}", named)
