"""The whole order shop in memory: commands go in, rows come out, no server between."""

import json
from typing import Any, cast

import handlers
from engine import Event, Queries, Query
from engine.core import codec, registry
from engine.core.decider import Decision, events_of
from engine.testing import Happened, ReadModels
from handlers.inventory import FulfilmentSettings, Inventory
from projections.customers import customers
from projections.orders import orders


class Unasked(Queries):
    """For deciders that must not ask."""

    async def ask(self, query: Query[Any]) -> Any:
        raise AssertionError(query)

    async def ask_named(self, name: str, /, **fields: Any) -> Any:
        raise AssertionError(name, fields)


NO_FULFILMENT: list[object] = [FulfilmentSettings(), Inventory(Unasked())]
"""What the shop's deciders are handed where fulfilment is off."""


class Shop:
    """Aggregates in a dict, read models beside them."""

    def __init__(self) -> None:
        self.read_models = ReadModels(orders, customers)
        self._domain = registry.build(handlers.deciders, services=NO_FULFILMENT)
        self._states: dict[str, object] = {}

    def handle(self, line: dict[str, Any]) -> None:
        """Decide one command, as a line of JSONL, and fold its events; raises `Rejected`."""
        handler = self._domain.commands[line["type"]]
        command = handler.command.model_validate_json(json.dumps(line["data"]))
        aggregate, decider = line["aggregate"], handler.decider
        state = self._states.get(aggregate, decider.initial)
        time = codec.read_meta(json.dumps(line.get("meta", {})).encode())[0].time
        decision = cast("Decision", handler.decide(command, state))  # no decider here is async
        for event in events_of(decision):
            state = decider.evolve(state, self._stored(event))
            self.read_models.after(Happened(aggregate, event, time))
        self._states[aggregate] = state

    def _stored(self, event: Event) -> Event:
        """The event as it comes back from where it was stored."""
        return self._domain.decode_event(type(event).__name__, codec.encode(event), b"{}")
