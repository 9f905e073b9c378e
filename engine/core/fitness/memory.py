"""Whether what was answered stays in memory, how much room is left, and what streams cost."""

from collections.abc import Iterator

from engine.core.fitness.facts import Check, Facts, setting, unknown

STREAM_NODE_BYTES = 1216
"""What suits streams of a few small events: five of 65 bytes with their metadata, a short ``user``
too, fit into the first node, which Redis makes whole at once. Long streams cost 5 % more than
with 2048."""

_NODE_LIMIT = 2048
"""Beyond this a stream of few events takes more than twice of what it has to."""

_ENTRIES_LEAST = 16
"""With fewer entries to a node, the node's own cost shows in every stream."""

_FULL, _FILLING = 0.95, 0.80
"""Parts of the memory there is: Redis refuses writes soon, and it is time to think of it."""

_MIB = 1 << 20


def memory_checks(facts: Facts) -> Iterator[Check]:
    """Eviction, room and streams."""
    if facts.info:
        yield _eviction(facts)
        yield _room(facts)
    else:
        yield unknown(
            "eviction", "the eviction policy", "INFO",
            "a Redis that evicts would drop events, and no engine could tell",
            setting("maxmemory-policy", "noeviction", may_set=False),
        )  # fmt: skip
    yield _streams(facts)


def _eviction(facts: Facts) -> Check:
    policy = facts.info.get("maxmemory_policy", "?")
    if policy == "noeviction":
        return Check(
            "eviction", "ok", policy,
            "a full Redis refuses writes instead of dropping events; commits resume by themselves",
        )  # fmt: skip
    mend = setting("maxmemory-policy", "noeviction", may_set=bool(facts.config))
    if policy.startswith("volatile-"):
        return Check(
            "eviction", "warning", policy,
            "of a full Redis, replies that clients wait for and the signs of life of processes go "
            "first: outcomes stay, but who waits is not told", mend,
        )  # fmt: skip
    return Check(
        "eviction", "bad", policy,
        "a full Redis drops keys of its choice: events, logs, rows. Nothing of semel's promises "
        "holds then", mend,
    )  # fmt: skip


def _room(facts: Facts) -> Check:
    used, limit = facts.number("used_memory") or 0, facts.number("maxmemory") or 0
    machine = facts.number("total_system_memory") or 0
    total, whose = (limit, "maxmemory") if limit else (machine, "the machine's")
    if not total:
        return Check("memory", "ok", f"{used // _MIB} MiB used, no maxmemory", "it may grow")
    found = f"{used // _MIB} MiB used of {total // _MIB} ({whose})"
    if used < _FILLING * total:
        means = "commits stop when it is full, reads go on"
        if not limit:
            means = (
                "without maxmemory nothing refuses writes in time: the system kills Redis when "
                "the machine is full. Set it where other things run on this machine"
            )
        return Check("memory", "ok", found, means)
    more = str(2 * total) if limit else str(int(total * _FULL))
    return Check(
        "memory", "bad" if used >= _FULL * total else "warning", found,
        "when it is full commits stop, reads go on, and health says why" if limit
        else "when the machine is full the system kills Redis",
        setting("maxmemory", more, may_set=bool(facts.config)),
    )  # fmt: skip


def _streams(facts: Facts) -> Check:
    size, entries = facts.number("stream-node-max-bytes"), facts.number("stream-node-max-entries")
    if size is None or entries is None:
        return unknown(
            "streams", "the size of stream nodes", "CONFIG",
            "with Redis's own value, 4096, every aggregate takes 4.3 KB however few its events; "
            f"with {STREAM_NODE_BYTES} 1.5 KB",
            setting("stream-node-max-bytes", str(STREAM_NODE_BYTES), may_set=False),
        )  # fmt: skip
    found = f"stream-node-max-bytes {size}, stream-node-max-entries {entries}"
    if not 0 < size <= _NODE_LIMIT:
        return Check(
            "streams", "warning", found,
            f"an aggregate's stream takes {_cost(size)} KB however few its events; with "
            f"{STREAM_NODE_BYTES} 1.5 KB",
            setting("stream-node-max-bytes", str(STREAM_NODE_BYTES)),
        )  # fmt: skip
    if 0 < entries < _ENTRIES_LEAST:
        return Check(
            "streams", "warning", found, "each few entries take a node of their own: long streams "
            "cost a multiple", setting("stream-node-max-entries", "100"),
        )  # fmt: skip
    return Check(
        "streams", "ok", found,
        f"an aggregate of few small events takes about {(size + 248) / 1000:.1f} KB",
    )  # fmt: skip


def _cost(size: int) -> str:
    """KB of a stream whose first node is this large; Redis allocates 4096 at once at the most."""
    return f"{(min(size or 4096, 4096) + 248) / 1000:.1f}"
