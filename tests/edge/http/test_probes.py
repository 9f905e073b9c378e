"""What an orchestrator asks, and what Prometheus reads."""

from tests.edge.http.gateways import Shop


def test_a_gateway_that_serves_says_so(shop: Shop) -> None:
    for path in ("/livez", "/readyz", "/startupz"):
        answer = shop.get(path)
        assert (answer.status_code, answer.json()["status"]) == (200, "ok"), path
    assert shop.get("/readyz").json()["checks"]["gateway"]["status"] == "ready"


def test_requests_are_counted_by_route_and_not_by_what_callers_make_up(shop: Shop) -> None:
    shop.get("/v1/queries/GetMoonPhase")
    shop.get("/made/up")
    shown = shop.get("/metrics").text
    assert 'semel_gateway_requests_total{route="/v1/queries/{name}",status="404"}' in shown
    assert "GetMoonPhase" not in shown
    assert "/made/up" not in shown


def test_what_is_not_there_or_not_so_asked_is_a_problem_too(shop: Shop) -> None:
    for method, path, status in (
        ("GET", "/", 404),
        ("DELETE", "/livez", 405),
        ("PUT", "/v1/x", 404),
    ):
        answer = shop.request(method, path)
        assert (answer.status_code, answer.json()["type"]) == (status, "about:blank")
        assert answer.headers["content-type"] == "application/problem+json"
    assert set(shop.delete("/livez").headers["allow"].split(", ")) == {"GET", "HEAD"}
