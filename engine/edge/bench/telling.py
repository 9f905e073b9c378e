"""Figures as people read them, line by line."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from engine.edge.bench.plan import Part


def lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """All that was measured."""
    if Part.RAW in figures:
        yield from _raw(figures["machine"], figures[Part.RAW])
    for part, tell in _TELLERS.items():
        if part in figures:
            yield from tell(figures[part])


def _raw(machine: Mapping[str, Any], raw: Mapping[str, Any]) -> Iterator[str]:
    low, high = raw["per_second_range"]
    void = "" if raw["valid"] else ": the client was measured, the ratio is void"
    yield f"{machine['server']}, AOF everysec; median of {machine['runs']}"
    yield f"Python {machine['python']}, {machine['machine']}"
    yield f"raw         {raw['per_second']:>9,.0f} XADD/s      ({low:,.0f} to {high:,.0f})"
    yield f"            server busy {raw['server_share']:.0%} of the time{void}"


def _rate(part: Part, unit: str, who: str, said: Mapping[str, Any]) -> Iterator[str]:
    low, high = said["per_second_range"]
    lowest, highest = said["ratio_to_raw_range"]
    yield f"{part:<11} {said['per_second']:>9,.0f} {unit:<11} ({low:,.0f} to {high:,.0f})"
    for each in (who, "server"):
        cost, share = said[f"{each}_us"], said[f"{each}_share"]
        yield f"            {each}: {cost:.1f} us each, busy {share:.0%} of the time"
    yield f"            {said['ratio_to_raw']:.3f} x raw ({lowest:.3f} to {highest:.3f})"


def _engine(said: Mapping[str, Any]) -> Iterator[str]:
    return _rate(Part.ENGINE, "commands/s", "engine", said)


def _projection(said: Mapping[str, Any]) -> Iterator[str]:
    yield from _rate(Part.PROJECTION, "events/s", "worker", said)
    numbers, rates = ", ".join(said["workers"]), said["workers"].values()
    reached = ", ".join(f"{rate:,.0f}" for rate in rates)
    yield f"            {numbers} workers with a core each would reach {reached} events/s:"
    yield "            as many times this rate, but at most 1 s / server's time each"


def _rebuild(said: Mapping[str, Any]) -> Iterator[str]:
    yield from _rate(Part.REBUILD, "events/s", "worker", said)
    yield (
        f"            {said['ratio_to_projection']:.2f} x the projection's own rate; "
        f"{said['seconds']:.1f} s for {said['events']:,.0f} events and {said['rows']:,.0f} rows"
    )
    yield (
        f"            worker's peak {said['worker_peak_mib']:.0f} MiB; server "
        f"{said['server_bytes_per_row']:.0f} bytes a row, "
        f"{said['server_bytes_per_event']:.0f} an event"
    )


def _fulfilment(said: Mapping[str, Any]) -> Iterator[str]:
    low, high = said["fulfilments_per_second_range"]
    lowest, highest = said["ratio_to_raw_range"]
    yield (
        f"fulfilment  {said['fulfilments_per_second']:>9,.0f} fulfilments/s ({low:,.0f} to "
        f"{high:,.0f}); {said['orders']:,} orders in {said['seconds']:.1f} s"
    )
    yield (
        f"            {said['confirmed']:,} confirmed, {said['cancelled']:,} cancelled, "
        f"{said['refused']:,} refused at once; all products' sums are right"
    )
    for each in ("engine", "worker", "server"):
        cost, share = said[f"{each}_us"], said[f"{each}_share"]
        yield f"            {each}: {cost:,.0f} us for a fulfilment, busy {share:.0%} of the time"
    yield (
        f"            {said['per_second']:,.0f} commands/s: {said['ratio_to_raw']:.3f} x raw "
        f"({lowest:.3f} to {highest:.3f})"
    )


def _latency(said: Mapping[str, Any]) -> Iterator[str]:
    for name in ("echo", "outcome", "view"):
        yield f"latency     {_times(name, said[name])}"
    yield (
        f"            outcome: p50 {said['outcome_p50_to_echo']:.2f} x echo's, p99 "
        f"{said['outcome_p99_to_echo']:.2f} x; view: p99 {said['view_p99_to_echo_p50']:.1f} x "
        f"echo's p50"
    )
    costs = ", ".join(f"{who} {cost:.0f}" for who, cost in said["cpu_us"].items())
    yield f"            us of a core for a command and its view: {costs}"


def _live(said: Mapping[str, Any]) -> Iterator[str]:
    for phase in ("before", "during", "after"):
        for what in ("outcome", "view"):
            name = f"{phase} ({said[phase]['seconds']:.0f} s), {what}"
            yield f"live        {_times(name, said[phase][what])}"
    errors = ", ".join(f"{count} {name}" for name, count in said["errors"].items()) or "none"
    yield (
        f"            {said['rate']:,} commands/s; p99 during: outcome "
        f"{said['outcome_p99_growth']:.2f} x before, view {said['view_p99_growth']:.2f} x"
    )
    yield f"            errors of {said['commands']:,} commands: {errors}"
    if not said["flipped"]:
        yield "            the build did not go live while the load went on"
    yield (
        f"            {said['rows']:,} rows of both generations compared, {said['differ']} differ; "
        f"by the curator {said['curator']['rows']:,} and {said['curator']['differ']}"
    )
    yield (
        f"            client busy {said['client_share']:.0%} of a core, sent p99 "
        f"{said['late_p99']:.2f} ms late"
    )


def _load(said: Mapping[str, Any]) -> Iterator[str]:
    low, high = said["growth_range"]
    lowest, highest = said["worst_growth_range"]
    yield (
        f"load        {said['long_us']:>9,.0f} us for {said['events']:,.0f} events, kept; "
        f"{said['short_us']:,.0f} us for 10: {said['growth']:.2f} x ({low:.2f} to {high:.2f})"
    )
    yield (
        f"            {said['worst_us']:>9,.0f} us with {said['above']:.0f} events above what is "
        f"kept: {said['worst_growth']:.2f} x ({lowest:.2f} to {highest:.2f})"
    )
    yield f"            {said['bare_us']:>9,.0f} us without a snapshot; medians of 5 runs"


def _takeover(gap: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"takeover    {gap['seconds']:.2f} s without an answer (worst {gap['worst']:.2f} s), "
        f"median of {gap['kills']}, {gap['remembered']:,} ids remembered per partition"
    )
    yield (
        f"            {gap['untimed_seconds']:.2f} s (worst {gap['untimed_worst']:.2f} s) for "
        f"ids without a time, which wait for their partition's window"
    )


def _handover(steps: list[Mapping[str, Any]]) -> Iterator[str]:
    for step in steps:
        yield (
            f"handover    {step['change']} nodes: {step['moved']} of 64 partitions moved "
            f"({step['needed']} had to), longest wait {step['longest'] * 1000:.0f} ms, "
            f"median {step['median'] * 1000:.1f} ms"
        )


def _timers(said: Mapping[str, Any]) -> Iterator[str]:
    yield f"timers      {_times('late when fired', said['fired'])}"
    yield f"            {_times('late when handled', said['handled'])}"
    yield f"            {said['rate']:,} a second; engine: {said['engine_us']:.0f} us each"


def _memory(said: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"memory      {said['process_bytes']:.0f} bytes in the process and "
        f"{said['server_bytes']:.0f} in Redis for a remembered id, of {said['ids']:,}"
    )
    yield (
        f"            {said['bound']:,} at the most in {said['partitions']} partitions: "
        f"{said['process_mib']:.0f} MiB over all processes, {said['server_mib']:.0f} MiB in Redis"
    )


def _times(name: str, latency: Mapping[str, Any]) -> str:
    return (
        f"{name:<26} p50 {latency['p50']:>8.2f} ms   p99 {latency['p99']:>8.2f} ms   "
        f"max {latency['max']:>8.2f} ms   ({latency['count']:,})"
    )


_TELLERS: Mapping[Part, Callable[[Any], Iterator[str]]] = {
    Part.ENGINE: _engine,
    Part.PROJECTION: _projection,
    Part.REBUILD: _rebuild,
    Part.FULFILMENT: _fulfilment,
    Part.LIVE: _live,
    Part.LATENCY: _latency,
    Part.LOAD: _load,
    Part.TAKEOVER: _takeover,
    Part.HANDOVER: _handover,
    Part.TIMERS: _timers,
    Part.MEMORY: _memory,
}
