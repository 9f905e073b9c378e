"""A query is given its views and nothing else; its package imports no way around them."""

import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engine.core.confinement import require_confined
from engine.core.errors import Misregistered
from engine.core.registry import build
from engine.core.views import Views
from tests.core.doors import Clock, Door, GetDoor, get_door, refusal

# -- What a handler is given ------------------------------------------------------------


async def with_a_service(query: GetDoor, views: Views, clock: Clock) -> Door:
    raise NotImplementedError


async def with_a_default(query: GetDoor, views: Views = None) -> Door:  # type: ignore[assignment]
    raise NotImplementedError


async def with_any_number(query: GetDoor, *views: Views) -> Door:
    raise NotImplementedError


async def by_name(query: GetDoor, *, views: Views) -> Door:
    raise NotImplementedError


async def of_anything(query: GetDoor, views: Any) -> Door:
    raise NotImplementedError


async def of_a_service(query: GetDoor, clock: Clock) -> Door:
    raise NotImplementedError


async def of_nothing(query: GetDoor, views) -> Door:  # type: ignore[no-untyped-def]  # noqa: ANN001
    raise NotImplementedError


def that_does_not_wait(query: GetDoor, views: Views) -> Door:
    raise NotImplementedError


class Holder:
    """What holds more than a query may see."""

    async def answer(self, query: GetDoor, views: Views) -> Door:
        raise NotImplementedError

    async def __call__(self, query: GetDoor, views: Views) -> Door:
        raise NotImplementedError


@pytest.mark.parametrize(
    "answer",
    [
        with_a_service, with_a_default, with_any_number, by_name, of_anything, of_a_service,
        of_nothing, that_does_not_wait, partial(with_a_service, clock=Clock()), Holder().answer,
        Holder(),
    ],
    ids=lambda answer: getattr(answer, "__name__", type(answer).__name__),
)  # fmt: skip
def test_a_query_handler_that_asks_for_more_than_its_views_is_refused(
    answer: Callable[..., Awaitable[Any]],
) -> None:
    said = refusal(queries=[answer])
    assert "a plain async function (query, views: Views), which is given nothing else" in said


def test_a_query_handler_of_a_query_and_views_is_taken() -> None:
    assert build(queries=[get_door]).queries["GetDoor"].answer is get_door


# -- What a package imports -------------------------------------------------------------

FINE = """
from engine import Projection, Views, put
import engine
import json, redistribution
from .rows import Row
VIEWS = engine.Views
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """A package of read models, which a test writes a module of."""
    monkeypatch.syspath_prepend(tmp_path)

    def written(source: str) -> str:
        name = f"views_{tmp_path.name}".replace("-", "_")
        module = type(sys)(f"{name}.deep.orders")
        file = tmp_path / "orders.py"
        file.write_text(source)
        module.__file__ = str(file)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return name

    return written


def test_what_a_package_of_read_models_needs_it_may_import(package: Callable[[str], str]) -> None:
    require_confined(package(FINE), but="handlers")


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("import redis", "redis"),
        ("import json, redis.asyncio as r", "redis.asyncio"),
        ("from redis.asyncio import Redis", "redis.asyncio.Redis"),
        ("from engine import Views, connect", "engine.connect"),
        ("import engine.store.session", "engine.store.session"),
        ("from engine.store.keys import Keys", "engine.store.keys.Keys"),
        ("from engine import app as staircase", "engine.app"),
        ("    from engine.edge.client import Client", "engine.edge.client.Client"),
        ("    return engine.connect()", "engine.connect"),
        ("import valkey", "valkey"),
    ],
)
def test_a_way_to_redis_is_refused_by_its_place(
    package: Callable[[str], str], line: str, named: str
) -> None:
    inside = "def sly():\n" if line.startswith(" ") else "sly = 1\n"
    name = package(f"{FINE}{inside}{line}\n")
    with pytest.raises(Misregistered, match=rf"orders\.py:8: {named} leads to Redis"):
        require_confined(name, but="handlers")
    with pytest.raises(Misregistered):
        require_confined(f"{name}.deep", but=f"{name}.handlers")
    require_confined(name, but=f"{name}.deep")
    require_confined("views", but="handlers")


def test_what_has_no_source_cannot_be_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sourceless.orders", type(sys)("sourceless.orders"))
    require_confined("sourceless", but="handlers")


def test_the_shops_read_models_are_confined() -> None:
    import projections  # noqa: PLC0415 -- it must have been loaded, whoever runs first

    require_confined(projections.__name__, but="handlers")
