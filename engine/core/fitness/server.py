"""Which server it is, which part it plays, and who copies it."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from engine.core.fitness.facts import Check, Facts, unknown

OLDEST = (7, 0)
"""The first Redis with all that scripts and streams of ours use."""

SAFE: Mapping[tuple[int, int], tuple[int, int, int]] = MappingProxyType({
    (8, 0): (8, 0, 4),  # code run by way of a script: CVE-2025-49844
    (8, 2): (8, 2, 9),  # XREAD read keys that an ACL had closed
    (8, 4): (8, 4, 6),
    (8, 6): (8, 6, 6),
    (8, 8): (8, 8, 2),
})  # fmt: skip
"""Of each line of Redis, the first release without a hole that lets clients do more than theirs.
Older lines are mended by who packages them, which a version does not tell; so are Valkey's."""

_LAG_SECONDS = 10
"""A replica that said nothing for this long is not one to fail over to: it speaks every second."""

_PROMISED = (
    "Redis copies to replicas after it answers: a failover may lose the last answered commands. "
    "What was lost is noticed and said (a new branch; receipts of it are `lost`), never mixed"
)


def kind_of(info: Mapping[str, str]) -> str:
    """The server by name and version, as ``Valkey 9.1.2``."""
    name = "Valkey" if "valkey_version" in info else "Redis"
    return f"{name} {info.get('valkey_version', info.get('redis_version', '?'))}"


def server_checks(facts: Facts) -> Iterator[Check]:
    """What the server is."""
    if not facts.info:
        yield unknown(
            "server",
            "kind and version",
            "INFO",
            "clients work; engines and workers do not start, for they must notice when the server "
            "is another one. All that depends on INFO is unknown below",
        )
        return
    yield _version(facts.info)
    yield _role(facts.info)
    if facts.info.get("redis_mode") == "cluster":
        yield Check(
            "cluster", "bad", "the server is a node of a Redis Cluster",
            "a session keeps to one server, and other nodes' slots are out of its reach",
            "name a server that is no part of a cluster: --redis URL",
        )  # fmt: skip
    yield from _replicas(facts)


def _version(info: Mapping[str, str]) -> Check:
    kind, version = kind_of(info), _numbers(info.get("redis_version", ""))
    if version[:2] < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        return Check(
            "server", "bad", kind, f"scripts and streams need Redis {oldest} or any Valkey",
            f"upgrade to Redis {oldest} or later",
        )  # fmt: skip
    safe = SAFE.get((version[0], version[1]))
    if "valkey_version" not in info and safe and version < safe:
        first = ".".join(map(str, safe))
        return Check(
            "server", "warning", kind,
            f"it has all that is needed, but holes that {first} has not: a client may reach more "
            "than its ACL allows", f"upgrade to Redis {first}",
        )  # fmt: skip
    return Check("server", "ok", kind, "it has all that semel needs")


def _role(info: Mapping[str, str]) -> Check:
    if info.get("role", "master") == "master":
        return Check("role", "ok", "master", "it takes writes")
    master = f"{info.get('master_host', '?')}:{info.get('master_port', '?')}"
    return Check(
        "role", "bad", f"a replica of {master}", "it takes no writes: nothing is served from here",
        f"--redis redis://{master}",
    )  # fmt: skip


def _replicas(facts: Facts) -> Iterator[Check]:
    count = facts.number("connected_slaves") or 0
    if not count:
        yield Check(
            "replication", "ok", "no replicas",
            "nothing fails over: while this server is away nothing is answered, and nothing is "
            "lost but what its disk loses",
        )  # fmt: skip
        return
    poor = [
        said
        for name, said in facts.info.items()
        if re.fullmatch(r"slave\d+", name)
        and (",state=online" not in said or _lag(said) > _LAG_SECONDS)
    ]
    if poor:
        yield Check(
            "replication", "warning", f"{len(poor)} of {count} replicas are behind or not online",
            f"{_PROMISED}; a failover to one that is behind loses all that it lacks",
            "see what keeps it: redis-cli INFO replication",
        )  # fmt: skip
    else:
        yield Check("replication", "ok", f"{count} replicas, online", _PROMISED)


def _lag(said: str) -> int:
    found = re.search(r",lag=(\d+)", said)
    return int(found[1]) if found else 0


def _numbers(version: str) -> tuple[int, int, int]:
    first, second, third, *_ = [*map(int, re.findall(r"\d+", version)), 0, 0, 0]
    return first, second, third
