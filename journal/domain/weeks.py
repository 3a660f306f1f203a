"""Weeks as digests count them: Monday to Sunday, numbered as ISO 8601 does, and when each one's digest is due."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from journal.domain.days import instant_of
from journal.domain.errors import Refused

GRACE = timedelta(minutes=5)
"""Own choice: no digest is made sooner after its week, so that what is being saved at midnight is counted."""
WEEK = timedelta(days=7)
LABEL = re.compile(r"(\d{4})-W(\d{2})")
WRONG = "Write a week as year and number, such as 2026-W47."


@dataclass(frozen=True, slots=True, order=True)
class Week:
    """An ISO week. The first one of a year is that of its first Thursday, so 1 January 2027 is in 2026-W53."""

    year: int
    number: int

    @classmethod
    def of(cls, day: date) -> Self:
        year, number, _weekday = day.isocalendar()
        return cls(year, number)

    @classmethod
    def parse(cls, text: str) -> Self:
        """From 2026-W47. Raises Refused for anything else, and for a week that the year doesn't have."""
        found = LABEL.fullmatch(text.strip())
        if found is None or not 2000 <= int(found[1]) <= 2100:
            raise Refused({"week": WRONG})
        year, number = int(found[1]), int(found[2])
        try:
            return cls.of(date.fromisocalendar(year, number, 1))
        except ValueError:
            last = cls.of(date(year, 12, 28)).number
            raise Refused({"week": f"{year} has the weeks 01 to {last}."}) from None

    @property
    def label(self) -> str:
        return f"{self.year}-W{self.number:02}"

    @property
    def monday(self) -> date:
        return date.fromisocalendar(self.year, self.number, 1)

    @property
    def sunday(self) -> date:
        return self.monday + timedelta(days=6)

    @property
    def next(self) -> Self:
        return type(self).of(self.monday + WEEK)

    @property
    def previous(self) -> Self:
        return type(self).of(self.monday - WEEK)

    @property
    def says(self) -> str:
        """16 to 22 November 2026"""
        first, last = self.monday, self.sunday
        if first.year != last.year:
            return f"{first.day} {first:%B} {first.year} to {last.day} {last:%B} {last.year}"
        if first.month != last.month:
            return f"{first.day} {first:%B} to {last.day} {last:%B} {last.year}"
        return f"{first.day} to {last.day} {last:%B} {last.year}"


def bounds(week: Week, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The instants from the week's first one (included) to the next week's (not included), where the clinic is."""
    return instant_of(week.monday, time(0), zone), instant_of(week.next.monday, time(0), zone)


def due_at(week: Week, zone: ZoneInfo, digest_day: int, digest_hour: int) -> datetime:
    """The first such weekday (0 is Monday) and hour after the week. An hour that a spring night leaves out is the
    instant at which the clocks change; one that an autumn night has twice, the first of the two."""
    _start, end = bounds(week, zone)
    wished = instant_of(week.next.monday + timedelta(days=digest_day), time(digest_hour), zone)
    return max(wished, end + GRACE)
