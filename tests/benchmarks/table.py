"""The figures as a table of Markdown, and the page around it."""

import os
import platform
from collections.abc import Iterator, Sequence
from datetime import date

from tests.benchmarks.catalogue import SEMEL
from tests.benchmarks.measuring import Figures, Pace, Spread

COMMAND = "make peers"

_HEAD = (
    "| peer | drain, orders/s | 64 in flight, orders/s | 512 in flight, orders/s "
    "| one at a time, p50 / p99 ms | an answer means |"
)
_RATES = ("drain", "at_64", "at_512")

_ABOUT = """\
# Beside peers

The same workload on semel and on what somebody would use instead, in one run on one machine:
`CreateOrder` with two items and an address, each a new aggregate. Made by `{command}`, which
installs each peer's own packages in a place of their own, and writes this page.

- *drain*: as fast as one process can. Of semel and the queues a backlog that has been waiting;
  Restate is sent one-way orders, and the clock stops when the last one is handled; what decides
  in the caller's own process is called without a pause, from as many threads as serve it best.
- *in flight*: one client process with so many orders at once, each awaited to its outcome; with
  semel, Restate and the queues another process handles them.
- *one at a time*: from asking to the outcome.

Numbers are medians (runs: {runs}) with the least and the most; in brackets, the rate divided by
semel's. All peers were run in turn, round after round. They are not alike: semel, eventsourcing,
Emmett and Protean keep events; Restate and DBOS keep what became of a call and a state; FastStream
and taskiq carry a message and keep nothing of it, so they are here as the price of the road alone.
"""


def page(results: Sequence[Figures], pace: Pace, server: str, today: date) -> str:
    """The whole document."""
    about = _ABOUT.format(command=COMMAND, runs=pace.runs)
    machine = (
        f"Taken on {today.isoformat()}: {server} for all who use Redis,\nPython "
        f"{platform.python_version()}, {platform.system()} on {platform.machine()}, "
        f"{os.cpu_count()} cores that client, peer and store share.\nEach part went on for "
        f"{pace.seconds:g} s, or over {pace.backlog:,} waiting orders."
    )
    picture = "![Orders per second of each peer](peers.svg)"
    return "\n".join([about, machine, "", picture, "", *table(results), "", *_notes(results)])


def table(results: Sequence[Figures]) -> Iterator[str]:
    """One row a peer; one that could not be measured says why."""
    yield _HEAD
    yield "|---|---|---|---|---|---|"
    ours = next((one for one in results if one.peer.name == SEMEL and not one.missing), None)
    for one in results:
        if one.missing:
            why = one.missing.replace("|", "/")
            yield f"| {one.peer.name} | | | | | {why} |"
            continue
        rates = " | ".join(_rate(one, part, ours) for part in _RATES)
        yield f"| {one.peer.name} | {rates} | {_latency(one)} | {one.peer.durability} |"


def rate_of(one: Figures, part: str) -> Spread | None:
    """Orders per second of one part, where the peer has it."""
    return one.parts.get(part, {}).get("per_second")


def _rate(one: Figures, part: str, ours: Figures | None) -> str:
    rate = rate_of(one, part)
    if rate is None:
        return ""
    beside = rate_of(ours, part) if ours is not None and ours is not one else None
    ratio = f" [{rate.middle / beside.middle:.3g}]" if beside is not None else ""
    return f"{rate.middle:,.0f} ({rate.least:,.0f} to {rate.most:,.0f}){ratio}"


def _latency(one: Figures) -> str:
    took = one.parts.get("one")
    if took is None:
        return ""
    return f"{took['p50_ms'].middle:.2f} / {took['p99_ms'].middle:.2f}"


def _notes(results: Sequence[Figures]) -> Iterator[str]:
    """What there is to know of single peers, and which versions were measured."""
    noted = [f"- {one.peer.name}: {one.peer.note}." for one in results if one.peer.note]
    yield from [*noted, ""] if noted else []
    yield "Versions: " + "; ".join(sorted(_versions(results))) + "."
    yield ""


def _versions(results: Sequence[Figures]) -> set[str]:
    return {f"{name} {version}" for one in results for name, version in one.versions.items()}
