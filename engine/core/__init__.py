"""The pure floor: no I/O, no clock, no Redis, no event loop."""
