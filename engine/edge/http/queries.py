"""Queries over HTTP: ``GET /v1/queries/{name}`` and rows, ``GET /v1/views/{projection}/{row}``.

Whoever accepts ``text/event-stream`` is told each other answer too, at the same address.
"""

import json
from collections.abc import AsyncGenerator, Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Any, Union, get_args, get_origin

from fastapi import Request, Response
from pydantic import ValidationError

from engine.core.errors import NotFound
from engine.core.messages import Query
from engine.core.refusal import field_errors, malformed
from engine.core.registry import Domain
from engine.edge.client import Client
from engine.edge.follow import Update
from engine.edge.http.answers import RECEIPT, tagged
from engine.edge.http.live import STREAM, Followers
from engine.edge.http.problems import rejected
from engine.edge.http.reading import parameters, wait_of
from engine.settings import Settings

AFTER = "after"
"""The parameter that no query can have as a field here: a receipt, or an update's token."""

_MANY = (list, tuple, set, frozenset)


class Queries:
    """The routes of queries."""

    def __init__(
        self, domain: Domain, client: Client, settings: Settings, followers: Followers
    ) -> None:
        self._domain, self._queries, self._followers = domain, client.queries, followers
        self._wait_seconds = settings.wait_seconds

    async def ask(self, name: str, request: Request) -> Response:
        """A query's answer; or, live, each that it gets."""
        handler = self._domain.queries.get(name)
        if handler is None:
            raise NotFound(_unknown("query", name, self._domain.queries))
        query = _read(handler.query, request)
        if _wants_stream(request):
            return self._live(
                self._queries.follow(query, after=_token(request), wait_seconds=self._wait(request))
            )
        answer = await self._queries.dispatch(
            query, after=_receipt(request), wait_seconds=self._wait(request)
        )
        return tagged(request, answer)

    async def view(self, projection: str, row: str, request: Request) -> Response:
        """One row of a projection, as it stands or live."""
        found = self._domain.projections.get(projection)
        if found is None:
            raise NotFound(_unknown("projection", projection, self._domain.projections))
        parameters(request, (AFTER,))
        if _wants_stream(request):
            return self._live(
                self._queries.follow_row(
                    found, row, after=_token(request), wait_seconds=self._wait(request)
                )
            )
        answer = await self._queries.row(
            found, row, after=_receipt(request), wait_seconds=self._wait(request)
        )
        return tagged(request, answer)

    def _wait(self, request: Request) -> float:
        return wait_of(request, self._wait_seconds)

    def _live(self, updates: AsyncGenerator[Update[Any], None]) -> Response:
        return self._followers.told(updates)


def _unknown(what: str, name: str, known: Mapping[str, Any]) -> str:
    close = get_close_matches(name, known, 1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"there is no {what} {name:.100}{hint}"


def _wants_stream(request: Request) -> bool:
    return STREAM in request.headers.get("accept", "")


def _receipt(request: Request) -> str | None:
    """What the answer must have seen, in the header or the parameter."""
    return request.headers.get(RECEIPT, request.query_params.get(AFTER))


def _token(request: Request) -> str | None:
    """Where a follower goes on from: browsers say it when they connect again."""
    return request.headers.get("last-event-id") or request.query_params.get(AFTER)


def _read(query: type[Query[Any]], request: Request) -> Query[Any]:
    """A query from its parameters: texts, several of one name where a field is a list."""
    many = {name for name, field in query.model_fields.items() if _takes_many(field.annotation)}
    said: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for name in request.query_params:
        if name == AFTER:
            continue
        texts = request.query_params.getlist(name)
        if name not in many and len(texts) > 1:
            faults[name] = "is said twice"
        said[name] = texts if name in many else _plain(query, name, texts[0])
    if not faults:
        try:
            return query.model_validate(said)
        except ValidationError as error:
            faults = {
                name.removeprefix("data."): fault for name, fault in field_errors(error).items()
            }
    raise rejected(malformed(faults))


def _members(annotation: Any) -> tuple[Any, ...]:
    """The types that an annotation allows beside None."""
    is_union = get_origin(annotation) in (Union, UnionType)
    return get_args(annotation) if is_union else (annotation,)


def _takes_many(annotation: Any) -> bool:
    return any((get_origin(each) or each) in _MANY for each in _members(annotation))


def _plain(query: type[Query[Any]], name: str, text: str) -> Any:
    """A text as it is; what is no text, number or time is said as JSON."""
    field = query.model_fields.get(name)
    kinds = _members(field.annotation) if field is not None else ()
    if any((get_origin(each) or each) is dict or hasattr(each, "model_fields") for each in kinds):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
