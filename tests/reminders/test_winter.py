"""Six people in six zones, and the clock driven through weeks: over the new year, and over the nights on which clocks
change. Each gets reminders at exactly the right times on the own wall."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from journal.domain.days import day_of
from journal.kit.db import Database
from journal.reminders import queries, service
from journal.reminders.tasks import send_due
from tests.cast import Cast
from tests.reminders.people import Reminded, asked_for, deliver, settle_in

pytestmark = pytest.mark.long
STEP = timedelta(minutes=15)
Happening = tuple[str, Callable[[], object]]


def drive(
    database: Database,
    session: Session,
    clock: Any,
    first: datetime,
    last: datetime,
    happening: list[Happening],
) -> None:
    """A tick every quarter of an hour; what happens at an instant happens before its tick."""
    waiting = sorted(((datetime.fromisoformat(at), do) for at, do in happening), key=lambda one: one[0])
    now = first
    while now <= last:
        clock.move_to(now)
        while waiting and waiting[0][0] <= now:
            waiting.pop(0)[1]()
            session.commit()
        send_due(database, now)
        now += STEP
    assert not waiting


def walls(session: Session, who: Reminded) -> list[str]:
    """When this person was reminded, by the own clock."""
    return [
        f"{at.astimezone(who.zone):%m-%d %H:%M}"
        for whose, at in asked_for(session)
        if whose == who.account_id
    ]


def days(first: str, last: str, at: str, *without: str) -> list[str]:
    """The same time on every day from first to last, some left out."""
    day, end = date.fromisoformat(first), date.fromisoformat(last)
    found = []
    while day <= end:
        if f"{day:%m-%d}" not in without:
            found.append(f"{day:%m-%d} {at}")
        day += timedelta(days=1)
    return found


@pytest.fixture
def people(app: Flask, cast: Cast, session: Session, clock: Any) -> dict[str, Reminded]:
    start = datetime(2026, 12, 19, 0, 0, tzinfo=UTC)
    clock.move_to(start)
    found = {
        name: settle_in(session, f"{name}@example.org", zone, start, ends)
        for name, zone, ends in (
            ("zurich", "Europe/Zurich", 0),
            ("albuquerque", "America/Denver", 0),
            ("kathmandu", "Asia/Kathmandu", 0),
            ("honolulu", "Pacific/Honolulu", 0),
            ("auckland", "Pacific/Auckland", 3),
            ("lord-howe", "Australia/Lord_Howe", 0),
        )
    }
    session.commit()
    return found


def test_over_the_new_year(
    people: dict[str, Reminded], app: Flask, database: Database, session: Session, clock: Any
) -> None:
    wishes = {
        "zurich": (20, "daily"),
        "albuquerque": (20, "weekly"),
        "kathmandu": (7, "some-days"),
        "honolulu": (23, "daily"),
        "auckland": (1, "daily"),
        "lord-howe": (0, "daily"),
    }
    for name, (hour, cadence) in wishes.items():
        one = people[name]
        at_home = datetime(2026, 12, 20, 0, 0, tzinfo=one.zone) - timedelta(minutes=1)
        one.wish(session, at_home, hour, cadence)
    session.commit()
    token = queries.pause_token(session, people["lord-howe"].account_id)

    def log(name: str, day: str, at: str) -> Happening:
        return at, lambda: people[name].log(session, date.fromisoformat(day), datetime.fromisoformat(at))

    happening: list[Happening] = [
        log("zurich", "2026-12-24", "2026-12-24T10:00+01:00"),
        log("zurich", "2026-12-31", "2026-12-31T19:45+01:00"),
        log("zurich", "2027-01-01", "2027-01-01T20:15+01:00"),  # after the reminder
        (
            "2026-12-28T15:00-07:00",
            lambda: people["albuquerque"].infuse(session, date(2026, 12, 28), datetime.now(UTC)),
        ),
        log("albuquerque", "2026-12-30", "2026-12-30T09:00-07:00"),
        log("kathmandu", "2027-01-01", "2027-01-01T06:00+05:45"),
        log("auckland", "2026-12-25", "2026-12-26T00:30+13:00"),  # still the 25th: the day ends at three
        (
            "2026-12-26T12:00+11:00",
            lambda: service.unsubscribe(session, token, datetime.now(UTC)),
        ),
        (
            "2027-01-02T12:00+11:00",
            lambda: service.resume(
                session, people["lord-howe"].viewer, people["lord-howe"].zone, 0, datetime.now(UTC)
            ),
        ),
    ]
    first, last = datetime(2026, 12, 19, 6, 0, tzinfo=UTC), datetime(2027, 1, 12, 23, 45, tzinfo=UTC)
    drive(database, session, clock, first, last, happening)

    assert walls(session, people["zurich"]) == days("2026-12-20", "2027-01-12", "20:00", "12-24", "12-31")
    assert walls(session, people["albuquerque"]) == [
        "12-20 20:00",
        "12-27 20:00",
        *days("2026-12-29", "2027-01-04", "20:00", "12-30"),  # the week after the infusion of the 28th
        "01-11 20:00",
    ]
    assert walls(session, people["kathmandu"]) == [
        f"{day} 07:00" for day in ("12-20", "12-23", "12-26", "12-29", "01-04", "01-07", "01-10")
    ]  # the 1st of January was logged before seven
    assert walls(session, people["honolulu"]) == days("2026-12-20", "2027-01-11", "23:00")
    assert walls(session, people["auckland"]) == days("2026-12-20", "2027-01-13", "01:00", "12-26")
    assert walls(session, people["lord-howe"]) == [
        *days("2026-12-20", "2026-12-26", "00:00"),
        *days("2027-01-03", "2027-01-13", "00:00"),
    ]


@pytest.mark.parametrize(
    ("start", "end"),
    [("2026-09-24", "2026-11-04"), ("2027-03-10", "2027-04-08")],
    ids=["September to November", "March and April"],
)
@pytest.mark.parametrize("hour", [1, 2])
def test_over_the_nights_on_which_clocks_change(
    people: dict[str, Reminded],
    database: Database,
    session: Session,
    clock: Any,
    start: str,
    end: str,
    hour: int,
) -> None:
    """Asked for at one or two at night, the hours that are left out or come twice: one on each of the person's days,
    whose day may end at three."""
    first, last = (datetime.fromisoformat(f"{day}T00:00+00:00") for day in (start, end))
    for one in people.values():
        one.wish(session, first, hour)
    session.commit()
    for now in quarters_at_night(people, first, last, hour):
        clock.move_to(now)
        send_due(database, now)
    for one in people.values():
        sent = [at for whose, at in asked_for(session) if whose == one.account_id]
        told = [day_of(at, one.zone, one.day_ends_hour) for at in sent]
        assert told == [told[0] + timedelta(days=n) for n in range(len(told))], one.zone.key
        assert (told[0] - first.date()).days <= 1 and (last.date() - told[-1]).days <= 1
        odd = {f"{at.astimezone(one.zone):%H:%M}" for at in sent} - {f"{hour:02}:00"}
        assert odd <= {"01:00", "03:00", "02:30"}, one.zone.key
        assert sum(at.astimezone(one.zone).time() != time(hour) for at in sent) <= 1


def quarters_at_night(
    people: dict[str, Reminded], first: datetime, last: datetime, hour: int
) -> Iterator[datetime]:
    """The quarters of an hour at which it is night for one of them: at noon nothing is due."""
    now = first
    while now <= last:
        if any(hour - 1 <= now.astimezone(one.zone).hour <= hour + 2 for one in people.values()):
            yield now
        now += STEP


def test_the_mails_are_dated_so(
    people: dict[str, Reminded], app: Flask, database: Database, session: Session, clock: Any
) -> None:
    zurich = people["zurich"]
    zurich.wish(session, datetime(2026, 12, 19, tzinfo=UTC))
    session.commit()
    for day in (19, 20):
        now = datetime(2026, 12, day, 19, 1, tzinfo=UTC)
        assert send_due(database, now) == 1
        [mail] = deliver(app, database, now)
        assert mail["Date"].datetime == now
