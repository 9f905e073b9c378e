"""The order shop's rules: one module per kind of aggregate, all of them listed here."""

from typing import Any

from engine import Decider
from handlers import customers, orders

deciders: list[Decider[Any]] = [orders.decider, customers.decider]
