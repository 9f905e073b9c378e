"""Whether all that one schema describes can be read by another, and nothing of it is lost.

What cannot be told from the schemas counts as no: a pattern that is another one, for example.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from engine.core.schemas.describing import Schema

_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_SAME = ("format", "pattern", "contentEncoding", "multipleOf", "uniqueItems", "propertyNames")
"""Constraints: bounds may be relaxed; of the others each must be as it was, or go."""


class Fault(NamedTuple):
    """Something that cannot be read any more: a code, where it is, and what became of it."""

    code: str
    path: str
    said: str


def faults(old: Schema, new: Schema, path: str = "") -> list[Fault]:
    """What of ``old`` cannot be read by ``new``; empty where all can be."""
    if old == new:
        return []
    olds, news = _members(old), _members(new)
    if len(olds) == len(news) == 1:
        return list(_single(olds[0], news[0], path))
    found: list[Fault] = []
    for each in (value for member in olds for value in _apart(member)):
        tries = [list(_single(each, member, path)) for member in news]
        if all(tries):
            found += _nearest(each, news, tries, path)
    return list(dict.fromkeys(found))


def _nearest(old: Schema, news: list[Schema], tries: list[list[Fault]], path: str) -> list[Fault]:
    """What to say of a member of a union that none of the new ones can read."""
    if "enum" in old:
        return [Fault("value_gone", path, f"may not be {old['enum'][0]!r} any more")]
    alike = [found for new, found in zip(news, tries, strict=True) if _type(new) == _type(old)]
    if not alike:
        return [Fault("type_changed", path, f"may not be {_named(old)} any more")]
    # Members are told apart by a listed value: where that is another, all else is too.
    return min(alike, key=lambda found: (found[0].code == "value_gone", len(found)))


def _single(old: Schema, new: Schema, path: str) -> Iterator[Fault]:
    if old == new or not new.keys() - {"default"}:
        return
    if "enum" in old or "const" in old:
        yield from _values(old, new, path)
    elif "enum" in new or "const" in new or not _fits(_type(old), _type(new)):
        yield Fault("type_changed", path, f"was {_named(old)} and is {_named(new)}")
    else:
        yield from _constraints(old, new, path)
        if _type(old) == "object":
            yield from _object(old, new, path)
        elif _type(old) == "array":
            yield from _array(old, new, path)


def _values(old: Schema, new: Schema, path: str) -> Iterator[Fault]:
    """Values that were listed: each must be listed now, or be of the type that is now."""
    for value in _listed(old):
        if "enum" in new or "const" in new:
            is_read = value in _listed(new)
        else:
            is_read = _fits(_type_of(value), _type(new))
        if not is_read:
            yield Fault("value_gone", path, f"may not be {value!r} any more")


def _constraints(old: Schema, new: Schema, path: str) -> Iterator[Fault]:
    for names, is_narrower in ((_LOWER, _is_above), (_UPPER, _is_below)):
        for name in names:
            if name in new and (name not in old or is_narrower(new[name], old[name])):
                yield Fault("narrowed", path, _bound(name, old, new))
    for name in _SAME:
        if name in new and new[name] != old.get(name):
            yield Fault("narrowed", path, _bound(name, old, new))


def _object(old: Schema, new: Schema, path: str) -> Iterator[Fault]:
    fields, others = _fields(old), _others(new)
    now = _fields(new)
    for name, schema in fields.items():
        here = f"{path}.{name}" if path else name
        if name in now:
            yield from faults(schema, now[name], here)
        elif others is None:
            yield Fault("field_gone", here, "is gone")
        else:
            yield from faults(schema, others, here)
    for name in new.get("required", ()):
        here = f"{path}.{name}" if path else name
        if name not in fields:
            yield Fault("field_new", here, "is new, and has no default")
        elif name not in old.get("required", ()):
            yield Fault("default_gone", here, "has no default any more")
    free = _others(old)
    if free is not None and others is None:
        yield Fault("type_changed", path, "took any name, and takes its own fields only")
    elif free is not None and others is not None:
        yield from faults(free, others, f"{path}{{}}")


def _array(old: Schema, new: Schema, path: str) -> Iterator[Fault]:
    """Items by their place, then the others; where no others may be, none is said to be."""
    placed, now = old.get("prefixItems", []), new.get("prefixItems", [])
    for at in range(max(len(placed), len(now))):
        was = placed[at] if at < len(placed) else _items(old)
        then = now[at] if at < len(now) else _items(new)
        if was is not None and then is not None:
            yield from faults(was, then, f"{path}[{at}]")
        elif was is not None:
            yield Fault("field_gone", f"{path}[{at}]", "is gone")
    was, then = _items(old), _items(new)
    if was is not None and then is not None:
        yield from faults(was, then, f"{path}[]")
    elif was is not None:
        yield Fault("type_changed", path, "had any number of items, and has not any more")


def _members(schema: Schema) -> list[Schema]:
    """The members of a union; a schema that is none is its own."""
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return [inner for member in schema[key] for inner in _members(member)]
    if isinstance(schema.get("type"), list):
        return [{**schema, "type": each} for each in schema["type"]]
    return [schema]


def _apart(schema: Schema) -> list[Schema]:
    """Listed values each by itself: different members of a union may take them."""
    return [{"enum": [value]} for value in schema["enum"]] if "enum" in schema else [schema]


def _fields(schema: Schema) -> Mapping[str, Schema]:
    fields: Mapping[str, Schema] = schema.get("properties", {})
    return fields


def _others(schema: Schema) -> Schema | None:
    """What further fields may be; None where they are refused, or dropped unread."""
    others = schema.get("additionalProperties", None if "properties" in schema else {})
    return {} if others is True else None if others is False else others


def _items(schema: Schema) -> Schema | None:
    """What items without a place of their own may be; None where there are none."""
    items = schema.get("items", {} if "prefixItems" not in schema else None)
    return None if items is False else items


def _listed(schema: Schema) -> list[Any]:
    return [schema["const"]] if "const" in schema else list(schema["enum"])


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        return f"a {schema['$ref']}"
    return str(schema.get("type", "")) or ("object" if "properties" in schema else "")


def _type_of(value: object) -> str:
    return {bool: "boolean", int: "integer", float: "number", str: "string"}.get(
        type(value), "null"
    )


def _fits(old: str, new: str) -> bool:
    """Whether each value of a type is one of another; without a name, anything is."""
    return new in (old, "") or (old, new) == ("integer", "number")


def _named(schema: Schema) -> str:
    """A schema in a word or two."""
    if "enum" in schema or "const" in schema:
        return "one of " + ", ".join(repr(value) for value in _listed(schema))
    kind = _type(schema) or "anything"
    return f"{kind} ({schema['format']})" if "format" in schema else kind


def _bound(name: str, old: Schema, new: Schema) -> str:
    was = f", and was {old[name]}" if name in old else ", and had none"
    return f"has {name} {new[name]}{was}"


def _is_above(new: float, old: float) -> bool:
    return new > old


def _is_below(new: float, old: float) -> bool:
    return new < old
