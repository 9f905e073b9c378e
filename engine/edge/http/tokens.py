"""JWTs, checked by the public keys that an identity provider lists."""

from typing import Any, get_args

import anyio
import anyio.to_thread
import jwt

from engine.core.errors import Unauthenticated, Unavailable
from engine.edge.http.callers import Caller
from engine.settings import Role, Settings

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""With public keys only: by a shared secret whoever can check a token could make one."""

FETCH_SECONDS = 5
"""How long the list of keys may take to come."""

FRESH_SECONDS = 300
"""How long it is used: so long at most a key that was withdrawn goes on being good."""

AGAIN_SECONDS = 10
"""Between two looks for a key that is not in it: strangers make up names of keys."""

LEEWAY_SECONDS = 10
"""How far the clocks of provider and gateway may differ."""


class Tokens:
    """Knows callers by their tokens."""

    def __init__(self, url: str, settings: Settings) -> None:
        self._settings = settings
        self._provider = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=FETCH_SECONDS)
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetched = float("-inf")
        self._fetching = anyio.Lock()

    async def caller_of(self, token: str) -> Caller:
        """Whose token it is; raises `Unauthenticated`, and `Unavailable` where keys are missing."""
        audience = self._settings.jwt_audience
        try:
            key = await self._key(jwt.get_unverified_header(token).get("kid"))
            claims: dict[str, Any] = jwt.decode(
                token, key.key, algorithms=[key.algorithm_name], leeway=LEEWAY_SECONDS,
                issuer=self._settings.jwt_issuer, audience=audience,
                options={"require": ["exp", "sub"], "verify_aud": audience is not None},
            )  # fmt: skip
        except jwt.PyJWKClientConnectionError as error:
            raise Unavailable(f"the keys that check tokens cannot be had: {error}") from error
        except jwt.PyJWTError as error:
            raise Unauthenticated(f"this token is no good: {error}") from error
        return Caller(claims["sub"], _roles(claims.get(self._settings.jwt_roles)))

    async def _key(self, kid: str | None) -> jwt.PyJWK:
        async with self._fetching:
            age = anyio.current_time() - self._fetched
            if age > FRESH_SECONDS or (kid not in self._keys and age > AGAIN_SECONDS):
                found = await anyio.to_thread.run_sync(self._provider.get_signing_keys)
                self._keys = {each.key_id: each for each in found}
                self._fetched = anyio.current_time()
        key = self._keys.get(kid)
        if key is None or key.algorithm_name not in ALGORITHMS:
            raise jwt.InvalidKeyError(f"there is no key {kid!r} to check it by")
        return key


def _roles(said: object) -> frozenset[Role]:
    """The roles of ours in a claim: a list of them, or words."""
    words = said.split() if isinstance(said, str) else said if isinstance(said, list) else ()
    return frozenset(role for role in get_args(Role) if role in words)
