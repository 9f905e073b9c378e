"""What is on the disk when a command is answered, and what a crash may take."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from engine.core.fitness.facts import Check, Facts, Standing, setting, unknown

_FSYNC: Mapping[str, tuple[Standing, str]] = MappingProxyType({
    "always": (
        "ok",
        "an answered command is on the disk: neither a crash nor a power cut takes it",
    ),
    "everysec": (
        "warning",
        (
            "a crash of the server takes nothing while its disk keeps up; a power cut may take the "
            "last second or two of answered commands. That is noticed and said, not mended"
        ),
    ),
    "no": (
        "bad",
        "the system writes when it likes: a power cut may take half a minute of answered commands",
    ),
})  # fmt: skip
"""What each value of ``appendfsync`` promises."""


def durability_checks(facts: Facts) -> Iterator[Check]:
    """The append-only file, when it reaches the disk, and whether it could be written."""
    if not facts.info:
        yield unknown(
            "aof", "the append-only file", "INFO",
            "nothing is promised of what a restart of the server leaves",
        )  # fmt: skip
        return
    if facts.number("aof_enabled") != 1:
        yield Check(
            "aof", "bad", "no append-only file",
            "a restart of the server goes back to its last snapshot, or to nothing: commands that "
            "were answered since are gone",
            setting("appendonly", "yes", may_set=bool(facts.config)),
        )  # fmt: skip
    else:
        yield Check("aof", "ok", "append-only file", "a restart of the server keeps what it wrote")
        yield _fsync(facts)
        if facts.config.get("no-appendfsync-on-rewrite") == "yes":
            yield Check(
                "fsync on rewrite", "warning", "no-appendfsync-on-rewrite yes",
                "while the file is rewritten nothing is fsynced, whatever appendfsync says",
                setting("no-appendfsync-on-rewrite", "no"),
            )  # fmt: skip
    yield _writes(facts)


def _fsync(facts: Facts) -> Check:
    value = facts.config.get("appendfsync")
    if value is None:
        return unknown(
            "fsync", "appendfsync", "CONFIG",
            "promise nobody more than everysec does: a power cut may take the last seconds",
            setting("appendfsync", "always", may_set=False),
        )  # fmt: skip
    standing, means = _FSYNC.get(value, _FSYNC["no"])
    mend = "" if standing == "ok" else setting("appendfsync", "always")
    return Check("fsync", standing, f"appendfsync {value}", means, mend)


def _writes(facts: Facts) -> Check:
    """Whether the last writes to the disk went well."""
    failed = [
        f"{name} is {said}"
        for name in ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status")
        if (said := facts.info.get(name, "ok")) != "ok"
    ]
    if failed:
        return Check(
            "disk", "bad", ", ".join(failed),
            "Redis could not write, and refuses commands until it can: commits stop, reads go on",
            "make room on its disk and see its log; then: redis-cli BGREWRITEAOF, redis-cli BGSAVE",
        )  # fmt: skip
    delayed = facts.number("aof_delayed_fsync") or 0
    if delayed:
        return Check(
            "disk", "warning", f"{delayed} times an fsync took more than 2 s",
            "commits stood still meanwhile, and with everysec a crash may take what was answered",
            "give the server a quicker disk, or one of its own",
        )  # fmt: skip
    return Check("disk", "ok", "the last writes went well", "Redis takes commands")
