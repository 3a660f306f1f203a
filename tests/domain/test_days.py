"""Whose day it is: the zone, the day's own end, and the nights on which clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.domain.days import day_of, instant_of, may_fill

DENVER = ZoneInfo("America/Denver")
EARLIEST, LATEST = datetime(2001, 1, 1), datetime(2037, 1, 1)  # noqa: DTZ001 - Hypothesis wants naive bounds
SPRING, AUTUMN = date(2026, 3, 8), date(2026, 11, 1)


@pytest.mark.parametrize(
    ("utc", "ends", "day"),
    [
        ("2026-11-22T06:59:00", 0, date(2026, 11, 21)),  # 11:59 pm
        ("2026-11-22T07:00:00", 0, date(2026, 11, 22)),  # midnight
        ("2026-11-22T09:59:59", 3, date(2026, 11, 21)),  # 2:59 am, the day ends at 3
        ("2026-11-22T10:00:00", 3, date(2026, 11, 22)),
        ("2026-03-08T08:59:00", 3, date(2026, 3, 7)),  # 1:59 am, then the clocks go to 3
        ("2026-03-08T09:00:00", 3, date(2026, 3, 8)),  # 3:00 am
        ("2026-11-01T07:30:00", 2, date(2026, 10, 31)),  # 1:30 am for the first time
        ("2026-11-01T08:30:00", 2, date(2026, 10, 31)),  # 1:30 am for the second time
        ("2026-11-01T09:00:00", 2, date(2026, 11, 1)),
    ],
)
def test_the_day_of_an_instant(utc: str, ends: int, day: date) -> None:
    assert day_of(datetime.fromisoformat(utc).replace(tzinfo=UTC), DENVER, ends) == day


@given(
    zone=st.sampled_from(sorted(available_timezones())),
    start=st.datetimes(min_value=EARLIEST, max_value=LATEST),
    ends=st.integers(0, 6),
)
def test_days_go_on_one_by_one_in_every_zone(zone: str, start: datetime, ends: int) -> None:
    """Hour by hour over three days, no day comes back, and none is left out but by a zone that left one out itself."""
    where, instant = ZoneInfo(zone), start.replace(tzinfo=UTC)
    seen = [day_of(instant + timedelta(hours=h), where, ends) for h in range(72)]
    for before, after in pairwise(seen):
        assert after >= before or _clock_went_back(where, instant, ends)
        assert (after - before).days <= 1 or zone in (
            "Pacific/Apia",
            "Pacific/Fakaofo",
            "Pacific/Enderbury",
            "Pacific/Kanton",
        )


def _clock_went_back(where: ZoneInfo, instant: datetime, ends: int) -> bool:
    offsets = {(instant + timedelta(hours=h)).astimezone(where).utcoffset() for h in range(73)}
    return len(offsets) > 1


@pytest.mark.parametrize(
    ("day", "at", "utc"),
    [
        (SPRING, time(1, 59), "2026-03-08T08:59:00"),
        (
            SPRING,
            time(2, 30),
            "2026-03-08T09:30:00",
        ),  # left out that night: read as if the clocks had not changed
        (SPRING, time(3, 0), "2026-03-08T09:00:00"),
        (AUTUMN, time(1, 30), "2026-11-01T07:30:00"),  # twice that night: the first
        (AUTUMN, time(2, 0), "2026-11-01T09:00:00"),
    ],
)
def test_wall_clock_to_instant(day: date, at: time, utc: str) -> None:
    assert instant_of(day, at, DENVER) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(("back", "may"), [(-1, False), (0, True), (1, True), (14, True), (15, False)])
def test_fourteen_days_can_be_filled_in(back: int, may: bool) -> None:
    today = date(2026, 11, 22)
    assert may_fill(today - timedelta(days=back), today) is may
