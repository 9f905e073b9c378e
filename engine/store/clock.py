"""Redis's clock, by which leases and heartbeats are measured: machines' own ones differ."""

from engine.store.connection import Connection


async def now_ms(control: Connection) -> int:
    """The server's time, in milliseconds since 1970."""
    seconds, micros = await control.call("TIME")
    return int(seconds) * 1000 + int(micros) // 1000
