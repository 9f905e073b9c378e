"""Shop and bank over a bad line: now and then a decider raises, or takes its time."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from inspect import isawaitable
from random import Random
from typing import Any

import anyio

from engine import Decider
from tests.faults import bank, shop

__all__ = ["deciders", "routers", "services"]

_RAISES, _LINGERS = 0.03, 0.02
"""How likely an attempt is to come to nothing, and to take longer than a batch waits for it."""

_LINGER_SECONDS = 0.3

_luck = Random()


def _unsure(decide: Callable[..., Any]) -> Callable[..., Any]:
    """The same rule, for its name and annotations; what it decides does not change."""

    @wraps(decide)
    def decided(*args: Any, **kwargs: Any) -> Any:
        if _luck.random() < _RAISES:
            raise ConnectionError("the line is bad")
        return decide(*args, **kwargs)

    return decided


def _slow(decide: Callable[..., Any]) -> Callable[..., Any]:
    """The same rule, asynchronous."""
    unsure = _unsure(decide)

    @wraps(decide)
    async def decided(*args: Any, **kwargs: Any) -> Any:
        if _luck.random() < _LINGERS:
            await anyio.sleep(_LINGER_SECONDS)
        decision = unsure(*args, **kwargs)
        return await decision if isawaitable(decision) else decision

    return decided


def _over_a_bad_line(decider: Decider[Any]) -> Decider[Any]:
    """Every other rule is asynchronous, so that both kinds meet in one batch."""
    kinds = (_unsure, _slow)
    rules = [kinds[n % 2](decide) for n, decide in enumerate(decider.decide)]
    return replace(decider, decide=rules)


deciders = [_over_a_bad_line(decider) for decider in [*shop.deciders, *bank.deciders]]
routers = [*shop.routers, *bank.routers]
services = shop.services
