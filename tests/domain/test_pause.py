"""The day after an infusion: when a big choice is asked about twice."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from journal.domain.infusion import Held, Infusion
from journal.domain.pause import Recent, find_recent

DENVER = ZoneInfo("America/Denver")
DAY = date(2026, 11, 20)
END = datetime(2026, 11, 20, 18, 20, tzinfo=UTC)
"""10:40 in Denver and forty minutes more."""


def held(started: time | None = time(10, 40), day: date = DAY) -> Held:
    return Held(uuid4(), day, DENVER, END, Infusion(started=started), 1)


@pytest.mark.parametrize(
    ("since_end", "hours"),
    [
        (timedelta(minutes=-41), None),  # not begun yet
        (timedelta(minutes=-40), 0),  # it begins
        (timedelta(minutes=59), 0),
        (timedelta(hours=1), 1),
        (timedelta(hours=24, seconds=-1), 23),
        (timedelta(hours=24), None),
    ],
)
def test_a_day_from_the_end(since_end: timedelta, hours: int | None) -> None:
    found = find_recent([held()], END + since_end)
    assert found == (None if hours is None else Recent(hours, END + timedelta(hours=24)))


@pytest.mark.parametrize(
    ("at", "is_recent"),
    [
        (datetime(2026, 11, 19, 23, 59, tzinfo=DENVER), False),
        (datetime(2026, 11, 20, 0, 0, tzinfo=DENVER), True),
        (datetime(2026, 11, 21, 23, 59, tzinfo=DENVER), True),
        (datetime(2026, 11, 22, 0, 0, tzinfo=DENVER), False),
    ],
)
def test_without_a_start_today_and_tomorrow(at: datetime, is_recent: bool) -> None:
    assert (find_recent([held(None)], at) is not None) is is_recent


def test_of_several_the_one_that_lasts_longest_and_knows_its_hours() -> None:
    now = END + timedelta(hours=2)
    found = find_recent([held(None), held(), held(time(8))], now)
    assert found == Recent(2, END + timedelta(hours=24))
    assert find_recent([], now) is None
