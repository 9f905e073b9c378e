"""What taskiq's worker imports: one broker for a backlog, one whose callers await results."""

import os

from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

from tests.benchmarks.peers.messages import Order

URL_VARIABLE = "SHOP_REDIS"

_URL = os.environ.get(URL_VARIABLE, "redis://localhost:6379")

waiting = RedisStreamBroker(_URL, queue_name="waiting", consumer_id="0")
asked = RedisStreamBroker(_URL, queue_name="asked", consumer_id="0").with_result_backend(
    RedisAsyncResultBackend(_URL, result_ex_time=60)
)


@waiting.task
async def keep_order(order: Order) -> None:
    """One of the backlog: there is nothing to do but to have read it."""


@asked.task
async def create_order(order: Order) -> str:
    """One whose caller waits for the result."""
    return order.order_id
