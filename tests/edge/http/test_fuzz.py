"""Whatever fits the document, and what nearly does, gets an answer that it lists; never a 500.

``FUZZ_EXAMPLES`` says how many cases of each operation: a few in the suite, hundreds by hand.
"""

import os
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks as said

from engine import app
from engine.edge.http.openapi import document
from engine.settings import load
from tests.edge.http.gateways import Shop

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "3"))

SCHEMA = schemathesis.openapi.from_dict(document(app.domain_of(load()), is_protected=False))
IS_SHORT = EXAMPLES < 50


def tried(path: str) -> bool:
    """In the suite a few commands stand for all: their routes are one."""
    return not (IS_SHORT and path.startswith("/v1/commands/") and path not in SOME)


SOME = ("/v1/commands/{id}", *(f"/v1/commands/{name}" for name in ("CreateOrder", "StockProduct")))
OPERATIONS: list[Any] = [
    operation
    for found in SCHEMA.get_all_operations()
    if (operation := cast("Any", found).ok()) and tried(operation.path)
]


def stripped(said: Any) -> Any:
    """A body without the blanks at the ends of its texts."""
    if isinstance(said, dict):
        return {name: stripped(value) for name, value in said.items()}
    if isinstance(said, list):
        return [stripped(value) for value in said]
    return said.strip() if isinstance(said, str) else said


def what_does_not_fit_is_refused(context: Any, response: Any, case: Any) -> bool | None:
    """But for blanks: models may strip a text before they measure it; no document can say so."""
    if stripped(case.body) != case.body:
        return None
    return said.negative_data_rejection(context, response, case)


CHECKS = [
    schemathesis.checks.not_a_server_error, said.status_code_conformance,
    said.content_type_conformance, said.response_headers_conformance,
    said.response_schema_conformance, what_does_not_fit_is_refused,
]  # fmt: skip


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_case_is_answered_as_the_document_says(
    operation: Any, mode: GenerationMode, shop: Shop
) -> None:
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=IS_SHORT,
        suppress_health_check=[*HealthCheck], phases=[Phase.generate],
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def answered(case: Any) -> None:
        case.headers = {**(case.headers or {}), "Prefer": "wait=1"}
        case.call_and_validate(base_url=str(shop.base_url), checks=CHECKS, timeout=20)

    if mode is GenerationMode.POSITIVE or operation.query or operation.body:
        answered()
