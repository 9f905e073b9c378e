"""The services of one process: opened in the order of the list, closed in reverse.

They outlive sessions: a Redis that is lost and found again changes nothing for them.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from engine.core.errors import Misuse, ServiceFailed, single
from engine.core.registry import Domain
from engine.core.services import QUERIES, Offered, Queries, ServiceContext
from engine.telemetry import log


@asynccontextmanager
async def services_of(
    domain: Domain,
    tables: Mapping[str, Mapping[str, Any]],
    queries: Queries,
    wanted: Collection[Offered] | None = None,
) -> AsyncIterator[Domain]:
    """The domain with its services open, or those ``wanted``; ``tables`` are settings, by name.

    Raises `ServiceFailed` where a factory raises, and `Misuse` for settings of none.
    """
    factories = [each for each in domain.services if each.open is not None]
    _require_known(tables, [each.name for each in factories])
    services: dict[Offered, object] = {QUERIES: queries}
    try:
        async with AsyncExitStack() as stack:
            for each in factories:
                if wanted is not None and each not in wanted:
                    continue
                context = ServiceContext(each.name, tables.get(each.name, {}), queries)
                services[each] = await _opened(each, context, stack)
            yield domain.bound(services)
    except BaseExceptionGroup as errors:  # services have task groups of their own
        error = single(errors)
        raise error from error.__cause__


async def _opened(factory: Offered, context: ServiceContext, stack: AsyncExitStack) -> object:
    """A service, which ``stack`` will close; entered in this task, as task groups must be."""
    if factory.open is None:  # pragma: no cover -- only factories are opened
        raise AssertionError(factory)
    log.info("service.opening", service=factory.name)
    try:
        manager = factory.open(context)
        service = await manager.__aenter__()
    except Exception as error:
        log.error("service.failed", service=factory.name, exc_info=error)
        raise ServiceFailed(
            f"the service {factory.name} could not be opened: {type(error).__name__}: {error}. "
            f"Nothing was served; mend its factory, or [services.{factory.name}], and start again"
        ) from error
    stack.callback(_say_closed, factory.name)
    stack.push_async_exit(manager)
    return service


def _say_closed(name: str) -> None:
    log.info("service.closed", service=name)


def _require_known(tables: Mapping[str, Any], names: list[str]) -> None:
    """Raise `Misuse` for settings of a service that no factory opens."""
    for unknown in tables.keys() - names:
        raise Misuse(
            f"there are settings for the service {unknown}, and no factory in `services` of the "
            f"handlers package is called that; there are: {', '.join(names) or 'none'}"
        )
