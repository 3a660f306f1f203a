"""Quiet hours: when nothing may light up a phone. Read off the wall clock where the patient is, so that a night on which
the clocks change is as quiet as any other."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from journal.domain.days import instant_of
from journal.domain.errors import Refused


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one hour (0-23) until another, over midnight where the second comes first. The same twice: none are quiet.
    What they begin with is own choice."""

    from_hour: int = 22
    until_hour: int = 8

    def check(self) -> None:
        """Raises Refused, with a reason for each hour that is none."""
        hours = {"quiet_from": self.from_hour, "quiet_until": self.until_hour}
        wrong = {name: "Choose a time from the list." for name, hour in hours.items() if not 0 <= hour <= 23}
        if wrong:
            raise Refused(wrong)

    def are_quiet(self, hour: int) -> bool:
        """Whether an hour of the wall clock is among them."""
        if self.from_hour <= self.until_hour:
            return self.from_hour <= hour < self.until_hour
        return hour >= self.from_hour or hour < self.until_hour

    def is_quiet(self, at: datetime, zone: ZoneInfo) -> bool:
        return self.are_quiet(at.astimezone(zone).hour)

    def begin_after(self, at: datetime, zone: ZoneInfo) -> datetime | None:
        """The instant at which they begin next; None where there are none."""
        if self.from_hour == self.until_hour:
            return None
        today = at.astimezone(zone).date()
        begins = (instant_of(today + timedelta(days=n), time(self.from_hour), zone) for n in range(3))
        return next(one for one in begins if one > at)
