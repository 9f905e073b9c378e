"""Whatever is not an answer is a problem: RFC 9457, ``application/problem+json``.

Its ``type`` is stable, ``urn:semel:problem:`` and the name of a class of `engine.core.errors`,
which says its status too. What is wrong with HTTP itself (a path, a method, a media type) has the
type ``about:blank``: its status says all.
"""

from http import HTTPStatus
from math import ceil
from typing import Any

import msgspec
from fastapi import Response

from engine.core.errors import Rejected, SemelError, TooMany, Unauthenticated
from engine.core.refusal import Refusal
from engine.edge.faults import fault_of, name_of

PROBLEM = "application/problem+json"
TYPE = "urn:semel:problem:"


def type_of(error: type[SemelError]) -> str:
    """The type of an error's problems."""
    return TYPE + name_of(error).replace("_", "-")


def title_of(error: type[SemelError]) -> str:
    """The first sentence that its class says of itself."""
    first = (error.__doc__ or "").partition(".")[0].partition(":")[0]
    return " ".join(first.replace("``", "").split())


def problem_of(error: SemelError, instance: str = "") -> Response:
    """An error of ours, as its class says; ``instance`` is where its command's fate is told."""
    said = fault_of(error)
    status, detail = error.http_status, said.pop("message")
    kind = type(error)
    headers: dict[str, str] = {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(ceil(error.seconds))
    elif error.retryable or status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = "1"
    if instance:
        said["instance"] = instance
    return _problem(
        {
            "type": type_of(kind),
            "title": title_of(kind),
            "status": status,
            "detail": detail,
            **said,
        },
        headers,
    )


def plain_problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """What is wrong with the request as HTTP."""
    title = HTTPStatus(status).phrase
    return _problem(
        {"type": "about:blank", "title": title, "status": status, "detail": detail}, headers or {}
    )


def rejected(refusal: Refusal) -> Rejected:
    """What the engine would say of a command, said at the door."""
    return Rejected(*refusal)


def _problem(said: dict[str, Any], headers: dict[str, str]) -> Response:
    return Response(
        msgspec.json.encode(said), status_code=said["status"], media_type=PROBLEM, headers=headers
    )
