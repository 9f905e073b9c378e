"""Cron's five fields: what they mean, and what clocks that are put forward and back do to them."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from engine.core.cron import cron_of
from engine.core.errors import Misuse

PARIS = "Europe/Paris"
"""Clocks go forward on 29 March 2026, from 2 to 3, and back on 25 October, from 3 to 2."""


def following(text: str, moment: str, count: int, zone: str = "UTC") -> list[str]:
    """The next occurrences, by the clocks of the zone."""
    cron, at, found = cron_of(text, zone), datetime.fromisoformat(moment), []
    where = UTC if zone == "UTC" else ZoneInfo(zone)
    at = at.replace(tzinfo=where)
    for _ in range(count):
        at = cron.next_after(at)
        assert at.tzinfo is UTC
        found.append(at.astimezone(where).strftime("%m-%d %H:%M %z"))
    return [one.removesuffix(" +0000") for one in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("* * * * *", ["01-31 12:01", "01-31 12:02"]),
        ("0 3 * * *", ["02-01 03:00", "02-02 03:00"]),
        ("*/20 12 * * *", ["01-31 12:20", "01-31 12:40", "02-01 12:00"]),
        ("5,50-52 * * * *", ["01-31 12:05", "01-31 12:50", "01-31 12:51", "01-31 12:52"]),
        ("10-30/10 0 * * *", ["02-01 00:10", "02-01 00:20", "02-01 00:30"]),
        ("40/10 12 * * *", ["01-31 12:40", "01-31 12:50"]),
        ("0 0 1 * *", ["02-01 00:00", "03-01 00:00"]),
        ("0 0 31 * *", ["03-31 00:00", "05-31 00:00"]),
        ("0 0 * * 1-5", ["02-02 00:00", "02-03 00:00"]),
        ("0 0 * * sun", ["02-01 00:00", "02-08 00:00"]),
        ("0 0 * * 7", ["02-01 00:00", "02-08 00:00"]),
        ("0 0 1 JAN *", ["01-01 00:00"]),
        ("0 0 15 * MON", ["02-02 00:00", "02-09 00:00", "02-15 00:00", "02-16 00:00"]),
        ("0 0 */10 * mon", ["05-11 00:00", "06-01 00:00"]),
        ("0 0 29 2 *", ["02-29 00:00"]),
    ],
)
def test_fields_mean_what_they_mean_in_cron(text: str, expected: list[str]) -> None:
    assert following(text, "2026-01-31T12:00:00", len(expected)) == expected


def test_an_occurrence_is_after_the_moment_and_never_at_it() -> None:
    cron, noon = cron_of("0 12 * * *"), datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert cron.next_after(noon - timedelta(microseconds=1)) == noon
    assert cron.next_after(noon) == noon + timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("0 3 * *", "has 4 fields; cron has five"),
        ("60 * * * *", "'60' is no minute: it is 0 to 59"),
        ("* * 0 * *", "'0' is no day of month"),
        ("* * * x *", "'x' is no month"),
        ("*/0 * * * *", "the step must be a number above 0"),
        ("5-1 * * * *", "the range ends before it begins"),
        ("1,,2 * * * *", "'' is no minute"),
        ("-1 * * * *", "'' is no minute"),
        ("0 0 31 2 *", "it never comes"),
    ],
)
def test_what_is_wrong_is_said(text: str, complaint: str) -> None:
    with pytest.raises(Misuse, match=complaint.replace("*", r"\*")):
        cron_of(text)


@pytest.mark.parametrize("zone", ["Nowhere/Land", "", "../etc/passwd", "Europe"])
def test_a_zone_that_is_not_known_is_misuse(zone: str) -> None:
    with pytest.raises(Misuse, match="there is no time zone"):
        cron_of("0 3 * * *", zone)


def test_a_daily_time_that_is_skipped_comes_an_hour_later() -> None:
    assert following("30 2 * * *", "2026-03-28T12:00:00", 3, PARIS) == [
        "03-29 03:30 +0200", "03-30 02:30 +0200", "03-31 02:30 +0200",
    ]  # fmt: skip


def test_a_daily_time_that_comes_twice_is_taken_once() -> None:
    assert following("30 2 * * *", "2026-10-24T12:00:00", 2, PARIS) == [
        "10-25 02:30 +0200", "10-26 02:30 +0100",
    ]  # fmt: skip


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_what_runs_every_hour_runs_every_hour(day: str) -> None:
    cron = cron_of("0 * * * *", PARIS)
    at = [datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(PARIS)).astimezone(UTC)]
    for _ in range(26):
        at.append(cron.next_after(at[-1]))
    assert {later - earlier for earlier, later in pairwise(at)} == {timedelta(hours=1)}


@pytest.mark.parametrize(
    ("text", "days", "expected"),
    [
        ("* * * * *", 400, "2026-01-31T12:00"),
        ("0 3 * * *", 400, "2026-01-31T03:00"),
        ("0 3 1 6 *", 400, "2025-06-01T03:00"),
        ("0 0 29 2 *", 4000, "2024-02-29T00:00"),
        ("0 13 * * *", 0.5, None),
        ("0 0 29 2 *", 400, None),
    ],
)
def test_the_latest_one_that_was_missed(text: str, days: float, expected: str | None) -> None:
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    due = None if expected is None else datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert cron_of(text).latest(noon - timedelta(days=days), noon) == due
