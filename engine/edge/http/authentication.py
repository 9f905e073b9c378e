"""Who calls: an API key or a JWT, as ``Authorization: Bearer …``.

Keys are 256 random bits, so a plain SHA-256 of them is all that settings need to hold. Tokens
are checked by the public keys that ``jwks_url`` lists (RFC 7517).
"""

import hmac
import ipaddress
import secrets
from hashlib import sha256

from fastapi import Request

from engine.core.errors import Forbidden, Misuse, Unauthenticated
from engine.edge.http.callers import Authenticate, Caller, nobody_is_asked
from engine.settings import Settings

KEY_PREFIX = "semel_"
"""What keys begin with: so they are told from tokens, and found where they leaked."""

_KEY_BYTES = 32


def new_key() -> tuple[str, str]:
    """A new key, and the hash of it that settings hold."""
    key = KEY_PREFIX + secrets.token_urlsafe(_KEY_BYTES)
    return key, hash_of(key)


def hash_of(key: str) -> str:
    """A key as the settings hold it."""
    return f"sha256:{sha256(key.encode()).hexdigest()}"


def authentication(settings: Settings) -> Authenticate:
    """Who is asked for what, as the settings say."""
    if settings.api_keys or settings.jwks_url is not None:
        return _Authentication(settings)
    return nobody_is_asked if settings.http_unprotected else _is_asked_for_here


class _Authentication:
    """Knows callers by their keys and tokens."""

    def __init__(self, settings: Settings) -> None:
        self._keys = [
            (key.hash.encode(), Caller(name, key.roles)) for name, key in settings.api_keys.items()
        ]
        self._tokens = None
        if settings.jwks_url is not None:
            from engine.edge.http.tokens import Tokens  # noqa: PLC0415 -- cryptography takes 100 ms

            self._tokens = Tokens(settings.jwks_url, settings)

    async def __call__(self, request: Request) -> Caller:
        """Who calls; raises `Unauthenticated`."""
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not shown:
            raise Unauthenticated("show a key or a token: Authorization: Bearer …")
        if self._tokens is not None and not shown.startswith(KEY_PREFIX):
            return await self._tokens.caller_of(shown.strip())
        hashed = hash_of(shown.strip()).encode()
        for known, caller in self._keys:
            if hmac.compare_digest(known, hashed):
                return caller
        raise Unauthenticated("this key is not one of those in the settings")


async def _is_asked_for_here(request: Request) -> Caller:
    """Whoever calls by this machine's own name may do everything; raises `Forbidden` else.

    A page of another site can have its own name lead here, and its scripts then speak to us.
    """
    host = request.url.hostname or ""
    if not _is_here(host):
        raise Forbidden(
            f"{host:.100} is not this machine: without keys only calls to localhost are answered. "
            f"Set keys, or http_unprotected where something before it knows its callers"
        )
    return await nobody_is_asked(request)


def require_protected(settings: Settings) -> None:
    """Raise `Misuse` where the whole network could do everything and nobody has said so."""
    if settings.api_keys or settings.jwks_url or settings.http_unprotected:
        return
    if not _is_here(settings.http_host):
        raise Misuse(
            f"{settings.http_host} can be reached from other machines, and nobody would be asked "
            f"who he is: `semel key NAME` makes a key for the settings, jwks_url has tokens "
            f"checked; --unprotected serves anyway"
        )


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
