"""The document, held against the domain and against what the gateway does."""

import re
from typing import Any

import pytest
from pydantic import TypeAdapter

from engine import app, settings
from engine.core import errors
from engine.core.outcome import Receipt
from engine.edge.http.openapi import document
from engine.edge.http.openapi.examples import example_of
from engine.edge.http.problems import title_of, type_of
from tests.edge.http.gateways import Shop

DOMAIN = app.domain_of(settings.load())
DOCUMENT = document(DOMAIN, is_protected=True)


def test_every_command_query_and_read_model_has_a_path() -> None:
    paths = set(DOCUMENT["paths"])
    assert {f"/v1/commands/{name}" for name in DOMAIN.commands} <= paths
    assert {f"/v1/queries/{name}" for name in DOMAIN.queries} <= paths
    assert {f"/v1/views/{name}/{{row}}" for name in DOMAIN.projections} <= paths


@pytest.mark.parametrize("name", DOMAIN.commands)
def test_the_example_of_a_command_is_one(name: str) -> None:
    body = DOCUMENT["paths"][f"/v1/commands/{name}"]["post"]["requestBody"]
    example = body["content"]["application/json"]["example"]
    TypeAdapter(DOMAIN.commands[name].command).validate_python(example)


@pytest.mark.parametrize(
    ("operation", "name", "told"),
    [
        ("/v1/queries/GetOrderById", "Semel-Receipt", str(Receipt(16383, 10**9, "1f9c83d0"))),
        ("/v1/commands/{id}", "entry", "1700000000000-0"),
        ("/v1/commands/ShipOrder", "If-Match", '"1234567890"'),
        ("/v1/commands/ShipOrder", "If-Match", "3"),
        ("/v1/commands/ShipOrder", "Idempotency-Key", '"01890a5d-ac96-774b-bcce-b302099a8057"'),
    ],
)
def test_what_a_gateway_tells_fits_where_it_is_said_again(
    operation: str, name: str, told: str
) -> None:
    [asked] = DOCUMENT["paths"][operation].values()
    [parameter] = [each for each in asked["parameters"] if each["name"] == name]
    assert re.search(parameter["schema"]["pattern"], told)


def test_every_reference_leads_somewhere() -> None:
    def references(part: Any) -> set[str]:
        if isinstance(part, dict):
            own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
            return own.union(*map(references, part.values()))
        return set().union(*map(references, part)) if isinstance(part, list) else set()

    named = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert references(DOCUMENT) <= named


def test_an_answer_has_the_schema_of_its_view() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    answer = DOCUMENT["paths"]["/v1/queries/GetOrderById"]["get"]["responses"]["200"]
    reference = answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert schemas[reference]["properties"].keys() >= {"id", "customer_name", "total_amount"}


def test_the_gateway_serves_it(shop: Shop) -> None:
    served = shop.get("/openapi.json").json()
    assert served["paths"].keys() == DOCUMENT["paths"].keys()
    assert "security" not in served


def test_examples_end() -> None:
    named = {
        "Tree": {"type": "object", "required": ["left"], "properties": {"left": {"$ref": "/Tree"}}}
    }
    assert example_of({"$ref": "/Tree"}, named)


def test_every_class_of_error_has_a_type_and_a_title() -> None:
    kinds = [
        thing for thing in vars(errors).values()
        if isinstance(thing, type) and issubclass(thing, errors.SemelError)
    ]  # fmt: skip
    assert len({type_of(kind) for kind in kinds}) == len(kinds)
    assert all(title_of(kind) and "`" not in title_of(kind) for kind in kinds)
    assert all(100 <= kind.http_status < 600 for kind in kinds)
