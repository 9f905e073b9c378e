"""JSON schemas of a domain's commands, queries and views, with the names they refer to."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from engine.core.messages import Query
from engine.core.registry import Domain

_REF = "#/components/schemas/{model}"


class Schemas(NamedTuple):
    """Schemas by the names of commands, queries and projections; ``named`` are shared ones."""

    commands: Mapping[str, Any]
    queries: Mapping[str, Any]
    answers: Mapping[str, Any]
    rows: Mapping[str, Any]
    named: Mapping[str, Any]


def schemas_of(domain: Domain) -> Schemas:
    """All schemas that a gateway's document has."""
    commands = {name: handler.command for name, handler in domain.commands.items()}
    queries = {name: handler.query for name, handler in domain.queries.items()}
    answers = {name: view_of(query) for name, query in queries.items()}
    rows = {name: projection.row for name, projection in domain.projections.items()}
    named: dict[str, Any] = {}
    said = _of_models(commands.values(), named, "validation")
    asked = _of_models(queries.values(), named, "validation")
    shown = _of_views([*answers.values(), *rows.values()], named)
    return Schemas(
        {name: said[model] for name, model in commands.items()},
        {name: _opened(asked[model], named) for name, model in queries.items()},
        {name: shown[id(view)] for name, view in answers.items()},
        {name: shown[id(row)] for name, row in rows.items()},
        named,
    )


def view_of(query: type[Query[Any]]) -> Any:
    """The type of what answers a query: the argument of its ``Query[…]``."""
    for base in query.__mro__:
        said = getattr(base, "__pydantic_generic_metadata__", {}).get("args")
        if said:
            return said[0]
    return Any


def _of_models(
    models: Iterable[type[BaseModel]], named: dict[str, Any], mode: Any
) -> dict[type[BaseModel], Any]:
    pairs = [(model, mode) for model in models]
    found, shared = models_json_schema(pairs, ref_template=_REF)
    named |= shared.get("$defs", {})
    return {model: found[model, mode] for model, _ in pairs}


def _of_views(views: list[Any], named: dict[str, Any]) -> dict[int, Any]:
    """What views look like, by their ids: some types cannot be keys."""
    models = [view for view in views if isinstance(view, type) and issubclass(view, BaseModel)]
    found: dict[int, Any] = {
        id(model): schema for model, schema in _of_models(models, named, "serialization").items()
    }
    for view in views:
        if id(view) not in found:
            found[id(view)] = _of_struct(view, named)
    return found


def _of_struct(view: Any, named: dict[str, Any]) -> Any:
    """A view's schema, its parts named as they are, or else as parts of views."""
    for prefix in ("", "View."):
        try:
            [schema], parts = msgspec.json.schema_components(
                [view], ref_template=f"#/components/schemas/{prefix}{{name}}"
            )
        except (TypeError, NotImplementedError):
            break
        shared = {f"{prefix}{name}": part for name, part in parts.items()}
        if all(named.get(name, part) == part for name, part in shared.items()):
            named |= shared
            return schema
    return {}  # a type that has no schema is whatever it is shown as


def _opened(schema: Any, named: Mapping[str, Any]) -> Any:
    """What a reference stands for: a query's fields are parameters, one by one."""
    while "$ref" in schema:
        schema = named[schema["$ref"].rpartition("/")[2]]
    return schema
