"""A bank beside the shop, whose transfers live by what the shop has none of: routers and timers.

A transfer has an account set money aside, then another one take it in; then what was set aside is
gone. Where the first one refuses, or takes too long, what it may have set aside is let go again.
"""

from typing import Any

from engine import Decider, Router
from tests.faults.bank import accounts, transfers

deciders: list[Decider[Any]] = [accounts.decider, transfers.decider]
routers: list[Router] = [transfers.router]

__all__ = ["deciders", "routers"]
