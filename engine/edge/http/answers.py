"""Answers as they travel: JSON, with a tag by which the next one is recognised as the same."""

from hashlib import blake2b
from typing import Any

import msgspec
from fastapi import Request, Response

JSON = "application/json"
RECEIPT = "Semel-Receipt"
"""The header that carries a receipt, in and out."""


def _plain(value: Any) -> Any:
    """Views may be pydantic models too; anything else is shown as its text."""
    dump = getattr(value, "model_dump", None)
    return dump(mode="json") if dump is not None else str(value)


encoded = msgspec.json.Encoder(enc_hook=_plain, decimal_format="string").encode
"""Any answer as JSON; decimals and times are texts."""


def tagged(request: Request, value: Any) -> Response:
    """An answer with its tag; 304 and nothing where the caller has that one already."""
    body = encoded(value)
    tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    known = request.headers.get("if-none-match", "")
    if known == "*" or tag in (each.strip().removeprefix("W/") for each in known.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=JSON, headers=headers)
