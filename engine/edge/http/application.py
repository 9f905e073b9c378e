"""The routes of a gateway, who is let in at each, and what becomes of errors."""

from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp

from engine.app import Health
from engine.core.errors import SemelError
from engine.core.registry import Domain
from engine.edge.client import Client
from engine.edge.http.answers import JSON, encoded
from engine.edge.http.authentication import authentication
from engine.edge.http.boundary import HUNG_UP, ROUTE, Boundary
from engine.edge.http.callers import Doors, Rates
from engine.edge.http.commands import Commands
from engine.edge.http.live import Followers
from engine.edge.http.openapi import document
from engine.edge.http.probes import Probes
from engine.edge.http.problems import plain_problem, problem_of
from engine.edge.http.queries import Queries
from engine.settings import Settings

Endpoint = Callable[..., Awaitable[Response]]
Door = Callable[[Request], Awaitable[None]]


def application(
    domain: Domain, client: Client, settings: Settings, health: Health, followers: Followers
) -> ASGIApp:
    """The gateway as an ASGI application."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.add_exception_handler(SemelError, _semel_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _nobody_there)
    doors = Doors(authentication(settings), Rates(settings.http_rate))
    commands = Commands(domain, client, settings)
    queries = Queries(domain, client, settings, followers)
    probes = Probes(health)

    def route(method: str, path: str, endpoint: Endpoint, *doors: Door) -> None:
        app.add_route(path, _through(doors, path, endpoint), [method], include_in_schema=False)

    route("POST", "/v1/commands/{type}", commands.submit, doors.for_any("submit"))
    route("GET", "/v1/commands/{id}", commands.fate, doors.for_any("submit", "query"))
    route("GET", "/v1/queries/{name}", queries.ask, doors.for_any("query"))
    route("GET", "/v1/views/{projection}/{row:path}", queries.view, doors.for_any("query"))
    route("GET", "/openapi.json", _described(domain, settings), doors.for_any())
    route("GET", "/metrics", probes.metrics, doors.for_any("operate"))
    for path, probe in (
        ("/livez", probes.live), ("/readyz", probes.ready), ("/startupz", probes.started),
    ):  # fmt: skip
        route("GET", path, probe)
    return Boundary(app)


def _through(doors: Sequence[Door], path: str, endpoint: Endpoint) -> Endpoint:
    """An endpoint behind its doors.

    FastAPI's own dependencies would take longer than all else that a request costs here.
    """

    async def answered(request: Request) -> Response:
        request.scope[ROUTE] = path
        for enter in doors:
            await enter(request)
        return await endpoint(**request.path_params, request=request)

    return answered


def _described(domain: Domain, settings: Settings) -> Endpoint:
    """The document, made when it is first asked for: that takes as long as all else at a start."""
    is_protected = bool(settings.api_keys or settings.jwks_url)

    @cache
    def said() -> Response:
        return Response(encoded(document(domain, is_protected=is_protected)), media_type=JSON)

    async def described(request: Request) -> Response:  # noqa: ARG001 -- as all endpoints
        return said()

    return described


async def _semel_error(_: Request, error: Any) -> Response:
    return _closed_if_unread(problem_of(error))


async def _http_error(request: Request, error: Any) -> Response:
    """What is wrong with a request as HTTP; Starlette says no more than the status's name."""
    detail = error.detail
    if error.status_code == HTTPStatus.NOT_FOUND:
        detail = f"there is nothing at {request.url.path:.200}; /openapi.json lists what there is"
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"{request.method:.20} is not for this address"
    return _closed_if_unread(plain_problem(error.status_code, detail, dict(error.headers or {})))


async def _nobody_there(_: Request, error: Any) -> Response:  # noqa: ARG001 -- Starlette's signature
    """What is counted; Starlette would make a 500 of it."""
    return Response(status_code=HUNG_UP)


def _closed_if_unread(response: Response) -> Response:
    """What is left of a body that was not read must not be taken for the next request."""
    if response.status_code in (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_TIMEOUT):
        response.headers["Connection"] = "close"
    return response
