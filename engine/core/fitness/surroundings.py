"""What lies between semel and the server: rights, clocks, packages."""

from collections.abc import Iterator

from engine.core.fitness.facts import Check, Facts

_MANY = 6
"""As many refused commands are named; whoever lacks more lacks a whole role."""


def rights_check(facts: Facts, namespace: str) -> Check:
    """Whether this user may do what an engine does."""
    refused, closed = list(facts.refused), list(facts.closed)
    if not refused and not closed:
        return Check("rights", "ok", "all commands and keys", "engines and workers may run here")
    named = ", ".join(refused[:_MANY]) + (", …" if len(refused) > _MANY else "")
    found = "; ".join(
        part
        for part in (
            f"not allowed: {named}" if refused else "",
            f"closed: {', '.join(closed)}" if closed else "",
        )
        if part
    )
    grants = [f"+{name.lower().replace(' ', '|')}" for name in refused]
    if closed:
        grants += [f"'~{{{namespace}*'", f"'~{namespace}:*'"]
    return Check(
        "rights", "bad", found,
        "engines and workers cannot run as this user; clients need less: from redis-cli XADD, "
        "XREAD and BLPOP",
        f"redis-cli ACL SETUSER NAME {' '.join(grants)}",
    )  # fmt: skip


def clock_check(facts: Facts, skew_seconds: float) -> Check:
    """Whether ids that carry this machine's time are believed."""
    away = abs(facts.ahead_seconds)
    side = "ahead of" if facts.ahead_seconds > 0 else "behind"
    found = f"{away:.3f} s {side} this machine's"
    mend = "have both machines' clocks set by NTP: timedatectl set-ntp true"
    if away >= skew_seconds:
        return Check(
            "clock", "bad", found,
            f"ids made here are off by more than id_skew_seconds ({skew_seconds:g}): commands are "
            "rejected as `clock`, or as `expired` too early", mend,
        )  # fmt: skip
    if away >= skew_seconds / 2:
        return Check(
            "clock", "warning", found,
            f"beyond id_skew_seconds ({skew_seconds:g}) commands are rejected", mend,
        )  # fmt: skip
    return Check("clock", "ok", found, "leases are measured by the server's, ids fit")


def package_checks(facts: Facts) -> Iterator[Check]:
    """Packages without which Python is the bottleneck."""
    for name, version in facts.packages.items():
        if version is None:
            yield Check(
                name, "warning", "not installed", "engines and clients are slower here",
                f"pip install {name}",
            )  # fmt: skip
        else:
            yield Check(name, "ok", version, "installed")
