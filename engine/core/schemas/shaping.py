"""What an event stores, read from its type.

msgspec makes JSON Schema itself, but says of a time and of a text the same.
"""

from contextlib import suppress
from typing import Any

import msgspec
from msgspec import NODEFAULT, inspect

_BOUNDS = {
    "gt": "exclusiveMinimum",
    "ge": "minimum",
    "lt": "exclusiveMaximum",
    "le": "maximum",
    "multiple_of": "multipleOf",
    "pattern": "pattern",
}
_LENGTHS = {"string": "Length", "array": "Items", "object": "Properties"}

_PLAIN: dict[type[inspect.Type], dict[str, str]] = {
    inspect.NoneType: {"type": "null"},
    inspect.BoolType: {"type": "boolean"},
    inspect.IntType: {"type": "integer"},
    inspect.FloatType: {"type": "number"},
    inspect.StrType: {"type": "string"},
    inspect.BytesType: {"type": "string", "contentEncoding": "base64"},
    inspect.ByteArrayType: {"type": "string", "contentEncoding": "base64"},
    inspect.MemoryViewType: {"type": "string", "contentEncoding": "base64"},
    inspect.DateTimeType: {"type": "string", "format": "date-time"},
    inspect.DateType: {"type": "string", "format": "date"},
    inspect.TimeType: {"type": "string", "format": "time"},
    inspect.TimeDeltaType: {"type": "string", "format": "duration"},
    inspect.UUIDType: {"type": "string", "format": "uuid"},
    inspect.DecimalType: {"type": "string", "format": "decimal"},
}
"""Types without any other inside. What is neither here nor below may be anything."""


def shape_of(kind: Any) -> dict[str, Any]:
    """The schema of a type; raises `TypeError` where msgspec cannot read it."""
    return _shape(inspect.type_info(kind), ())


def _shape(kind: inspect.Type, inside: tuple[str, ...]) -> dict[str, Any]:
    shape: dict[str, Any]
    match kind:
        case inspect.Metadata(type=inner):
            return _shape(inner, inside)
        case inspect.EnumType() | inspect.LiteralType():
            shape = {"enum": _listed(kind)}
        case inspect.UnionType(types=types):
            shape = {"anyOf": [_shape(each, inside) for each in types]}
        case inspect.CollectionType(item_type=item):
            shape = {"type": "array", "items": _shape(item, inside)}
        case inspect.DictType(key_type=key, value_type=value):
            shape = {"type": "object", "additionalProperties": _shape(value, inside)}
            if type(key) is not inspect.StrType:
                shape["propertyNames"] = _shape(key, inside)
        case inspect.TupleType(item_types=items):
            shape = _placed([_shape(each, inside) for each in items], len(items))
        case _ if hasattr(kind, "fields"):
            shape = _fields(kind, inside)
        case _:
            shape = dict(_PLAIN.get(type(kind), {}))
    return {**shape, **_bounds(kind, shape.get("type", ""))}


def _listed(kind: inspect.EnumType | inspect.LiteralType) -> list[Any]:
    if isinstance(kind, inspect.LiteralType):
        return list(kind.values)
    return [msgspec.to_builtins(member.value) for member in kind.cls]


def _fields(kind: Any, inside: tuple[str, ...]) -> dict[str, Any]:
    """A type with fields by name, or by place where it is stored as an array."""
    name = getattr(kind.cls, "__name__", str(kind.cls))
    if name in inside:
        return {"$ref": name}
    inside, tag = (*inside, name), getattr(kind, "tag_field", None)
    shapes = {} if tag is None else {tag: {"enum": [kind.tag]}}
    required = list(shapes)
    for field in kind.fields:
        shapes[field.encode_name] = _with_default(field, inside)
        required += [field.encode_name] if field.required else []
    if getattr(kind, "array_like", isinstance(kind, inspect.NamedTupleType)):
        return _placed(list(shapes.values()), len(required))
    return {"type": "object", "properties": shapes, "required": required}


def _placed(shapes: list[dict[str, Any]], required: int) -> dict[str, Any]:
    ends = {"items": False, "minItems": required, "maxItems": len(shapes)}
    return {"type": "array", "prefixItems": shapes, **ends}


def _with_default(field: inspect.Field, inside: tuple[str, ...]) -> dict[str, Any]:
    shape = _shape(field.type, inside)
    default = field.default
    if default is NODEFAULT and field.default_factory in (list, dict, set, tuple):
        default = field.default_factory()
    if default is NODEFAULT:
        return shape
    with suppress(TypeError, ValueError):  # one that JSON cannot show is not shown
        return {**shape, "default": msgspec.to_builtins(default, str_keys=True, enc_hook=str)}
    return shape


def _bounds(kind: inspect.Type, name: str) -> dict[str, Any]:
    """What a type was annotated with."""
    said = msgspec.structs.asdict(kind)
    bounds = {_BOUNDS[each]: said[each] for each in _BOUNDS if said.get(each) is not None}
    for end in ("min", "max") if name in _LENGTHS else ():
        if said.get(f"{end}_length") is not None:
            bounds[f"{end}{_LENGTHS[name]}"] = said[f"{end}_length"]
    return bounds
