"""semel itself: its own bench drains, and its SDK is the client of an engine node."""

from functools import partial
from typing import Any
from urllib.parse import urlsplit

import msgspec

from engine import app, settings
from engine.core.registry import Domain
from engine.edge.bench.nodes import running, share_evenly
from engine.edge.bench.parts.drain import drain
from engine.settings import Settings
from tests.benchmarks.peers import pace

PARTITIONS = 16
"""As `semel bench` has it."""

DRAINED_FOR_ONE = 5
"""semel drains some times as fast as anybody: a backlog as large as theirs would be over
before the clock has told anything."""


async def measure(plan: pace.Plan) -> None:
    own = settings.load(redis=plan.url, namespace="drain", partitions=PARTITIONS)
    domain, port = app.domain_of(own), urlsplit(plan.url).port
    assert port is not None
    drained = await drain(own, domain, port, plan.backlog * DRAINED_FOR_ONE)
    clients = own.model_copy(update={"namespace": "clients"})
    pace.tell(
        ("semel", "redis"),
        drain={"per_second": drained.per_second},
        **await asked(clients, domain, plan.seconds),
    )


async def asked(own: Settings, domain: Domain, seconds: float) -> dict[str, Any]:
    """One client of one engine node, which is a process of its own."""
    async with (
        app.namespace_session(own, create=PARTITIONS) as session,
        running(own, "run"),
        app.open_client(own, domain) as client,
    ):
        leases = [session.partition_lease(number) for number in range(session.partitions)]
        await share_evenly(session, leases, 1)

        async def create(order: dict[str, Any]) -> None:
            data = {name: value for name, value in order.items() if name != "order_id"}
            encoded = msgspec.json.encode(data)
            outcome = await client.commands.submit("CreateOrder", order["order_id"], encoded)
            outcome.raise_unless_accepted()

        return await pace.awaited(seconds, create)


if __name__ == "__main__":
    # As `semel run` does: on uvloop, with the collector out of the way.
    app.run_process(partial(measure, pace.plan()))
