"""What events and commands look like, in one canonical form, and how that is recorded.

The form is JSON Schema with nothing in it that has no say in what can be read: no titles,
descriptions or examples, and no references but those of a type to itself.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from enum import StrEnum
from hashlib import blake2b
from typing import Any

import msgspec
from pydantic import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema

from engine.core.messages import Command, Event
from engine.core.registry import Domain
from engine.core.schemas.shaping import shape_of

Schema = Mapping[str, Any]

_DIGEST_BYTES = 8
"""64 bits tell one schema from another."""

_SILENT = frozenset({"title", "description", "examples", "deprecated", "discriminator", "$defs"})
"""What a schema says to people only; what tells the members of a union apart is in these."""

_VALUES = frozenset({"default", "const"})
_SETS = frozenset({"enum", "required"})
"""What holds values and names, and no schemas."""

_encode = msgspec.json.Encoder(order="deterministic").encode


class What(StrEnum):
    """What is described."""

    EVENT = "event"
    COMMAND = "command"


class Described(msgspec.Struct, frozen=True):
    """An event type in one version, or a command type, as some code has it."""

    what: What
    type: str
    version: int
    schema: Schema

    @property
    def field(self) -> str:
        """Its field in the hash of schemas: other code has another one."""
        digest = blake2b(_encode(self.schema), digest_size=_DIGEST_BYTES).hexdigest()
        return f"{self.what} {self.type} {self.version} {digest}"

    def __str__(self) -> str:
        """How it is named to people."""
        of = f" of version {self.version}" if self.what is What.EVENT else ""
        return f"the {self.what} {self.type}{of}"


class Recorded(msgspec.Struct, frozen=True):
    """A schema as it is recorded, and since when, in ms since 1970."""

    schema: dict[str, Any]
    since_ms: int


def described(domain: Domain) -> list[Described]:
    """All that the engine writes: the events that deciders may decide; and all it is sent."""
    kept = sorted(frozenset().union(*domain.kind_events.values()))
    return [
        *(described_event(domain.events[name]) for name in kept),
        *(described_command(domain.commands[name].command) for name in sorted(domain.commands)),
    ]


def described_event(event: type[Event]) -> Described:
    """What an event type stores."""
    shape = _canonical(shape_of(event))
    return Described(What.EVENT, event.__name__, event.__event_version__, shape)


def described_command(command: type[Command]) -> Described:
    """What a command type takes; where pydantic cannot say, anything."""
    raw: dict[str, Any] = {}
    with suppress(PydanticUserError):
        raw = command.model_json_schema(schema_generator=_Lenient)
    return Described(What.COMMAND, command.__name__, 1, _canonical(raw))


def as_recorded(each: Described, since_ms: int) -> str:
    """The text that stands in the hash of schemas."""
    return _encode(Recorded(dict(each.schema), since_ms)).decode()


def read_recorded(fields: Mapping[str, str]) -> Iterator[tuple[Described, int]]:
    """All that is recorded, and since when; what is not as engines write it is passed over."""
    for field, text in fields.items():
        try:
            what, name, version, _ = field.split(" ")
            recorded = msgspec.json.decode(text, type=Recorded)
            yield Described(What(what), name, int(version), recorded.schema), recorded.since_ms
        except ValueError:  # msgspec's errors are some too
            continue


class _Lenient(GenerateJsonSchema):
    """Of a type that only a validator of the domain's own knows, anything may be true."""

    def handle_invalid_for_json_schema(self, *_: Any) -> dict[str, Any]:
        """No schema: anything fits."""
        return {}

    def emit_warning(self, *_: Any) -> None:
        """Nothing: which default cannot be shown as JSON is no concern of anybody here."""


def _canonical(raw: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = _plain(raw, raw.get("$defs", {}), ())
    return plain


def _plain(raw: Any, definitions: Mapping[str, Any], inside: tuple[str, ...]) -> Any:
    """A schema with what it refers to in it, and without what it says to people."""
    if isinstance(raw, list):
        return [_plain(each, definitions, inside) for each in raw]
    if not isinstance(raw, dict):
        return raw
    if "$ref" in raw:
        name = raw["$ref"].rpartition("/")[2]
        if name in inside or name not in definitions:
            return {"$ref": name}
        beside = {key: value for key, value in raw.items() if key != "$ref"}
        return _plain(definitions[name] | beside, definitions, (*inside, name))
    plain: dict[str, Any] = {}
    for key, value in raw.items():
        if key in _VALUES:
            plain[key] = value
        elif key in _SETS:
            plain[key] = sorted(value, key=repr)
        elif key == "properties":
            plain[key] = {name: _plain(each, definitions, inside) for name, each in value.items()}
        elif key not in _SILENT:
            plain[key] = _plain(value, definitions, inside)
    return plain
