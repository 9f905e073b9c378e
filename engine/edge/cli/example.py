"""A command to try, and a query that shows what it did, made of a domain's own models."""

import json
import shlex
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from engine.core.registry import Domain

_SHOP_DATA = (
    '{"customer_id":"c-1","items":[{"product_id":"p-1","quantity":2,"unit_price":"12.50"}],'
    '"shipping_address":{"street":"1 Main","city":"Reims","postal_code":"51100","country":"FR"}}'
)
"""What is submitted where the order shop is served."""

_PLAIN: Mapping[str, Any] = MappingProxyType({"integer": 1, "number": 1, "boolean": False})
"""A value of each type of JSON that can be guessed at; a text is its field's name."""


class Example(NamedTuple):
    """Words to type: data both as words of the command line and as JSON; a query, or nothing."""

    type: str
    aggregate: str
    words: str
    data: str
    query: str


def example(domain: "Domain") -> Example:
    """A command that its model takes, where there is one, else the place where data goes."""
    if "CreateOrder" in domain.commands:
        query = "GetOrderById order_id=order-42"
        return Example("CreateOrder", "order-42", f"'{_SHOP_DATA}'", _SHOP_DATA, query)
    for name, handler in domain.commands.items():
        data = _guessed(handler.command)
        if data is not None:
            aggregate = f"{handler.decider.kind}-1"
            return Example(
                name, aggregate, _words(data), json.dumps(data), _asked(domain, aggregate)
            )
    name, handler = next(iter(domain.commands.items()))
    return Example(name, f"{handler.decider.kind}-1", "'{…}'", "{…}", "")


def _asked(domain: "Domain", aggregate: str) -> str:
    """The first query that takes nothing but an id."""
    for name, handler in domain.queries.items():
        wanted = _required(handler.query)
        if len(wanted) == 1 and wanted[0].endswith("id"):
            return f"{name} {wanted[0]}={aggregate}"
    return ""


def _required(model: type[BaseModel]) -> list[str]:
    return [name for name, field in model.model_fields.items() if field.is_required()]


def _guessed(model: type[BaseModel]) -> dict[str, Any] | None:
    """Data with what is required and nothing else; None where the model does not take it."""
    said = model.model_json_schema().get("properties", {})
    data = {name: _value(name, said.get(name, {})) for name in _required(model)}
    try:
        model.model_validate(data)
    except ValidationError:
        return None
    return data


def _value(name: str, said: Mapping[str, Any]) -> Any:
    choices = [said, *said.get("anyOf", [])]
    types = [each["type"] for each in choices if "type" in each]
    return next((_PLAIN[each] for each in types if each in _PLAIN), name)


def _words(data: Mapping[str, Any]) -> str:
    """``key=value`` for texts, ``key:=json`` for the rest, as a shell takes them."""
    words = (
        f"{key}={value}" if isinstance(value, str) else f"{key}:={json.dumps(value)}"
        for key, value in data.items()
    )
    return " ".join(map(shlex.quote, words))
