"""The day after an infusion: big choices are asked about twice, since they may look different tomorrow."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from journal.domain.days import instant_of
from journal.domain.infusion import Held

PAUSE = timedelta(hours=24)
"""Own choice, from clinics' advice not to make big choices for 24 hours (docs/clinical.md). Never a block."""


@dataclass(frozen=True, slots=True)
class Recent:
    """An infusion that was not long ago. `hours` since its end (0 while it may still be going on) and `until`, when the
    day is over; both None where no start was logged."""

    hours: int | None
    until: datetime | None


def find_recent(infusions: Iterable[Held], now: datetime) -> Recent | None:
    """The last infusion, if it ended less than 24 hours ago; where no start was logged, if it was today or
    yesterday."""
    found = [recent for held in infusions if (recent := _recent(held, now)) is not None]
    return max(found, key=lambda one: (one.until is not None, one.until or now), default=None)


def _recent(held: Held, now: datetime) -> Recent | None:
    end, begin = held.ends_at, held.infusion.starts_at(held.day, held.zone)
    if end is None or begin is None:
        first = instant_of(held.day, time(0), held.zone)
        after = instant_of(held.day + timedelta(days=2), time(0), held.zone)
        return Recent(None, None) if first <= now < after else None
    if not begin <= now < end + PAUSE:
        return None
    return Recent(max(0, int((now - end) / timedelta(hours=1))), end + PAUSE)
