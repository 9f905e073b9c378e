"""The document: a path for each command, query and read model of the domain."""

from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from inspect import cleandoc
from typing import Any

from engine.core.registry import Domain
from engine.core.routing import ID_LENGTH_LIMIT
from engine.edge.http.openapi.examples import example_of
from engine.edge.http.openapi.parts import (
    ANY_ID,
    COMMAND_HEADERS,
    COMPONENTS,
    HEADERS_OUT,
    PROBES,
    QUERY_HEADERS,
    problems,
    reference,
)
from engine.edge.http.openapi.schemas import Schemas, schemas_of
from engine.edge.http.reading import ENTRY

Part = dict[str, Any]


def document(domain: Domain, *, is_protected: bool) -> Part:
    """The OpenAPI document of a gateway that serves a domain."""
    schemas = schemas_of(domain)
    paths: Part = {}
    for name, handler in domain.commands.items():
        about = _said(handler.command, name), handler.decider.kind
        paths[f"/v1/commands/{name}"] = {"post": _command(name, *about, schemas)}
    paths["/v1/commands/{id}"] = {"get": _fate()}
    for name, asked in domain.queries.items():
        paths[f"/v1/queries/{name}"] = {"get": _query(name, _said(asked.query, name), schemas)}
    for name in domain.projections:
        paths[f"/v1/views/{name}/{{row}}"] = {"get": _view(name, schemas)}
    paths |= PROBES
    named = {**COMPONENTS["schemas"], **schemas.named}
    said: Part = {
        "openapi": "3.1.0",
        "info": {"title": "semel", "version": _version(), "description": _ABOUT},
        "paths": paths,
        "components": {**COMPONENTS, "schemas": named},
    }
    if is_protected:
        said["security"] = [{"bearer": []}]
    else:
        del said["components"]["securitySchemes"]
    return said


_ABOUT = (
    "Commands have their effect exactly once: the same `Idempotency-Key` again repeats the answer. "
    "`Semel-Receipt` of an answer, passed on to a query, has that query see what the command did."
)


def _command(name: str, about: str, kind: str, schemas: Schemas) -> Part:
    schema = schemas.commands[name]
    example = example_of(schema, schemas.named)
    aggregate = {
        "name": "aggregate", "in": "query", "required": True,
        "description": "Whose command it is.", "example": f"{kind}-42",
        "schema": {
            "type": "string", "pattern": f"^{kind}-{ANY_ID[1:]}", "maxLength": ID_LENGTH_LIMIT,
        },
    }  # fmt: skip
    return {
        "operationId": name,
        "summary": about.partition("\n")[0],
        "description": about,
        "tags": ["commands"],
        "parameters": [aggregate, *COMMAND_HEADERS],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema, "example": example}},
        },
        "responses": {
            "201": _answer("It was accepted, now or before.", reference("Outcome"),
                           "ETag", "Location", "Semel-Receipt"),
            "202": _answer("It was handed over, and has no outcome yet.", reference("Fate"),
                           "Location", "Retry-After"),
            **problems(400, 401, 403, 404, 408, 412, 413, 415, 422, 429, 500, 503),
        },
    }  # fmt: skip


def _fate() -> Part:
    return {
        "operationId": "fate",
        "summary": "What became of a command.",
        "tags": ["commands"],
        "parameters": [
            _in_path("id", "The command's id.", "01890a5d-ac96-774b-bcce-b302099a8057"),
            {"name": "aggregate", "in": "query", "required": True, "example": "order-42",
             "schema": {"type": "string", "pattern": "^[a-z]+-" + ANY_ID[1:],
                        "maxLength": ID_LENGTH_LIMIT}},
            {"name": "entry", "in": "query", "description": "Where it stands; without, it is "
             "searched for.", "schema": {"type": "string", "pattern": f"^{ENTRY}$"}},
        ],
        "responses": {
            "200": _answer("Its outcome, or that it has none yet.", reference("Fate"),
                           "ETag", "Semel-Receipt", "Retry-After"),
            **problems(401, 403, 404, 422, 429, 503),
        },
    }  # fmt: skip


def _query(name: str, about: str, schemas: Schemas) -> Part:
    fields = schemas.queries[name]
    needed = fields.get("required", ())
    parameters = [
        {
            "name": field, "in": "query", "required": field in needed, "schema": schema,
            **({"example": example_of(schema, schemas.named, field)} if field in needed else {}),
        }
        for field, whole in fields.get("properties", {}).items()
        for schema in [_present(whole)]
    ]  # fmt: skip
    return _asked(name, about, "queries", parameters, schemas.answers[name])


def _view(name: str, schemas: Schemas) -> Part:
    about = f"One row of {name}."
    row = _in_path("row", "The row's id.", "order-42")
    return _asked(f"row of {name}", about, "views", [row], schemas.rows[name])


def _asked(name: str, about: str, tag: str, parameters: Iterable[Part], answer: Part) -> Part:
    """What is asked: once, or for as long as one listens."""
    ok = _answer("The answer.", answer, "ETag")
    ok["content"]["text/event-stream"] = {
        "schema": {"type": "string"},
        "example": 'id: JeC4MEJ5…\ndata: {"answer":…,"is_behind":false}\n\n',
    }
    return {
        "operationId": name.replace(" ", "-"),
        "summary": about.partition("\n")[0],
        "description": f"{about}\n\nWith `Accept: text/event-stream` each other answer follows.",
        "tags": [tag],
        "parameters": [*parameters, *QUERY_HEADERS],
        "responses": {
            "200": ok,
            "304": {"description": "It is what the caller has already."},
            **problems(401, 403, 404, 409, 410, 422, 429, 500, 503),
        },
    }


def _answer(description: str, schema: Part, *headers: str) -> Part:
    return {
        "description": description,
        "headers": {name: HEADERS_OUT[name] for name in headers},
        "content": {"application/json": {"schema": schema}},
    }


def _in_path(name: str, description: str, example: str) -> Part:
    return {
        "name": name, "in": "path", "required": True, "description": description,
        "example": example,
        "schema": {"type": "string", "pattern": ANY_ID, "maxLength": ID_LENGTH_LIMIT},
    }  # fmt: skip


def _present(schema: Mapping[str, Any]) -> Part:
    """A parameter's schema without null: what is not there is left out."""
    kept = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    if not kept:
        return dict(schema)
    return {**rest, **kept[0]} if len(kept) == 1 else {**rest, "anyOf": kept}


def _said(message: type[Any], name: str) -> str:
    return cleandoc(message.__doc__ or name)


def _version() -> str:
    try:
        return version("semel")
    except PackageNotFoundError:
        return "0"
