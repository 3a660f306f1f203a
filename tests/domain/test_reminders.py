"""When a reminder comes: at the patient's hour, wherever they are, whatever the clocks do, and never twice a day."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.domain.days import day_of
from journal.domain.reminders import DENSE_DAYS, EVERY, LATE, decide, due_on, has_turn, next_due, next_look

ZURICH, DENVER = ZoneInfo("Europe/Zurich"), ZoneInfo("America/Denver")
ZONES = {
    name.rpartition("/")[2]: ZoneInfo(name)
    for name in (
        "Europe/Zurich",
        "America/Denver",
        "Asia/Kathmandu",
        "Pacific/Honolulu",
        "Pacific/Auckland",
        "Australia/Lord_Howe",
        "America/Havana",  # its clocks change at midnight
    )
}
TODAY = date(2026, 12, 20)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "at"),
    [
        ("Zurich", "2026-12-20 19:00"),
        ("Denver", "2026-12-21 03:00"),
        ("Kathmandu", "2026-12-20 14:15"),
        ("Honolulu", "2026-12-21 06:00"),
        ("Auckland", "2026-12-20 07:00"),
        ("Lord_Howe", "2026-12-20 09:00"),
    ],
)
def test_eight_in_the_evening_where_they_are(zone: str, at: str) -> None:
    assert due_on(TODAY, ZONES[zone], 20, 0) == utc(at)
    assert next_look(utc(at) - timedelta(minutes=1), ZONES[zone], 20, 0) == utc(at)
    assert next_look(utc(at), ZONES[zone], 20, 0) == utc(at) + timedelta(days=1)


@pytest.mark.parametrize(
    ("zone", "day", "hour", "ends", "at", "why"),
    [
        ("Zurich", "2027-03-28", 2, 0, "2027-03-28 01:00", "left out in spring: with the hour after it"),
        ("Zurich", "2026-10-25", 2, 0, "2026-10-25 00:00", "twice in autumn: the first of the two"),
        ("Zurich", "2027-03-28", 20, 0, "2027-03-28 18:00", "the evening after: by the new clock"),
        ("Denver", "2027-03-14", 2, 0, "2027-03-14 09:00", "left out in spring"),
        ("Denver", "2026-11-01", 1, 0, "2026-11-01 07:00", "twice in autumn"),
        ("Lord_Howe", "2026-10-04", 2, 0, "2026-10-03 15:30", "half an hour is left out"),
        ("Lord_Howe", "2027-04-04", 1, 0, "2027-04-03 14:00", "half of it comes twice"),
        ("Auckland", "2026-09-27", 2, 0, "2026-09-26 14:00", "left out in September"),
        ("Auckland", "2027-04-04", 2, 0, "2027-04-03 13:00", "twice in April"),
        ("Denver", "2026-12-20", 1, 3, "2026-12-21 08:00", "1 am belongs to the day that lasts until 3"),
        ("Denver", "2026-12-20", 3, 3, "2026-12-20 10:00", "at 3 the day begins"),
        ("Denver", "2026-12-20", 23, 3, "2026-12-21 06:00", "before midnight as ever"),
        ("Denver", "2027-03-13", 2, 3, "2027-03-14 08:00", "left out, and at 3 the day is over: at 1"),
        ("Denver", "2026-10-31", 1, 2, "2026-11-01 07:00", "the first 1 am, the day still lasts"),
        ("Havana", "2027-03-14", 0, 0, "2027-03-14 05:00", "midnight is left out"),
        (
            "Havana",
            "2027-03-13",
            0,
            1,
            "2027-03-14 04:00",
            "midnight left out, and over at 1: an hour before",
        ),
        ("Havana", "2026-11-01", 0, 0, "2026-11-01 04:00", "midnight twice"),
    ],
)
def test_nights_on_which_the_clocks_change(
    zone: str, day: str, hour: int, ends: int, at: str, why: str
) -> None:
    found = due_on(date.fromisoformat(day), ZONES[zone], hour, ends)
    assert found == utc(at), why
    assert day_of(found, ZONES[zone], ends) == date.fromisoformat(day), why


@given(
    zone=st.sampled_from(sorted(ZONES)),
    hour=st.integers(0, 23),
    ends=st.integers(0, 6),
    minutes=st.integers(0, 700 * 24 * 60),
)
def test_each_day_has_one_and_its_own(zone: str, hour: int, ends: int, minutes: int) -> None:
    """Through any fortnight, changes of the clocks included."""
    at, days = utc("2026-01-01 00:00") + timedelta(minutes=minutes), []
    for _ in range(14):
        later = next_look(at, ZONES[zone], hour, ends)
        assert later > at
        at = later
        days.append(day_of(at, ZONES[zone], ends))
    assert days == [days[0] + timedelta(days=n) for n in range(14)]


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("cadence", "last", "infusion", "expected", "why"),
    [
        ("daily", None, None, True, "the first"),
        ("weekly", None, None, True, "the first"),
        ("daily", 0, None, False, "today had one"),
        ("daily", 1, None, True, "yesterday had one"),
        ("some-days", 2, None, False, "too early"),
        ("some-days", 3, None, True, "the third day"),
        ("weekly", 6, None, False, "too early"),
        ("weekly", 7, None, True, "a week later"),
        ("weekly", 40, None, True, "long ago"),
        ("weekly", 1, 0, False, "the day of the infusion itself is to rest"),
        ("weekly", 1, 1, True, "the day after an infusion"),
        ("weekly", 1, 7, True, "the seventh day after"),
        ("weekly", 1, 8, False, "the week is over"),
        ("weekly", 0, 3, False, "never twice a day, also then"),
        ("daily", -1, 3, False, "flown back over the date line"),
        ("weekly", 1, -2, False, "an infusion that is still to come"),
    ],
)
def test_which_days_have_their_turn(
    cadence: str, last: int | None, infusion: int | None, expected: bool, why: str
) -> None:
    last_on = None if last is None else TODAY - last * DAY
    given_on = [] if infusion is None else [TODAY - infusion * DAY]
    assert has_turn(TODAY, cadence, last_on, given_on) is expected, why


def next_days(cadence: str, infusions: list[date], count: int, hour: int = 20) -> list[date]:
    """The local days of the next reminders, if none is logged."""
    at, last, found = utc("2026-12-20 10:00"), None, []
    for _ in range(count):
        at = next_due(at, ZURICH, hour, cadence, last, infusions, 0)
        last = day_of(at, ZURICH, 0)
        found.append(last)
    return found


def test_denser_in_the_week_after_an_infusion() -> None:
    days = next_days("weekly", [date(2026, 12, 22)], 10)
    assert [day.day for day in days] == [20, 23, 24, 25, 26, 27, 28, 29, 5, 12]
    assert [day.day for day in next_days("some-days", [], 4)] == [20, 23, 26, 29]
    assert [day.day for day in next_days("daily", [], 3)] == [20, 21, 22]


NOW = utc("2026-12-20 19:00")


def verdict(now: datetime = NOW, cadence: str = "daily", **more: object) -> str:
    values: dict[str, object] = {"last_turn_on": None, "logged_days": (), "infusion_days": (), **more}
    return decide(NOW, now, ZURICH, 0, cadence, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("minutes", "expected"), [(0, "send"), (179, "send"), (180, "send"), (181, "late"), (24 * 60, "late")]
)
def test_too_late_is_left_out(minutes: int, expected: str) -> None:
    assert timedelta(minutes=180) == LATE
    assert verdict(NOW + timedelta(minutes=minutes)) == expected


def test_too_late_when_the_day_is_over() -> None:
    due_at = utc("2026-12-20 22:30")
    late = decide(due_at, due_at + timedelta(minutes=31), ZURICH, 0, "daily", None, (), ())
    in_time = decide(due_at, due_at + timedelta(minutes=31), ZURICH, 3, "daily", None, (), ())
    assert (late, in_time) == ("late", "send")


def test_a_logged_day_needs_none() -> None:
    assert verdict(logged_days={TODAY}) == "logged"
    assert verdict(logged_days={TODAY - DAY}) == "send"
    assert verdict(cadence="weekly", last_turn_on=TODAY - DAY) == "rest"
    assert verdict(cadence="weekly", last_turn_on=TODAY - DAY, infusion_days={TODAY - DAY}) == "send"


def test_the_own_choices_are_these() -> None:
    assert dict(EVERY) == {"daily": 1, "some-days": 3, "weekly": 7}
    assert DENSE_DAYS == 7
