"""What is to be measured, and how much of it."""

from enum import StrEnum
from pathlib import Path
from typing import NamedTuple


class Part(StrEnum):
    """What can be measured."""

    RAW = "raw"
    SUBMIT = "submit"
    ENGINE = "engine"
    CONCURRENT = "concurrent"
    DURABILITY = "durability"
    SCALE = "scale"
    PROJECTION = "projection"
    REBUILD = "rebuild"
    FULFILMENT = "fulfilment"
    LIVE = "live"
    LATENCY = "latency"
    PATH = "path"
    GATEWAY = "gateway"
    LOAD = "load"
    TAKEOVER = "takeover"
    HANDOVER = "handover"
    TIMERS = "timers"
    MEMORY = "memory"
    GROWTH = "growth"
    STARTUP = "startup"


class Plan(NamedTuple):
    """The parts, and the sizes of each: the command line says what they mean."""

    parts: frozenset[Part]
    commands: int
    events: int
    orders: int
    aggregates: int
    runs: int
    rate: int
    max_load: float
    seconds: float
    samples: int
    kills: int
    timers: int
    server: Path | None
