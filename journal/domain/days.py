"""Whose day it is: the patient's zone, and the hour at which the patient's own day ends."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LATE_DAYS = 14
"""How many past days can still be filled in (product decision)."""
LATEST_DAY_END = 6
"""A day may end at midnight (0) up to 6 in the morning (own choice)."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When and where something is logged: the instant at which it is kept, the patient's day and zone as it was made,
    and a device's short name. `made`: when it was made, where that was earlier, on a phone without signal."""

    now: datetime
    today: date
    zone: ZoneInfo
    device: str = ""
    made: datetime | None = None

    @property
    def captured_at(self) -> datetime:
        return self.made or self.now


def find_zone(name: str) -> ZoneInfo | None:
    """The zone of that name, or None."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def day_of(instant: datetime, zone: ZoneInfo, day_ends_hour: int) -> date:
    """The patient's day at an aware instant. Hours are read off the wall clock, so a night on which the clocks
    change is neither skipped nor doubled."""
    local = instant.astimezone(zone)
    return local.date() - timedelta(days=1) if local.hour < day_ends_hour else local.date()


def may_fill(day: date, today: date) -> bool:
    """Today and the 14 days before it."""
    return today - timedelta(days=LATE_DAYS) <= day <= today


def instant_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The UTC instant of a wall-clock time. A time that a spring night leaves out is read as if the clocks had not
    changed yet; one that an autumn night has twice is the first of the two."""
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def days_between(first: date, last: date) -> list[date]:
    """Every day from first to last, both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
