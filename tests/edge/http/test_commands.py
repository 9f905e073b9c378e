"""Commands over HTTP: each status is one answer, and a repeat has no second effect."""

import pytest

from tests.edge.http.gateways import ORDER, Shop, new_order
from tests.eventually import eventually


def test_an_accepted_command_is_created_with_its_version_receipt_and_address(shop: Shop) -> None:
    order = new_order()
    created = shop.order(order)
    assert created.status_code == 201
    assert created.headers["etag"] == '"1"'
    said = created.json()
    assert (said["status"], said["aggregate"], said["version"]) == ("accepted", order, 1)
    assert created.headers["semel-receipt"] == said["receipt"]
    told = shop.get(created.headers["location"])
    assert (told.status_code, told.json()) == (200, said)


def test_a_repeat_is_answered_as_the_first_was(shop: Shop) -> None:
    order = new_order()
    first = shop.order(order, Idempotency_Key="k-1")
    assert shop.command("CancelOrder", order, {"reason": "late"}).headers["etag"] == '"2"'
    again = shop.order(order, Idempotency_Key='"k-1"')
    assert (again.status_code, again.headers["etag"]) == (first.status_code, '"1"')
    assert again.json()["status"] == "duplicate"
    other = shop.command("CancelOrder", order, {"reason": "no"}, Idempotency_Key="k-1")
    assert (other.status_code, other.json()["code"]) == (422, "id_reused")


def test_a_rejection_is_a_problem_that_names_its_code(shop: Shop) -> None:
    order = new_order()
    shop.order(order)
    shop.order(order, Idempotency_Key="a")
    refused = shop.order(order, Idempotency_Key="a")
    assert (refused.status_code, refused.json()["code"]) == (400, "order_exists")
    assert refused.headers["content-type"] == "application/problem+json"
    said = refused.json()
    assert said["type"] == "urn:semel:problem:rejected"
    assert shop.get(said["instance"]).json()["detail"]["first"]["code"] == "order_exists"


def test_what_is_malformed_is_named_field_by_field(shop: Shop) -> None:
    refused = shop.command("CreateOrder", new_order(), {**ORDER, "customer_id": 7, "colour": "red"})
    assert refused.status_code == 422
    assert refused.json()["errors"].keys() == {"data.customer_id", "data.colour"}


@pytest.mark.parametrize(
    ("type", "aggregate", "status", "code"),
    [
        ("CreateOrdr", "order-1", 404, "unknown_type"),
        ("CreateOrder", "customer-1", 422, "wrong_kind"),
        ("CreateOrder", "order", 422, "malformed"),
        ("CreateOrder", "", 422, "malformed"),
        ("CreateOrder", "order-{1}", 422, "malformed"),
    ],
)
def test_what_cannot_be_for_anybody_is_refused_at_the_door(
    shop: Shop, type: str, aggregate: str, status: int, code: str
) -> None:
    refused = shop.command(type, aggregate, ORDER)
    assert (refused.status_code, refused.json()["code"]) == (status, code)


def test_an_expected_version_is_compared(shop: Shop) -> None:
    order = new_order()
    assert shop.order(order, If_None_Match="*").status_code == 201
    other = shop.order(order, If_None_Match="*")
    assert (other.status_code, other.json()["version"]) == (412, 1)
    assert shop.command("ShipOrder", order, If_Match='"7"').status_code == 412
    assert shop.command("ShipOrder", order, If_Match='"1"').status_code == 201
    assert shop.command("ShipOrder", order, If_Match="new").status_code == 422


async def test_who_does_not_wait_is_told_where_to_ask(shop: Shop) -> None:
    handed = shop.order(new_order(), Prefer="respond-async")
    assert (handed.status_code, handed.json()["status"]) == (202, "pending")
    assert handed.headers["preference-applied"] == "respond-async"

    def decided() -> bool:
        return bool(shop.get(handed.headers["location"]).json()["status"] == "accepted")

    await eventually(decided, "its outcome is told")


def test_a_command_is_found_by_its_id_alone(shop: Shop) -> None:
    order = new_order()
    made = shop.order(order).json()
    named = shop.command("ShipOrder", order, Idempotency_Key="ship it").json()
    assert named["errors"] == {"id": "has a space or a character that cannot be printed"}
    shop.command("ShipOrder", order, Idempotency_Key=f"ship-{order}")
    for id, version in ((made["id"], 1), (f"ship-{order}", 2)):
        told = shop.get(f"/v1/commands/{id}", params={"aggregate": order})
        assert (told.status_code, told.headers["etag"]) == (200, f'"{version}"')


def test_a_command_that_never_came_is_not_found(shop: Shop) -> None:
    for more in ({}, {"entry": "1-1"}):
        told = shop.get("/v1/commands/c-9", params={"aggregate": "order-1", **more})
        assert (told.status_code, told.json()["type"]) == (404, "urn:semel:problem:not-found")
    for wrong in ({}, {"aggregate": "order-1", "entry": "x"}, {"aggregate": "order-1", "x": "1"}):
        assert shop.get("/v1/commands/c-9", params=wrong).status_code == 422


def test_where_nobody_decides_the_command_is_under_way(deserted: Shop) -> None:
    order = new_order()
    waited = deserted.order(order, Idempotency_Key="k")
    assert (waited.status_code, waited.headers["retry-after"]) == (202, "1")
    for place in (waited.headers["location"], f"/v1/commands/k?aggregate={order}"):
        told = deserted.get(place)
        assert (told.status_code, told.json()["status"]) == (200, "pending")


def test_a_body_must_be_json_and_say_so(shop: Shop) -> None:
    where = f"/v1/commands/ShipOrder?aggregate={new_order()}"
    assert shop.post(where, content=b"{}").status_code == 415
    assert shop.post(where, data={"a": "b"}).status_code == 415
    said = {"content-type": "application/json; charset=utf-8"}
    assert shop.post(where, content=b"{", headers=said).status_code == 422
    assert shop.post(where, content=b"", headers=said).json()["code"] == "order_unknown"


def test_who_a_command_belongs_to_is_kept(shop: Shop) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert shop.order(new_order(), X_Correlation_ID="v-7", traceparent=trace).status_code == 201
    assert shop.order(new_order(), X_Correlation_ID="x" * 2000).status_code == 422
