"""What every gateway's document has, whatever its domain: headers, problems, outcomes, probes."""

from http import HTTPStatus
from typing import Any

from engine.core.outcome import RECEIPT, Status
from engine.core.routing import ID_LENGTH_LIMIT
from engine.edge.http.reading import VERSION

ANY_ID = r"^[!-.0-z|~]+$"
"""Ids in ASCII: printable, without ``{``, ``}``, ``/`` and spaces."""

_LATIN = r"\u00a1-\u00ac\u00ae-\u00ff"
"""What else is printable in a header, which is read as Latin-1."""

Part = dict[str, Any]


def reference(name: str) -> Part:
    """Where a shared schema is."""
    return {"$ref": f"#/components/schemas/{name}"}


def problems(*statuses: int) -> Part:
    """The answers that are none, by status."""
    return {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "content": {"application/problem+json": {"schema": reference("Problem")}},
        }
        for status in statuses
    }


def _header(name: str, description: str, example: str, **fits: Any) -> Part:
    return {
        "name": name, "in": "header", "required": False, "description": description,
        "example": example, "schema": {"type": "string", **fits},
    }  # fmt: skip


COMMAND_HEADERS = [
    _header(
        "Idempotency-Key", "The command's id, also in quotes; a new one where it is missing.",
        "order-42-create", pattern=f"^[!-.0-z|~{_LATIN}]+$", maxLength=ID_LENGTH_LIMIT + len('""'),
    ),
    _header("If-Match", "The version that the aggregate must have.", '"3"',
            pattern=f"^{VERSION}$"),
    _header("If-None-Match", "`*`: there must be no such aggregate yet.", "*"),
    _header("Prefer", "`wait=N`, how long to wait in seconds; `respond-async` not to.", "wait=5"),
    _header("X-Correlation-ID", "What this belongs to; kept with the events.", "visit-7",
            pattern=f"^[ -~{_LATIN}]+$", maxLength=200),
    _header("traceparent", "W3C trace context; kept with the events.",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
]  # fmt: skip
"""What a caller may say of a command beside the address and the body."""

QUERY_HEADERS = [
    _header("Semel-Receipt", "Of an outcome: the answer has seen what that command did. The "
            "parameter `after` says the same.", "2.17.5f2bb5a2",
            pattern=f"^{RECEIPT}$"),
    _header("If-None-Match", "The tag of an answer: 304 where it is the same.", '"1f9c83d0"'),
    _header("Prefer", "`wait=N`: how long a view may take to reach a receipt.", "wait=5"),
]  # fmt: skip
"""What a caller may say of a query."""


def _told(description: str) -> Part:
    return {"description": description, "schema": {"type": "string"}}


HEADERS_OUT = {
    "ETag": _told("The aggregate's version after a command; what tells one answer from another."),
    "Location": _told("Where the command's fate is told."),
    "Semel-Receipt": _told("What a query needs to see what the command did."),
    "Retry-After": _told("In how many seconds to ask again."),
}

_TEXT: Part = {"type": "string"}
_COUNT: Part = {"type": "integer", "minimum": 0}
_OUTCOME: Part = {
    "entry": _TEXT, "id": _TEXT, "aggregate": _TEXT, "receipt": _TEXT, "branch": _TEXT,
    "durability": _TEXT, "late": _TEXT, "detail": {"type": "object"},
    "version": _COUNT, "position": _COUNT, "partition": _COUNT,
    "status": {"type": "string", "enum": [*Status]},
}  # fmt: skip
_NEEDED = ["entry", "id", "status", "aggregate", "version", "position", "partition", "receipt"]

_PROBLEM: Part = {
    "type": {"type": "string", "description": "Stable: `urn:semel:problem:` and the error's name."},
    "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT,
    "code": {"type": "string", "description": "Of a rejection, its code; else the error's name."},
    "errors": {"type": "object", "additionalProperties": _TEXT, "description": "By field."},
    "version": _COUNT, "id": _TEXT, "instance": _TEXT, "retryable": {"type": "boolean"},
}  # fmt: skip

COMPONENTS: Part = {
    "schemas": {
        "Outcome": {"type": "object", "properties": _OUTCOME, "required": _NEEDED},
        "Fate": {
            "type": "object",
            "properties": {
                **_OUTCOME, "status": {"type": "string", "enum": ["pending", *Status]}
            },
            "required": ["id", "aggregate", "status"],
        },
        "Problem": {
            "type": "object", "properties": _PROBLEM,
            "required": ["type", "title", "status", "detail"],
        },
        "Health": {
            "type": "object", "properties": {"status": _TEXT, "checks": {"type": "object"}},
            "required": ["status", "checks"],
        },
    },
    "securitySchemes": {
        "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, or a JWT."}
    },
}  # fmt: skip


def _probe(name: str, summary: str) -> Part:
    health = {"application/json": {"schema": reference("Health")}}
    return {
        "get": {
            "operationId": name, "summary": summary, "tags": ["operations"], "security": [],
            "responses": {
                "200": {"description": "Yes.", "content": health},
                "503": {"description": "No, and why.", "content": health},
            },
        }
    }  # fmt: skip


PROBES: Part = {
    "/livez": _probe("livez", "Does it turn?"),
    "/readyz": _probe("readyz", "Can it serve now?"),
    "/startupz": _probe("startupz", "Could it ever?"),
    "/metrics": {
        "get": {
            "operationId": "metrics", "summary": "All metrics, for Prometheus.",
            "tags": ["operations"],
            "responses": {
                "200": {"description": "Metrics.", "content": {"text/plain": {"schema": _TEXT}}},
                **problems(401, 403, 429),
            },
        }
    },
}  # fmt: skip
"""What orchestrators and Prometheus ask."""
