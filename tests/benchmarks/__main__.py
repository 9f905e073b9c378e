"""``python -m tests.benchmarks``: the same workload on semel and its peers, and a page about it."""

import argparse
import sys
from datetime import datetime
from pathlib import Path

import anyio

from engine.edge.binary import Binary, find_binary, inspect
from tests.benchmarks.catalogue import PEERS, Peer
from tests.benchmarks.chart import chart
from tests.benchmarks.measuring import ROOT, Figures, Pace, measured
from tests.benchmarks.table import page, table

_CACHE = Path.home() / ".cache" / "semel-peers"


def main(words: list[str]) -> int:
    """Measure, print the table, and write the page where that was asked for."""
    asked = _parser().parse_args(words)
    peers = [peer for peer in PEERS if not asked.only or peer.name in asked.only]
    unknown = set(asked.only) - {peer.name for peer in PEERS}
    if unknown:
        names = "; ".join(peer.name for peer in PEERS)
        _say(f"there is no peer {', '.join(sorted(unknown))}: there are {names}")
        return 2
    pace = Pace(asked.seconds, asked.backlog, asked.runs)
    results, binary = anyio.run(_all, peers, pace, asked.cache, asked.server)
    for line in table(results):
        print(line)  # noqa: T201 -- the result of the command
    if asked.write:
        docs = ROOT / "docs"
        today = datetime.now().astimezone().date()
        (docs / "peers.md").write_text(page(results, pace, str(binary), today))
        (docs / "peers.svg").write_text(chart(results))
        _say("written: docs/peers.md, docs/peers.svg")
    return 0


async def _all(
    peers: list[Peer], pace: Pace, cache: Path, server: Path | None
) -> tuple[list[Figures], Binary]:
    binary = await find_binary() if server is None else await inspect(server)
    return await measured(peers, pace, cache, binary, _say), binary


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 -- progress, beside the result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    add = parser.add_argument
    add("--runs", type=int, default=3, help="runs of each peer; the median counts")
    add("--seconds", type=float, default=1.5, help="how long each part goes on")
    add("--backlog", type=int, default=10_000, help="orders that wait to be drained")
    add("--only", nargs="*", default=[], metavar="PEER", help="these peers alone")
    add("--cache", type=Path, default=_CACHE, help="where the peers' packages are kept")
    add("--server", type=Path, help="the Redis or Valkey to use; the embedded one unless named")
    add("--write", action="store_true", help="write docs/peers.md and docs/peers.svg")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
