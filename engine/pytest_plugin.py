"""The pytest plugin: ``semel``, the project's own domain in an engine in memory.

::

    @pytest.mark.anyio
    async def test_an_order_is_shown(semel: Semel) -> None:
        outcome = await semel.submit(CreateOrder(…), aggregate="order-1")
        await semel.settled()
        assert semel.rows(orders)["order-1"].status == "created"

It comes with the package: nothing is to be registered. Each test gets an engine of its own.
"""

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from engine.testing import Semel


@pytest.fixture
def fake_services() -> Sequence[object] | None:
    """What stands in for the ``services`` of the handlers package; override it with fakes."""
    return None


@pytest.fixture
async def semel(
    anyio_backend_name: str, fake_services: Sequence[object] | None
) -> "AsyncIterator[Semel]":
    """An engine in memory of the packages that the project's settings name."""
    # Every run of pytest in a project that has semel loads this file: no more than it must.
    from engine.app import domain_of  # noqa: PLC0415
    from engine.settings import load  # noqa: PLC0415
    from engine.testing.whole import DEFAULTS, served  # noqa: PLC0415

    if anyio_backend_name != "asyncio":
        pytest.skip("semel runs on asyncio")
    settings = load().model_copy(update=DEFAULTS)
    if fake_services is not None:
        settings = settings.model_copy(update={"services": {}})
    async with served(domain_of(settings, fake_services), settings) as running:
        yield running
