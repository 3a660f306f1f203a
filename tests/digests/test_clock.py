"""The clock driven over the turn of the year and over both nights on which clocks change, wherever the clinic is: each
week once, each entry in exactly the digest of the week in which it came in."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update
from time_machine import travel

from journal.clinics.models import Clinic
from journal.digests import queries, service, tasks
from journal.domain.access import Viewer
from journal.domain.days import day_of, instant_of
from journal.domain.weeks import Week, bounds
from journal.kit import clock
from journal.kit.db import Database
from tests.digests import stage

pytestmark = pytest.mark.long
ZONES = (
    "Europe/Zurich",
    "America/Denver",
    "Asia/Kathmandu",
    "Pacific/Honolulu",
    "Pacific/Auckland",
    "Australia/Lord_Howe",
)
TICK = timedelta(minutes=15)
NEW_YEAR = (datetime(2026, 12, 20, tzinfo=UTC), datetime(2027, 1, 12, tzinfo=UTC))
NIGHTS = {
    # around the night on which the clocks change, in 2026/27; nothing changes in Kathmandu and Honolulu
    "Europe/Zurich": (date(2026, 10, 25), date(2027, 3, 28)),
    "America/Denver": (date(2026, 11, 1), date(2027, 3, 14)),
    "Pacific/Auckland": (date(2026, 9, 27), date(2027, 4, 4)),
    "Australia/Lord_Howe": (date(2026, 10, 4), date(2027, 4, 4)),
}


class Run:
    """One clinic and one patient there; entries that come in at awkward instants; the clock in steps."""

    def __init__(self, database: Database, zone: str, since: datetime, ends: int = 3) -> None:
        self.database, self.zone = database, ZoneInfo(zone)
        self.saves: list[datetime] = []
        self.ends = ends
        with database.writing() as session:
            self.clinic = stage.a_clinic(session, since, zone=zone, hour=7)
            stage.hire(session, self.clinic, f"{zone}@example.org".replace("/", "."), "clinician", now=since)
            email = f"p.{zone}@example.org".replace("/", ".")
            self.viewer: Viewer = stage.a_patient(session, email, since, zone, ends)
            stage.follow(session, self.clinic, self.viewer, "Pat", since)
            session.commit()

    def save(self, at: datetime, *, late_days: int = 0) -> None:
        """Something comes in at this instant, perhaps about a day long ago."""
        with self.database.writing() as session:
            day = day_of(at, self.zone, self.ends) - timedelta(days=late_days)
            stage.log(session, self.viewer, at, day=day, zone=self.zone.key)
            session.commit()
        self.saves.append(at)

    def awkward(self, monday: date) -> list[tuple[datetime, int]]:
        """Round the midnight before a Monday: the last second, the first one, the patient's own day's end at three;
        and what was synced weeks late."""
        midnight = instant_of(monday, time(0), self.zone)
        second = timedelta(seconds=1)
        return [
            (midnight - second, 0),
            (midnight, 0),
            (midnight + timedelta(hours=2, minutes=59, seconds=59), 0),
            (midnight + timedelta(hours=3), 0),
            (midnight + timedelta(days=2, hours=12), 40),
        ]

    def drive(
        self,
        since: datetime,
        until: datetime,
        *,
        down: tuple[datetime, datetime] | None = None,
        then: dict[datetime, Callable[[], Any]] | None = None,
    ) -> list[tuple[datetime, str]]:
        """Tick by tick; gives when each digest was made."""
        waiting = sorted(
            {
                one
                for weeks in range(-1, (until - since) // timedelta(days=7) + 2)
                for one in self.awkward(Week.of(since.date()).monday + timedelta(days=7 * weeks))
            }
        )
        waiting = [one for one in waiting if since <= one[0] < until]
        acts = sorted((then or {}).items(), key=lambda one: one[0])
        made: list[tuple[datetime, str]] = []
        known: set[UUID] = set()
        with travel(since, tick=False) as traveller:
            now = since
            while now <= until:
                while waiting and waiting[0][0] <= now:
                    at, late = waiting.pop(0)
                    self.save(at, late_days=late)
                while acts and acts[0][0] <= now:
                    acts.pop(0)[1]()
                if down is None or not down[0] <= now < down[1]:
                    traveller.move_to(now)
                    if tasks.send_due(self.database, clock.now()):
                        with self.database.reading() as session:
                            found = queries.list_digests(session, self.clinic)
                        made += [(now, one.week.label) for one in reversed(found) if one.id not in known]
                        known |= {one.id for one in found}
                now += TICK
        return made

    def check(self) -> None:
        """Every entry that came in is in exactly one digest, as long as its week was made: that of its instant."""
        with self.database.reading() as session:
            found = list(reversed(queries.list_digests(session, self.clinic)))
            mails = [one for one in stage.mails(session) if one.subject_id in {one.id for one in found}]
        for before, after in pairwise(found):
            assert before.week.next == after.week and before.span.ends_at == after.span.starts_at
        for one in found:
            within = [at for at in self.saves if one.span.starts_at <= at < one.span.ends_at]
            assert one.counts.received == len(within), one.week
        covered = [at for at in self.saves if found[0].span.starts_at <= at < found[-1].span.ends_at]
        assert sum(one.counts.received for one in found) == len(covered)
        assert len(covered) >= 5 * (len(found) - 1)
        assert len(mails) == len({one.id for one in mails}) == len(found)


@pytest.mark.parametrize("zone", ZONES)
def test_over_the_turn_of_the_year(database: Database, zone: str) -> None:
    run = Run(database, zone, NEW_YEAR[0])
    made = run.drive(*NEW_YEAR)
    labels = [label for _at, label in made]
    wanted = ["2026-W51", "2026-W52", "2026-W53", "2027-W01"]
    first = Week.of(NEW_YEAR[0].astimezone(run.zone).date()).label
    assert labels == wanted[wanted.index(first) :]
    for at, label in made:
        local = at.astimezone(run.zone)
        assert (local.isoweekday(), local.hour, local.minute // 15) == (1, 7, 0), (label, local)
    run.check()
    run.drive(NEW_YEAR[1], NEW_YEAR[1] + timedelta(days=7))  # until week 2 is over, too
    with database.reading() as session:
        found = [one.week.label for one in reversed(queries.list_digests(session, run.clinic))]
    assert found == [*labels, "2027-W02"]


@pytest.mark.parametrize(("zone", "night"), [(z, n) for z, nights in NIGHTS.items() for n in nights])
def test_over_a_night_on_which_clocks_change(database: Database, zone: str, night: date) -> None:
    since = datetime.combine(night - timedelta(days=10), time(0), UTC)
    run = Run(database, zone, since)
    made = run.drive(since, since + timedelta(days=21))
    assert len({label for _at, label in made}) == len(made) >= 2
    for at, label in made:
        assert at.astimezone(run.zone).strftime("%a %H:%M") == "Mon 07:00", label
    start, end = bounds(Week.of(night), run.zone)
    with database.reading() as session:
        found = queries.find_digest(session, run.clinic, Week.of(night))
    assert found and (found.span.starts_at, found.span.ends_at) == (start, end)
    assert (end - start) != timedelta(days=7)
    run.check()


def test_down_for_three_weeks(database: Database) -> None:
    run = Run(database, "Europe/Zurich", NEW_YEAR[0])
    back = datetime(2027, 1, 11, 9, tzinfo=UTC)
    made = run.drive(*NEW_YEAR, down=(NEW_YEAR[0] + timedelta(hours=1), back))
    assert [label for _at, label in made] == ["2026-W51", "2026-W52", "2026-W53", "2027-W01"]
    assert {at for at, _label in made} == {back}
    run.check()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Pacific/Auckland", "Pacific/Honolulu"),
        ("Pacific/Honolulu", "Pacific/Auckland"),
        ("Europe/Zurich", "Asia/Kathmandu"),
    ],
)
@pytest.mark.parametrize("hour", [0, 5, 18])
def test_a_clinic_that_moves_counts_nothing_twice(
    database: Database, before: str, after: str, hour: int
) -> None:
    run = Run(database, before, NEW_YEAR[0])

    def move() -> None:
        with database.writing() as session:
            session.execute(update(Clinic).where(Clinic.id == run.clinic).values(zone=after, digest_hour=9))
            service.reschedule(session, run.clinic)
            session.commit()

    run.drive(*NEW_YEAR, then={datetime(2026, 12, 28, hour, tzinfo=UTC): move})
    with database.reading() as session:
        labels = [one.week.label for one in reversed(queries.list_digests(session, run.clinic))]
    assert labels[-3:] == ["2026-W52", "2026-W53", "2027-W01"] and len(labels) == len(set(labels))
    run.check()


def test_the_day_and_the_hour_are_changed_in_between(database: Database) -> None:
    run = Run(database, "America/Denver", NEW_YEAR[0])

    def change(**values: int) -> Callable[[], None]:
        def do() -> None:
            with database.writing() as session:
                session.execute(update(Clinic).where(Clinic.id == run.clinic).values(**values))
                service.reschedule(session, run.clinic)
                session.commit()

        return do

    made = run.drive(
        *NEW_YEAR,
        then={
            datetime(2026, 12, 28, 12, tzinfo=UTC): change(digest_day=4),  # two hours before it was due
            datetime(2027, 1, 6, 12, tzinfo=UTC): change(digest_day=0, digest_hour=0),
        },
    )
    assert [label for _at, label in made] == ["2026-W51", "2026-W52", "2026-W53", "2027-W01"]
    assert [f"{at.astimezone(run.zone):%a %d %H:%M}" for at, _label in made] == [
        "Mon 21 07:00",
        "Fri 01 07:00",
        "Wed 06 05:00",
        "Mon 11 00:15",
    ]
    run.check()
