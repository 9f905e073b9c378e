"""The order shop's read models and the queries they answer, all of them listed here."""

from collections.abc import Awaitable, Callable
from typing import Any

from engine import Projection
from projections import customers, orders, stock

projections: list[Projection[Any]] = [orders.orders, customers.customers, stock.stock]
queries: list[Callable[..., Awaitable[Any]]] = [
    orders.get_order_by_id,
    orders.get_orders_by_customer,
    customers.get_customer,
    stock.get_stock,
    stock.get_stock_list,
]
