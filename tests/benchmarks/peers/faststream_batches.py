"""FastStream in batches of 500: the barest Redis queue, for nobody can be answered alone."""

from functools import partial

import anyio
from faststream.redis import RedisBroker, StreamSub

from tests.benchmarks.peers import pace
from tests.benchmarks.peers.faststream import GROUP, WAITING, timed
from tests.benchmarks.peers.messages import Order

RECORDS = 500


async def measure(plan: pace.Plan) -> None:
    broker = RedisBroker(plan.url, logger=None)
    done, left = anyio.Event(), plan.backlog

    @broker.subscriber(
        stream=StreamSub(
            WAITING, group=GROUP, consumer="one", last_id="0", batch=True, max_records=RECORDS
        )
    )
    async def handle(orders: list[Order]) -> None:
        nonlocal left
        left -= len(orders)
        if not left:
            done.set()

    pace.tell(("faststream", "redis"), drain=await timed(broker, done, plan.backlog))


if __name__ == "__main__":
    anyio.run(partial(measure, pace.plan()), backend_options={"use_uvloop": True})
