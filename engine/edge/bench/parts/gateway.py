"""What the HTTP gateway takes, beside the SDK: the same commands by either door, many at once.

Engine and gateway are processes of their own, this one is the client: by the SDK as its users
have it, over HTTP with as little as HTTP can be spoken with, so that the gateway is measured.
"""

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import anyio
import msgspec
from anyio.streams.buffered import BufferedByteReceiveStream

from engine import app
from engine.core.errors import SemelError
from engine.core.registry import Domain
from engine.edge.bench import usage, wire, workload
from engine.edge.bench.figures import Latency, ratio
from engine.edge.bench.nodes import running, share_evenly
from engine.edge.bench.wording import times
from engine.edge.bench.workload import Wish
from engine.edge.client import Client
from engine.edge.probe import HOST, spare_port
from engine.settings import Settings

IN_FLIGHT = 64
"""Commands under way at once: connections over HTTP, tasks with the SDK."""

_WARM = 500
_START_SECONDS = 20.0
_HEAD_BYTES = 16_384

Send = Callable[[Wish], Awaitable[None]]


class Door(msgspec.Struct, frozen=True):
    """One door: outcomes a second, how long each took, and what it cost each process.

    ``cpu_us`` is in microseconds of a core for each command.
    """

    per_second: float
    outcome: Latency
    cpu_us: dict[str, float]


class Beside(msgspec.Struct, frozen=True):
    """Both doors; ``http_to_sdk`` is the rate over HTTP as a part of the SDK's."""

    commands: int
    in_flight: int
    sdk: Door
    http: Door
    http_to_sdk: float


async def gateway(settings: Settings, domain: Domain, port: int, commands: int) -> Beside:
    """Send so many commands by each door; raises `SemelError` where one is not accepted."""
    at = spare_port()
    async with (
        app.namespace_session(settings, create=app.DEFAULT_PARTITIONS) as session,
        running(settings, "run") as engine,
        running(settings, "serve", "--port", str(at)) as served,
        app.open_client(settings, domain) as client,
        AsyncExitStack() as connections,
    ):
        leases = [session.partition_lease(number) for number in range(session.partitions)]
        await share_evenly(session, leases, 1)
        callers = [await _Caller.of(connections, at) for _ in range(IN_FLIGHT)]
        doors: list[Door] = []
        first = 0
        for sends in ([_by_sdk(client)] * IN_FLIGHT, [caller.send for caller in callers]):
            await _sent(sends, range(first, first + _WARM))
            numbers = range(first + _WARM, first + _WARM + commands)
            first = numbers.stop

            def used() -> dict[str, float]:
                return {
                    "client": time.process_time(), "gateway": usage.cpu_seconds(served.pid),
                    "engine": usage.cpu_seconds(engine.pid), "server": wire.server_cpu(port),
                }  # fmt: skip

            before, began = used(), time.perf_counter()
            seconds = await _sent(sends, numbers)
            rate, after = commands / (time.perf_counter() - began), used()
            cost = {who: (after[who] - before[who]) / commands * 1e6 for who in before}
            doors.append(Door(rate, Latency.of(seconds), cost))
    sdk, http = doors
    share = ratio(http.per_second, sdk.per_second)
    return Beside(commands, IN_FLIGHT, sdk, http, share)


def tell(said: Mapping[str, Any]) -> Iterator[str]:
    """Both doors, as people read them."""
    for name in ("sdk", "http"):
        door, rate = said[name], f"{said[name]['per_second']:,.0f}/s"
        yield f"gateway     {times(f'{name}, {rate}', door['outcome'])}"
        cost = ", ".join(f"{who} {us:.0f}" for who, us in door["cpu_us"].items())
        yield f"            us of a core for each command: {cost}"
    share = f"HTTP {said['http_to_sdk']:.2f} x the SDK's rate"
    yield f"            {said['in_flight']} at once; {share}"


async def _sent(sends: Sequence[Send], numbers: range) -> list[float]:
    """Send new orders, each sender one after the other; how long each took."""
    wishes: Iterator[Wish] = iter(workload.created(numbers))
    seconds: list[float] = []

    async def work(send: Send) -> None:
        for wish in wishes:
            began = time.perf_counter()
            await send(wish)
            seconds.append(time.perf_counter() - began)

    async with anyio.create_task_group() as tasks:
        for send in sends:
            tasks.start_soon(work, send)
    return seconds


def _by_sdk(client: Client) -> Send:
    async def send(wish: Wish) -> None:
        outcome = await client.commands.submit(wish.type, wish.order, wish.data)
        outcome.raise_unless_accepted()

    return send


class _Caller:
    """One connection to the gateway, kept open."""

    def __init__(self, stream: anyio.abc.SocketStream) -> None:
        self._stream, self._answers = stream, BufferedByteReceiveStream(stream)

    @classmethod
    async def of(cls, connections: AsyncExitStack, port: int) -> "_Caller":
        """A connection, as soon as somebody listens there."""
        with anyio.fail_after(_START_SECONDS):
            while True:
                try:
                    stream = await anyio.connect_tcp(HOST, port)
                except OSError:
                    await anyio.sleep(0.05)
                    continue
                return cls(await connections.enter_async_context(stream))

    async def send(self, wish: Wish) -> None:
        """Have one command accepted."""
        await self._stream.send(
            b"POST /v1/commands/%b?aggregate=%b HTTP/1.1\r\nhost: localhost\r\n"
            b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
            % (wish.type.encode(), wish.order.encode(), len(wish.data), wish.data)
        )
        head = await self._answers.receive_until(b"\r\n\r\n", _HEAD_BYTES)
        length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
        body = await self._answers.receive_exactly(int(length))
        if not head.startswith(b"HTTP/1.1 201"):
            raise SemelError(f"the gateway did not accept {wish.type}: {body.decode()}")
