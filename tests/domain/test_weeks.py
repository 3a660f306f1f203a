"""Weeks and when their digests are due, where clocks change and years end."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from journal.domain.errors import Refused
from journal.domain.weeks import GRACE, Week, bounds, due_at


@pytest.mark.parametrize(
    ("day", "label", "says"),
    [
        (date(2026, 11, 22), "2026-W47", "16 to 22 November 2026"),
        (date(2026, 12, 31), "2026-W53", "28 December 2026 to 3 January 2027"),
        (date(2027, 1, 1), "2026-W53", "28 December 2026 to 3 January 2027"),
        (date(2027, 1, 4), "2027-W01", "4 to 10 January 2027"),
        (date(2024, 12, 30), "2025-W01", "30 December 2024 to 5 January 2025"),
        (date(2026, 12, 1), "2026-W49", "30 November to 6 December 2026"),
    ],
)
def test_a_day_is_in_its_iso_week(day: date, label: str, says: str) -> None:
    week = Week.of(day)
    assert (week.label, week.says) == (label, says)
    assert Week.parse(label) == week and week.monday <= day <= week.sunday
    assert week.next.previous == week and week.next.monday == week.monday + timedelta(days=7)


@pytest.mark.parametrize("text", ["", "2026-47", "2026-W7", "W47", "1999-W01", "2026-W00", "2026W47", "x"])
def test_what_is_no_week_is_refused_in_words(text: str) -> None:
    with pytest.raises(Refused) as told:
        Week.parse(text)
    assert told.value.reasons["week"]


def test_a_week_that_the_year_has_not() -> None:
    with pytest.raises(Refused) as told:
        Week.parse("2027-W53")
    assert told.value.reasons["week"] == "2027 has the weeks 01 to 52."
    assert Week.parse("2026-W53").label == "2026-W53"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("label", "zone", "start", "end", "hours"),
    [
        ("2026-W12", "America/Denver", "2026-03-16T06:00", "2026-03-23T06:00", 168),
        ("2026-W10", "America/Denver", "2026-03-02T07:00", "2026-03-09T06:00", 167),  # spring
        ("2026-W44", "America/Denver", "2026-10-26T06:00", "2026-11-02T07:00", 169),  # autumn
        ("2026-W40", "Australia/Lord_Howe", "2026-09-27T13:30", "2026-10-04T13:00", 167.5),
        ("2026-W14", "Australia/Lord_Howe", "2026-03-29T13:00", "2026-04-05T13:30", 168.5),
        ("2026-W47", "Asia/Kathmandu", "2026-11-15T18:15", "2026-11-22T18:15", 168),
        ("2026-W47", "Pacific/Honolulu", "2026-11-16T10:00", "2026-11-23T10:00", 168),
    ],
)
def test_a_week_goes_from_midnight_to_midnight(
    label: str, zone: str, start: str, end: str, hours: float
) -> None:
    found = bounds(Week.parse(label), ZoneInfo(zone))
    assert found == (utc(start), utc(end))
    assert (found[1] - found[0]) / timedelta(hours=1) == hours


@pytest.mark.parametrize(
    ("label", "zone", "day", "hour", "due"),
    [
        ("2026-W47", "America/Denver", 0, 7, "2026-11-23T14:00"),
        ("2026-W47", "America/Denver", 4, 7, "2026-11-27T14:00"),
        ("2026-W47", "America/Denver", 0, 0, "2026-11-23T07:05"),  # not before the grace is over
        ("2026-W47", "America/Denver", 0, 1, "2026-11-23T08:00"),
        ("2026-W09", "America/Denver", 6, 2, "2026-03-08T09:00"),  # there is no 2 am: 3 am
        ("2026-W43", "America/Denver", 6, 1, "2026-11-01T07:00"),  # 1 am twice: the first
        ("2026-W39", "Australia/Lord_Howe", 6, 2, "2026-10-03T15:30"),  # 2:00 to 2:30 is left out
        ("2026-W13", "Europe/Zurich", 0, 7, "2026-03-30T05:00"),
    ],
)
def test_when_a_digest_is_due(label: str, zone: str, day: int, hour: int, due: str) -> None:
    assert due_at(Week.parse(label), ZoneInfo(zone), day, hour) == utc(due)


def test_grace_is_minutes() -> None:
    assert timedelta(0) < GRACE <= timedelta(minutes=10)
