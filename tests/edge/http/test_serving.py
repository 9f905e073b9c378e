"""``semel serve`` as a process: it answers before Redis does, and stops cleanly."""

import socket

import httpx2

from tests.edge.command_line import Semel
from tests.edge.http.gateways import ORDER, Shop, new_order
from tests.eventually import at_last


def test_a_daemon_serves_until_it_is_told_to_stop(valkey_url: str, namespace: str) -> None:
    semel = Semel(valkey_url, namespace)
    with (
        semel.daemon("serve", "--port", "0", SEMEL_LOG_STYLE="json") as gateway,
        semel.daemon("run", SEMEL_LOG_STYLE="json"),
    ):
        url = gateway.logged("gateway.served")["url"]
        with Shop(base_url=url, timeout=20) as client:
            order = new_order()
            assert client.order(order).status_code == 201
            taken = semel.run("serve", "--port", url.rpartition(":")[2])
            assert (taken.code, "Address already in use" in taken.err) == (2, True)
            late = client.build_request(
                "GET", "/v1/queries/GetOrderById",
                params={"order_id": order}, headers={"accept": "text/event-stream"},
            )  # fmt: skip
            stream = client.send(late, stream=True)
            next(stream.iter_lines())
            stopped = gateway.stop()
            stream.close()
        assert stopped.code == 0
        assert [line for line in stopped.err.splitlines() if '"gateway.stopped"' in line]
        assert "Traceback" not in stopped.err


def test_it_answers_while_redis_is_away_and_gives_up_in_time(namespace: str) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        semel = Semel(f"redis://127.0.0.1:{nobody.getsockname()[1]}", namespace)
        with semel.daemon(
            "serve", "--port", "0", SEMEL_CONNECT_SECONDS="2", SEMEL_WAIT_SECONDS="0.1"
        ) as gateway:
            url = gateway.logged("gateway.served")["url"]
            with httpx2.Client(base_url=url, timeout=10) as client:
                at_last(lambda: client.get("/livez").status_code == 200, "it lives")
                for path in ("/readyz", "/startupz"):
                    assert client.get(path).status_code == 503
                unknown = client.post(
                    "/v1/commands/CreateOrder", params={"aggregate": "order-1"}, json=ORDER
                )
                assert (unknown.status_code, unknown.json()["code"]) == (503, "unknown")
                for path in ("queries/GetOrderById?order_id=o", "commands/c?aggregate=order-1"):
                    away = client.get(f"/v1/{path}")
                    assert (away.status_code, away.json()["code"]) == (503, "unavailable")
            assert gateway.end().code == 3
