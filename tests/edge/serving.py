"""A shop that is served in this process, and what may happen to its connections."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine import app, settings
from engine.edge.bench import wire
from engine.edge.client import Client


@asynccontextmanager
async def served(
    url: str, namespace: str, *, worker: bool = True, partitions: int = 4
) -> AsyncIterator[Client]:
    """An engine node, perhaps a worker, and a client, all in this process."""
    set_up = settings.load(redis=url, namespace=namespace, partitions=partitions)
    domain = app.domain_of(set_up)
    roles = [app.engine_role(set_up, domain)]
    if worker:
        roles.append(app.worker_role(set_up, domain))
    async with app.serving(roles, 5) as ready:
        await ready.wait()
        async with app.open_client(set_up, domain) as client:
            yield client


@asynccontextmanager
async def unserved(url: str, namespace: str) -> AsyncIterator[Client]:
    """A client of a shop that nobody serves."""
    set_up = settings.load(redis=url, namespace=namespace, partitions=4)
    async with app.namespace_session(set_up, create=4):
        pass
    async with app.open_client(set_up, app.domain_of(set_up)) as client:
        yield client


def cut_all_connections(url: str) -> None:
    """What a restart, a proxy or an operator may do at any moment."""
    wire.ask(int(url.rpartition(":")[2]), b"CLIENT", b"KILL", b"TYPE", b"normal")
