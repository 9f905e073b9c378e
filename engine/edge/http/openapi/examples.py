"""An example of what a schema describes: its own, or the plainest value that fits."""

from collections.abc import Mapping
from typing import Any

_TEXTS = {
    "date-time": "2026-01-31T12:00:00Z", "date": "2026-01-31", "time": "12:00:00Z",
    "decimal": "12.50", "uuid": "01890a5d-ac96-774b-bcce-b302099a8057", "uri": "https://example.com",
    "email": "ada@example.com",
}  # fmt: skip
"""By format, what a text may be."""

_DEPTH_LIMIT = 8
"""Schemas that contain themselves have examples that end somewhere."""


def example_of(
    schema: Mapping[str, Any], named: Mapping[str, Any], name: str = "", depth: int = 0
) -> Any:
    """A value that fits a schema, ``named`` being those that it may refer to.

    ``name`` is the field's, which tells a reader more than any word of ours.
    """
    if depth > _DEPTH_LIMIT:
        return None
    if "$ref" in schema:
        return example_of(named[schema["$ref"].rpartition("/")[2]], named, name, depth + 1)
    for said in ("examples", "enum"):
        if schema.get(said):
            return schema[said][0]
    for said in ("example", "const", "default"):
        if schema.get(said) is not None:
            return schema[said]
    for several in ("anyOf", "oneOf", "allOf"):
        if schema.get(several):
            return example_of(schema[several][0], named, name, depth + 1)
    return _plainest(schema, named, name, depth)


def _plainest(schema: Mapping[str, Any], named: Mapping[str, Any], name: str, depth: int) -> Any:
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            needed = schema.get("required", ())
            return {
                field: example_of(inner, named, field, depth + 1)
                for field, inner in fields.items()
                if field in needed
            }
        case "array":
            return [example_of(schema.get("items", {}), named, name, depth + 1)]
        case "integer" | "number":
            return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        case "boolean":
            return False
        case "string":
            return _text(schema, name)
    return None


def _text(schema: Mapping[str, Any], name: str) -> str:
    """A field's name is a text that fits most patterns, and says what is wanted."""
    text = _TEXTS.get(schema.get("format", ""), name.replace("_", "-") or "text")
    return str(text)[: schema.get("maxLength", len(text))].ljust(schema.get("minLength", 0), "x")
