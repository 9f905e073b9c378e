import msgspec

from engine.core.audit.findings import Finding, confirmed
from engine.core.audit.streams import judge_length, judge_stream
from engine.core.codec import logged
from engine.core.records import Entry
from tests.core.audit.histories import event, places

LOGGED = [logged(event(n + 10, "order-1", n, f"{n}-0")) for n in (4, 5)]
STORED = [
    Entry(f"{each.version}-0", {b"type": b"Happened", b"data": b"{}", b"meta": each.meta})
    for each in LOGGED
]


def test_a_stream_is_what_the_log_says() -> None:
    assert not list(judge_stream(0, "key", LOGGED, STORED))
    stray = [*STORED, Entry("6-0", STORED[0].fields)]
    assert places(list(judge_stream(0, "key", LOGGED, stray))) == [("event_stray", "6-0")]
    [missing] = judge_stream(0, "key", LOGGED, STORED[1:])
    assert missing == Finding(
        "event_missing", 0, "key", "4-0", "the event at position 14 of the log", "nothing"
    )


def test_every_field_counts() -> None:
    for name in ("type", "data", "meta"):
        fields = {**STORED[0].fields, name.encode(): b"else"}
        other = [msgspec.structs.replace(STORED[0], fields=fields), STORED[1]]
        [found] = judge_stream(0, "key", LOGGED, other)
        assert (found.check, found.id, found.found) == ("event_differs", "4-0", "'else'")
        assert found.expected.startswith(name)


def test_a_stream_is_as_long_as_the_log_says() -> None:
    assert judge_length(0, "key", 5, 5) is None
    longer, shorter = judge_length(0, "key", 5, 6), judge_length(0, "key", 5, 4)
    assert longer is not None
    assert shorter is not None
    assert places([longer, shorter]) == [("event_stray", "6-0"), ("event_missing", "")]


def test_only_what_is_found_twice_is_a_fault() -> None:
    once, twice = (Finding("check", 0, "key", id, "a", "b") for id in ("1-0", "2-0"))
    moved = msgspec.structs.replace(twice, found="c")
    assert confirmed([once, twice], [moved]) == [moved]
    assert str(moved) == "partition 0: key 2-0: expected a, found c"
