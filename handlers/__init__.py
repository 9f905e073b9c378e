"""The order shop's rules: one module per kind of aggregate, all of them listed here."""

from typing import Any

from engine import Decider, Router
from handlers import customers, fulfilment, inventory, orders, products, routes

deciders: list[Decider[Any]] = [
    orders.decider,
    customers.decider,
    products.decider,
    fulfilment.decider,
]
services: list[Any] = [inventory.fulfilment, inventory.inventory]
routers: list[Router] = [routes.router]
