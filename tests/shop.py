"""The whole order shop in memory: commands go in, rows come out, no server between."""

import json
from typing import Any, cast

import handlers
from engine.core import codec, registry
from engine.core.decider import Decision, events_of
from projections.customers import customers
from projections.orders import orders
from tests.kit import Happened, ReadModel, stored


class Shop:
    """Aggregates in a dict, read models beside them."""

    def __init__(self) -> None:
        self.orders, self.customers = ReadModel(orders), ReadModel(customers)
        self._commands = registry.build(handlers.deciders).commands
        self._states: dict[str, object] = {}

    def handle(self, line: dict[str, Any]) -> None:
        """Decide one command, as a line of JSONL, and fold its events; raises `Rejected`."""
        handler = self._commands[line["type"]]
        command = handler.command.model_validate_json(json.dumps(line["data"]))
        aggregate, decider = line["aggregate"], handler.decider
        state = self._states.get(aggregate, decider.initial)
        time = codec.read_meta(json.dumps(line.get("meta", {})).encode())[0].time
        decision = cast("Decision", handler.decide(command, state))  # no decider here is async
        for event in events_of(decision):
            state = decider.evolve(state, stored(event))
            self.orders.apply(Happened(aggregate, event, time))
            self.customers.apply(Happened(aggregate, event, time))
        self._states[aggregate] = state
