"""Commands over HTTP: ``POST /v1/commands/{type}``, and what became of one."""

import re
from difflib import get_close_matches
from urllib.parse import quote

from fastapi import Request, Response
from pydantic import ValidationError

from engine.core.codec import read_meta
from engine.core.errors import Rejected, SemelError, Unknown
from engine.core.handling import CommandHandler
from engine.core.messages import CommandMeta
from engine.core.outcome import Outcome
from engine.core.refusal import field_errors, malformed
from engine.core.registry import Domain
from engine.core.routing import aggregate_fault, id_fault, kind_of
from engine.edge.client import Client
from engine.edge.entries import entry_fields, meta_json
from engine.edge.fates import ask_fate
from engine.edge.handing_over import hand_over
from engine.edge.http.answers import JSON, RECEIPT, encoded
from engine.edge.http.problems import problem_of, rejected
from engine.edge.http.reading import ENTRY, expected_version, json_body, parameters, wait_of
from engine.settings import Settings

_TRACE = re.compile(r"(?!ff)[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-[ -~]{0,200})?")
_ENTRY = re.compile(ENTRY)


class Commands:
    """The routes of commands."""

    def __init__(self, domain: Domain, client: Client, settings: Settings) -> None:
        self._domain, self._client, self._settings = domain, client, settings

    async def submit(self, type: str, request: Request) -> Response:
        """Hand a command over, and wait for its outcome unless the caller prefers not to."""
        handler = self._handler(type)
        aggregate, id = self._address(request)
        data = await json_body(
            request, self._settings.command_bytes, self._settings.http_stall_seconds
        )
        _require_fit(handler, aggregate, data)
        meta = _meta_of(request)
        seconds = wait_of(request, self._settings.wait_seconds)
        if seconds <= 0:
            return await self._hand_over(type, aggregate, data, id, meta)
        entry = ""
        try:
            outcome = await self._client.commands.submit(
                type, aggregate, data, id=id, meta=meta, wait_seconds=seconds
            )
            id, entry = outcome.id, outcome.entry
            return _created(outcome.raise_unless_accepted())
        except Unknown as error:
            if not error.entry:
                return problem_of(error)
            return _under_way(aggregate, error.id, error.entry)
        except SemelError as error:
            return problem_of(error, place_of(aggregate, id, entry) if entry else "")

    async def fate(self, id: str, request: Request) -> Response:
        """What became of a command."""
        said = parameters(request, ("aggregate", "entry"))
        aggregate, entry = said.get("aggregate", ""), said.get("entry", "")
        _require_usable(id, aggregate)
        if entry and not _ENTRY.fullmatch(entry):
            raise rejected(malformed({"entry": "is not a stream id, such as 1700000000000-0"}))
        outcome = await ask_fate(
            self._client.dispatch, aggregate, id, entry, self._settings.wait_seconds
        )
        if outcome is None:
            body = encoded({"id": id, "aggregate": aggregate, "status": "pending"})
            return Response(body, media_type=JSON, headers={"Retry-After": "1"})
        return Response(outcome.as_reply(), media_type=JSON, headers=_headers(outcome))

    def _handler(self, type: str) -> CommandHandler:
        handler = self._domain.commands.get(type)
        if handler is not None:
            return handler
        close = get_close_matches(type, self._domain.commands, 1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise Rejected("unknown_type", f"nobody here handles a command {type:.100}{hint}")

    def _address(self, request: Request) -> tuple[str, str]:
        """Whose command it is, and its id: the caller's key, or a new one."""
        aggregate = parameters(request, ("aggregate",)).get("aggregate", "")
        said = request.headers.get("idempotency-key")
        if said is None:
            id = self._client.commands.new_id()
        else:  # the draft of that header has it in quotes, most clients have not
            id = said[1:-1] if len(said) > 1 and said[0] == said[-1] == '"' else said
        _require_usable(id, aggregate)
        return aggregate, id

    async def _hand_over(
        self, type: str, aggregate: str, data: bytes, id: str, meta: bytes
    ) -> Response:
        fields = entry_fields(type, aggregate, data, id, meta)
        entry = await hand_over(
            self._client.dispatch, aggregate, id, fields, self._settings.wait_seconds
        )
        response = _under_way(aggregate, id, entry)
        response.headers["Preference-Applied"] = "respond-async"
        return response


def place_of(aggregate: str, id: str, entry: str) -> str:
    """Where a command's fate is told: its entry makes that two looks, not a search."""
    return f"/v1/commands/{quote(id, safe='')}?aggregate={quote(aggregate, safe='')}&entry={entry}"


def _require_usable(id: str, aggregate: str) -> None:
    faults = {"id": id_fault(id), "aggregate": aggregate_fault(aggregate)}
    if any(faults.values()):
        raise rejected(malformed({name: said for name, said in faults.items() if said}))


def _require_fit(handler: CommandHandler, aggregate: str, data: bytes) -> None:
    """Say at the door what the engine would: it need not be asked for that."""
    type = handler.command.__name__
    if handler.decider.kind != kind_of(aggregate):
        raise Rejected(
            "wrong_kind", f"{type} is for {handler.decider.kind}-…, and {aggregate} is not one"
        )
    try:
        handler.validate(data)
    except ValidationError as error:
        raise rejected(malformed(field_errors(error))) from error


def _meta_of(request: Request) -> bytes:
    caller, headers = request.state.caller, request.headers
    meta = meta_json(
        CommandMeta(
            user=caller.name or None,
            correlation=headers.get("x-correlation-id"),
            traceparent=_trace_in(headers.get("traceparent", "")),
            expect=expected_version(request),
        )
    )
    _, faults = read_meta(meta)
    if faults:
        raise rejected(malformed(faults))
    return meta


def _trace_in(said: str) -> str | None:
    """A trace's context; what is none is passed over, as W3C has it."""
    return said if _TRACE.fullmatch(said) else None


def _headers(outcome: Outcome) -> dict[str, str]:
    """The version that the command led to, for a repeat too; and what reads its write."""
    version = outcome.detail.get("first", {}).get("version", outcome.version)
    return {"ETag": f'"{version}"', RECEIPT: str(outcome.receipt)}


def _created(outcome: Outcome) -> Response:
    place = place_of(outcome.aggregate, outcome.id, outcome.entry)
    headers = {"Location": place, **_headers(outcome)}
    return Response(outcome.as_reply(), status_code=201, media_type=JSON, headers=headers)


def _under_way(aggregate: str, id: str, entry: str) -> Response:
    said = {"id": id, "aggregate": aggregate, "entry": entry, "status": "pending"}
    headers = {"Location": place_of(aggregate, id, entry), "Retry-After": "1"}
    return Response(encoded(said), status_code=202, media_type=JSON, headers=headers)
