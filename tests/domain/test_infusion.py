"""Infusions: hours counted from the end, across changing clocks."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from journal.domain.infusion import Infusion, Plan, is_hazy, may_be_light_shy, no_driving

DENVER = ZoneInfo("America/Denver")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=DENVER).astimezone(UTC)


INFUSION = Infusion(number=1, started=time(10, 40), minutes=40)
DAY = date(2026, 11, 19)


@pytest.mark.parametrize(
    ("now", "left"),
    [
        ("2026-11-19T10:39:59", None),
        ("2026-11-19T10:40:00", timedelta(hours=24, minutes=40)),
        ("2026-11-19T16:40:00", timedelta(hours=18, minutes=40)),
        ("2026-11-20T11:19:59", timedelta(seconds=1)),
        ("2026-11-20T11:20:00", None),
    ],
)
def test_no_driving_for_24_hours_after_the_end(now: str, left: timedelta | None) -> None:
    notice = no_driving(INFUSION, DAY, DENVER, at(now))
    assert (notice.left if notice else None) == left


@pytest.mark.parametrize(
    ("day", "deadline"),
    [(date(2026, 10, 31), "2026-11-01T10:20:00"), (date(2026, 3, 7), "2026-03-08T12:20:00")],
)
def test_24_hours_are_24_hours_on_nights_when_clocks_change(day: date, deadline: str) -> None:
    notice = no_driving(INFUSION, day, DENVER, at(f"{day}T12:00:00"))
    assert notice is not None
    assert notice.until == at(deadline)


def test_without_a_start_it_holds_all_of_the_next_day() -> None:
    unknown = Infusion(number=1)
    assert no_driving(unknown, DAY, DENVER, at("2026-11-20T23:59:00")) is not None
    assert no_driving(unknown, DAY, DENVER, at("2026-11-21T00:00:00")) is None


@pytest.mark.parametrize(("hours", "hazy"), [(0, True), (5.99, True), (6, False), (30, False)])
def test_the_first_six_hours_are_marked(hours: float, hazy: bool) -> None:
    assert is_hazy(INFUSION, DAY, DENVER, at("2026-11-19T11:20:00") + timedelta(hours=hours)) is hazy


@pytest.mark.parametrize(
    ("now", "offered"),
    [
        ("2026-11-19T10:39:59", False),
        ("2026-11-19T10:40:00", True),
        ("2026-11-20T11:19:59", True),
        ("2026-11-20T11:20:00", False),
    ],
)
def test_low_light_is_offered_for_24_hours_after_the_end(now: str, offered: bool) -> None:
    assert may_be_light_shy(INFUSION, DAY, DENVER, at(now)) is offered


@pytest.mark.parametrize(
    ("now", "offered"),
    [
        ("2026-11-18T23:59:59", False),
        ("2026-11-19T00:00:00", True),
        ("2026-11-20T11:59:59", True),
        ("2026-11-20T12:00:00", False),
    ],
)
def test_an_infusion_without_a_start_counts_as_one_at_noon(now: str, offered: bool) -> None:
    assert may_be_light_shy(Infusion(number=1), DAY, DENVER, at(now)) is offered


def test_the_template_is_six_in_14_to_21_days() -> None:
    plan = Plan.six_from(DAY)
    assert len(plan.days) == 6
    assert 14 <= (plan.days[-1] - plan.days[0]).days <= 21


def test_the_next_planned_day_skips_what_was_given() -> None:
    plan = Plan((DAY, DAY + timedelta(days=3), DAY + timedelta(days=7)))
    assert plan.next_after(DAY, [DAY]) == DAY + timedelta(days=3)
    assert plan.next_after(DAY + timedelta(days=8), []) is None
