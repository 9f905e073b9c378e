"""Queries and rows over HTTP: fresh if asked for, and sent once."""

from typing import Any

import pytest

from tests.edge.http.gateways import ORDER, Shop, new_order


def made(shop: Shop) -> tuple[str, str]:
    order = new_order()
    return order, shop.order(order).headers["semel-receipt"]


def test_a_receipt_has_a_query_see_the_write_it_stands_for(shop: Shop) -> None:
    for _ in range(20):
        order, receipt = made(shop)
        answer = shop.asked("GetOrderById", order_id=order, after=receipt)
        assert (answer.status_code, answer.json()["total_amount"]) == (200, "25.00")
        order, receipt = made(shop)
        row = shop.get(f"/v1/views/orders/{order}", headers={"Semel-Receipt": receipt})
        assert (row.status_code, row.json()["id"]) == (200, order)


def test_what_is_known_already_is_not_sent_again(shop: Shop) -> None:
    order, receipt = made(shop)
    first = shop.asked("GetOrderById", order_id=order, after=receipt)
    tag = first.headers["etag"]
    same = shop.asked("GetOrderById", {"If-None-Match": f'"x", {tag}'}, order_id=order)
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    shipped = shop.command("ShipOrder", order).headers["semel-receipt"]
    other = shop.asked("GetOrderById", {"If-None-Match": tag}, order_id=order, after=shipped)
    assert (other.status_code, other.json()["status"]) == (200, "shipped")


def test_a_list_goes_on_by_cursor(shop: Shop) -> None:
    customer = new_order()
    made = [
        shop.command("CreateOrder", new_order(), {**ORDER, "customer_id": customer})
        for _ in range(3)
    ]
    for each in made:
        shop.asked("GetOrdersByCustomer", customer_id=customer, after=each.headers["semel-receipt"])
    seen: list[str] = []
    more: dict[str, Any] = {}
    while True:
        page = shop.asked("GetOrdersByCustomer", customer_id=customer, page_size=2, **more).json()
        seen += [order["id"] for order in page["items"]]
        if page["next"] is None:
            break
        more = {"cursor": page["next"]}
    assert sorted(seen) == sorted(each.json()["aggregate"] for each in made)


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("queries/GetOrderById?order_id=order-0", 404, "no row order-0"),
        ("queries/GetOrderByID?order_id=order-0", 404, "did you mean GetOrderById"),
        ("queries/GetOrderById", 422, "Field required"),
        ("queries/GetOrderById?order_id=a&order_id=b", 422, "said twice"),
        ("queries/GetOrderById?order_id=a&colour=red", 422, "Extra inputs"),
        ("queries/GetOrdersByCustomer?customer_id=c&page=0", 422, "greater than or equal to 1"),
        ("queries/GetOrdersByCustomer?customer_id=c&page=1&cursor=x", 422, "page and cursor"),
        ("queries/GetOrderById?order_id=a&after=yesterday", 422, "not a receipt"),
        ("queries/GetOrderById?order_id=a&after=9.1.x", 422, "no such partition"),
        ("queries/GetOrderById?order_id=a&after=0.999.lost", 410, "lost"),
        ("views/orders/order-0", 404, "no row order-0"),
        ("views/order/order-0", 404, "did you mean orders"),
        ("views/orders/order-0?x=1", 422, "not a parameter"),
    ],
)
def test_what_cannot_be_answered_is_a_problem(
    shop: Shop, path: str, status: int, said: str
) -> None:
    answer = shop.get(f"/v1/{path}")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.status_code == status
    assert said in answer.json()["detail"]


def test_a_view_that_lags_says_so_in_time(shop: Shop, deserted: Shop) -> None:
    branch = shop.order(new_order()).json()["branch"]
    late = shop.asked(
        "GetOrderById", {"Prefer": "wait=0.05"}, order_id="a", after=f"0.999999.{branch}"
    )
    assert late.status_code in (410, 503)
    assert deserted.asked("GetOrderById", order_id="a").status_code == 404
