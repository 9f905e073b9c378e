"""``semel doctor``: what this Redis is fit for, and how to mend what is not."""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from textwrap import wrap
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec
import typer

from engine.core.errors import Unavailable
from engine.core.fitness.facts import Check, Facts, Standing
from engine.core.fitness.judging import judge
from engine.core.fitness.server import kind_of
from engine.edge.cli.options import ConfigFile, Format, Namespace, Output, Redis, settings_of
from engine.edge.cli.output import paint, show
from engine.edge.cli.running import start

if TYPE_CHECKING:
    from engine.settings import Settings

_PACKAGES = ("hiredis", "uvloop")
"""What semel is several times slower without, and what it gains a little by."""

_COLOURS: Mapping[Standing, str] = MappingProxyType({
    "ok": typer.colors.GREEN, "warning": typer.colors.YELLOW, "bad": typer.colors.RED,
})  # fmt: skip

_WIDTH = 76
"""Characters of a line of explanations: beside the names they fit an ordinary terminal."""

_SECONDS = 15.0
"""A server that lets us in and then answers nothing is given up after this."""


class Report(msgspec.Struct):
    """Everything that was looked at; ``fit`` where nothing of it is bad."""

    redis: str
    server: str
    fit: bool
    checks: list[Check]


def doctor(
    redis: Redis = None,
    config: ConfigFile = None,
    namespace: Namespace = None,
    output: Output = Format.TEXT,
) -> int:
    """Say what this Redis is fit for: what is promised on it, what is not, and how to mend it.

    Looks at the server, its append-only file, memory, streams, replicas and clock, at what this
    user may do there, and at the Python here. Changes nothing. What the user may not ask, as with
    many hosted servers, is said to be unknown, and what follows from that. Exits 1 when
    something is bad; warnings are yours to judge.

    Example: semel doctor --redis redis://127.0.0.1:6379
    """
    settings = settings_of(redis, config, namespace)

    async def work() -> int:
        import anyio  # noqa: PLC0415

        from engine.app import examine, without_password  # noqa: PLC0415

        shown = without_password(settings.redis)
        try:
            with anyio.fail_after(_SECONDS):
                facts = await examine(settings.redis, settings.namespace, _packages())
        except TimeoutError as error:
            raise Unavailable(f"{shown} did not answer within {_SECONDS:g} s") from error
        judged = judge(facts, settings.namespace, settings.id_skew_seconds)
        checks = [_here(check, shown) for check in judged]
        bad = [check for check in checks if check.standing == "bad"]
        report = Report(shown, _server(facts), not bad, checks)
        faults = [{"code": "unfit", "check": each.name, "message": _said(each)} for each in bad]
        show(output, report, _text(report), faults)
        return 1 if bad else 0

    return start(work)


async def fitness(settings: "Settings") -> str:
    """The server's fitness in a sentence, for whoever looks at something else."""
    from engine.app import examine  # noqa: PLC0415

    facts = await examine(settings.redis, settings.namespace, _packages())
    checks = judge(facts, settings.namespace, settings.id_skew_seconds)
    more = "" if all(check.standing == "ok" for check in checks) else " (semel doctor)"
    return f"{_verdict(checks)}{more}"


def _packages() -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def _here(check: Check, url: str) -> Check:
    """A check whose mending line can be typed as it stands, but for a password."""
    line = check.mend.replace("redis-cli ", f"redis-cli -u {url} ")
    return msgspec.structs.replace(check, mend=line)


def _server(facts: Facts) -> str:
    return kind_of(facts.info) if facts.info else "unknown"


def _said(check: Check) -> str:
    return f"{check.found}: {check.means}" + (f" ({check.mend})" if check.mend else "")


def _text(report: Report) -> Iterator[str]:
    """What there is to mend is told in full, what is well in a line."""
    yield f"{report.redis}: {report.server}"
    yield ""
    width = max(len(check.name) for check in report.checks)
    for check in report.checks:
        standing = paint(check.standing.ljust(7), _COLOURS[check.standing])
        yield f"{standing}  {check.name.ljust(width)}  {check.found}"
        for words in wrap(check.means, _WIDTH):
            yield f"{'':7}  {'':{width}}  {words}"
        if check.mend:
            yield f"{'':7}  {'':{width}}  to mend: {check.mend}"
    yield ""
    yield _verdict(report.checks)


def _verdict(checks: Sequence[Check]) -> str:
    bad = sum(check.standing == "bad" for check in checks)
    warnings = sum(check.standing == "warning" for check in checks)
    warned = f"{warnings} warning{'s' * (warnings != 1)}"
    if bad:
        return f"not fit: {bad} bad, {warned}"
    return f"fit, with {warned}" if warnings else "fit: nothing to mend"
