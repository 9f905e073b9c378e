"""Who is let in, at which routes, and how often."""

import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import jwt
import pytest
from anyio.from_thread import BlockingPortal
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from engine.core.errors import Misuse, TooMany
from engine.edge.http.authentication import new_key, require_protected
from engine.edge.http.callers import Rates
from engine.settings import load
from tests.edge.command_line import Semel
from tests.edge.http.gateways import Shop, gateway, new_order

PRIVATE = ec.generate_private_key(ec.SECP256R1())
KEYS = {name: new_key() for name in ("till", "screen", "watch")}
ROLES = {"till": ["submit", "query"], "screen": ["query"], "watch": ["operate"]}


@contextmanager
def provider() -> Iterator[str]:
    """An identity provider's list of keys, over HTTP."""
    listed = {**ECAlgorithm.to_jwk(PRIVATE.public_key(), as_dict=True), "kid": "k1", "use": "sig"}
    body = json.dumps({"keys": [{**listed, "alg": "ES256"}]}).encode()

    class Listed(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Listed) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/keys"
        server.shutdown()
        thread.join()


def token(key: Any = PRIVATE, algorithm: str = "ES256", **claims: Any) -> str:
    """A token that is good, but for what is said otherwise."""
    said = {
        "sub": "ada", "iss": "https://id", "aud": "shop", "exp": time.time() + 60,
        "roles": ["query"], **claims,
    }  # fmt: skip
    kept = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(kept, key, algorithm, headers={"kid": "k1"})


@pytest.fixture(scope="module")
def guarded_url(portal: BlockingPortal, valkey_url: str) -> Iterator[str]:
    """A gateway that asks who calls."""
    keys = {name: {"hash": KEYS[name][1], "roles": ROLES[name]} for name in KEYS}

    @asynccontextmanager
    async def guarded(url: str) -> AsyncIterator[str]:
        named: dict[str, Any] = {
            "jwks_url": url,
            "jwt_issuer": "https://id",
            "jwt_audience": "shop",
        }
        name = "test_guarded" + KEYS["till"][1][7:15]
        async with gateway(valkey_url, name, api_keys=keys, http_rate=500, **named) as at:
            yield at

    with provider() as url, portal.wrap_async_context_manager(guarded(url)) as at:
        yield at


@pytest.fixture
def guarded(guarded_url: str) -> Iterator[Shop]:
    with Shop(base_url=guarded_url, timeout=20) as client:
        yield client


@pytest.mark.parametrize(
    ("who", "command", "query", "metrics"),
    [
        (None, 401, 401, 401),
        ("till", 201, 404, 403),
        ("screen", 403, 404, 403),
        ("watch", 403, 403, 200),
    ],
)
def test_a_key_opens_what_its_roles_say(
    guarded: Shop, who: str | None, command: int, query: int, metrics: int
) -> None:
    if who is not None:
        guarded.headers["authorization"] = f"Bearer {KEYS[who][0]}"
    assert guarded.order(new_order()).status_code == command
    assert guarded.asked("GetOrderById", order_id="order-0").status_code == query
    assert guarded.get("/metrics").status_code == metrics
    assert guarded.get("/openapi.json").status_code == (401 if who is None else 200)
    assert guarded.get("/readyz").status_code == 200


@pytest.mark.parametrize("shown", ["Bearer semel_x", "Basic dTpw", "Bearer", "Bearer x.y.z"])
def test_what_is_no_key_opens_nothing(guarded: Shop, shown: str) -> None:
    refused = guarded.get("/openapi.json", headers={"authorization": shown})
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert refused.json()["type"] == "urn:semel:problem:unauthenticated"


@pytest.mark.parametrize(
    ("made", "status"),
    [
        (token, 404),
        (lambda: token(roles="query submit"), 404),
        (lambda: token(roles=None), 403),
        (lambda: token(roles=["admin"]), 403),
        (lambda: token(exp=time.time() - 60), 401),
        (lambda: token(exp=None), 401),
        (lambda: token(sub=None), 401),
        (lambda: token(iss="https://evil"), 401),
        (lambda: token(aud="bank"), 401),
        (lambda: token(ec.generate_private_key(ec.SECP256R1())), 401),
        (lambda: token("shared secret of 32 bytes or more", "HS256"), 401),
        (lambda: jwt.encode({"sub": "ada", "exp": 9e9}, "", "none", headers={"kid": "k1"}), 401),
    ],
)
def test_a_token_is_as_good_as_it_says_it_is(
    guarded: Shop, made: Callable[[], str], status: int
) -> None:
    shown = {"authorization": f"Bearer {made()}"}
    answer = guarded.asked("GetOrderById", shown, order_id="order-0")
    assert answer.status_code == status, answer.json()["detail"]


def test_who_asks_too_often_is_told_when_to_come_back() -> None:
    now = 0.0
    rates = Rates(2, lambda: now)
    for _ in range(4):
        rates.take("ada")
    with pytest.raises(TooMany) as told:
        rates.take("ada")
    assert told.value.seconds == 0.5
    rates.take("bob")
    now = 0.5
    rates.take("ada")
    with pytest.raises(TooMany):
        rates.take("ada")


def test_a_rate_is_kept_per_caller_over_http(
    portal: BlockingPortal, valkey_url: str, namespace: str
) -> None:
    with (
        portal.wrap_async_context_manager(
            gateway(valkey_url, namespace, engine=False, http_rate=1)
        ) as url,
        Shop(base_url=url) as client,
    ):
        answers = [client.asked("GetOrderById", order_id="order-0") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [404, 404, 429]
        assert answers[-1].headers["retry-after"] == "1"
        assert client.get("/livez").status_code == 200


def test_other_machines_are_let_in_by_key_or_on_purpose() -> None:
    key = {"till": {"hash": KEYS["till"][1], "roles": ["query"]}}
    for host in ("0.0.0.0", "::", "192.0.2.1", "shop.example.com", ""):  # noqa: S104
        with pytest.raises(Misuse, match="semel key NAME"):
            require_protected(load(http_host=host))
        require_protected(load(http_host=host, api_keys=key))
        require_protected(load(http_host=host, http_unprotected=True))
    for host in ("127.0.0.1", "localhost", "::1", "127.9.9.9"):
        require_protected(load(http_host=host))


def test_without_keys_a_name_that_is_not_this_machines_is_refused(shop: Shop) -> None:
    for host, status in (("localhost:7902", 404), ("[::1]:7902", 404), ("evil.example.com", 403)):
        answer = shop.asked("GetOrderById", {"host": host}, order_id="order-0")
        assert answer.status_code == status, host


def test_a_key_is_made_on_the_command_line(valkey_url: str, namespace: str) -> None:
    semel = Semel(valkey_url, namespace)
    made = semel.run("key", "till", "--role", "submit", "-o", "json").data
    keys = {made["name"]: {"hash": made["hash"], "roles": made["roles"]}}
    assert load(api_keys=keys).api_keys["till"].roles == {"submit"}
    shown = semel.run("key", "till")
    assert shown.out.startswith("semel_")
    assert '[api_keys.till]\nhash = "sha256:' in shown.err
    refused = semel.run("key", "till", "--role", "admin")
    assert (refused.code, "there is no role admin" in refused.err) == (2, True)
    public = semel.run("serve", "--host", "0.0.0.0", "--port", "0")  # noqa: S104
    assert (public.code, "semel key NAME" in public.err) == (2, True)
