"""What a request says: its body within a limit and a time, its parameters, its preferences."""

import re
from collections.abc import Iterable

import anyio
from fastapi import HTTPException, Request

from engine.core.errors import Rejected
from engine.core.refusal import malformed
from engine.edge.http.problems import rejected

VERSION = r'(?:W/)?"?([0-9]{1,18})"?'
"""A version as ``If-Match`` has it; people leave the quotes out, and proxies make tags weak."""

ENTRY = r"[0-9]{1,19}-[0-9]{1,19}"
"""A stream id, as ``Location`` has it."""

_VERSION = re.compile(VERSION)
_WAIT = re.compile(r"wait\s*=\s*\"?([0-9]{1,9}(?:\.[0-9]{1,9})?)\"?")
_JSON_TYPE = re.compile(r"application/(?:[\w.-]+\+)?json\s*(?:;.*)?", re.IGNORECASE)


async def json_body(request: Request, limit: int, seconds: float) -> bytes:
    """A body of JSON, unread; nothing counts as ``{}``.

    Its type must be said: pages of other origins can post what has none, or is a form's, without
    asking. Raises `Rejected` for one that is too large, and what HTTP has for the rest.
    """
    if not _JSON_TYPE.fullmatch(request.headers.get("content-type", "")):
        raise HTTPException(415, "say Content-Type: application/json, and send JSON")
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said) > limit:
        raise too_large(limit)
    body = bytearray()
    try:
        with anyio.fail_after(seconds):
            async for part in request.stream():
                body += part
                if len(body) > limit:
                    raise too_large(limit)
    except TimeoutError:
        raise HTTPException(408, f"the body did not come within {seconds:g} s") from None
    return bytes(body) or b"{}"


def too_large(limit: int) -> Rejected:
    """What is said to whoever sends too much; the connection ends with it."""
    return Rejected("too_large", f"the body is too large: at most {limit} bytes are taken")


def parameters(request: Request, known: Iterable[str]) -> dict[str, str]:
    """The query parameters, each at most once; raises `Rejected` naming what does not fit."""
    found, faults = dict[str, str](), dict[str, str]()
    for name, value in request.query_params.multi_items():
        if name not in known:
            faults[name] = "is not a parameter here"
        elif name in found:
            faults[name] = "is said twice"
        found[name] = value
    if faults:
        raise rejected(malformed(faults))
    return found


def wait_of(request: Request, limit: float) -> float:
    """How long the caller prefers to wait (RFC 7240): 0 where he does not want to."""
    said = request.headers.get("prefer", "")
    if "respond-async" in said.lower():
        return 0
    found = _WAIT.search(said)
    return min(float(found[1]), limit) if found else limit


def expected_version(request: Request) -> int | None:
    """The version that an aggregate must have: ``If-Match: "3"``, or none at all.

    ``If-None-Match: *`` says that there must be no such aggregate yet, which is version 0.
    """
    said = request.headers.get("if-match")
    if said is None:
        is_new = request.headers.get("if-none-match", "").strip() == "*"
        return 0 if is_new else None
    found = _VERSION.fullmatch(said.strip())
    if found is None:
        raise rejected(malformed({"If-Match": 'is not one version, such as "3"'}))
    return int(found[1])
