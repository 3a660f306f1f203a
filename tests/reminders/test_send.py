"""What goes out when a reminder's time has come, and what stays away."""

from datetime import datetime, time, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.domain.access import Viewer
from journal.domain.days import Moment, instant_of
from journal.domain.errors import NotYours, Refused
from journal.domain.reminders import LATE
from journal.entries import removal
from journal.entries.queries import list_days_of
from journal.kit.db import Database
from journal.privacy.service import delete_account
from journal.reminders import queries, service
from journal.reminders.service import Wish, mail_id
from journal.reminders.tasks import send_due
from tests.cast import TODAY, Cast
from tests.conftest import NOON
from tests.reminders.people import Reminded, asked_for, deliver, settle_in, statements

DENVER = ZoneInfo("America/Denver")
EIGHT = instant_of(TODAY, time(20), DENVER)
DAY = timedelta(days=1)


@pytest.fixture
def ida(app: Flask, cast: Cast, session: Session) -> Reminded:
    """Wants a reminder every day at eight."""
    ida = settle_in(session, "ida@example.org", "America/Denver", NOON)
    ida.wish(session, NOON)
    session.commit()
    return ida


def test_one_at_the_hour_and_none_before_or_again(
    ida: Reminded, database: Database, session: Session
) -> None:
    assert send_due(database, EIGHT - timedelta(seconds=1)) == 0
    assert send_due(database, EIGHT) == 1
    assert send_due(database, EIGHT) == send_due(database, EIGHT + timedelta(hours=2)) == 0
    assert asked_for(session) == [(ida.account_id, EIGHT)]
    assert send_due(database, EIGHT + DAY) == 1
    ids = session.execute(text("SELECT id FROM outbox WHERE purpose = 'reminder'")).scalars()
    told = {str(one).replace("-", "") for one in ids}
    assert told == {mail_id(ida.account_id, day).hex for day in (TODAY, TODAY + DAY)}


def test_nobody_who_never_asked(cast: Cast, database: Database) -> None:
    assert send_due(database, EIGHT) == 0


def test_a_logged_day_stays_silent(ida: Reminded, database: Database, session: Session) -> None:
    entry = ida.log(session, TODAY, NOON)
    session.commit()
    assert send_due(database, EIGHT) == 0
    ida.log(session, TODAY, NOON)  # yesterday by then
    session.commit()
    assert send_due(database, EIGHT + DAY) == 1
    today = TODAY + 2 * DAY
    entry = ida.log(session, today, EIGHT + DAY)
    removal.delete(session, ida.viewer, entry, "check-in", 1, "", EIGHT + DAY)
    session.commit()
    assert send_due(database, EIGHT + 2 * DAY) == 1  # what was deleted is not logged


def test_logged_by_somebody_else_is_not_logged(ida: Reminded, database: Database, cast: Cast) -> None:
    """Otis logged today; that keeps nothing from Ida."""
    assert send_due(database, EIGHT) == 1


def test_a_logged_day_counts_as_a_turn(ida: Reminded, database: Database, session: Session) -> None:
    """Whoever logs on Sundays without being reminded isn't reminded on Mondays instead."""
    ida.wish(session, NOON, cadence="weekly")
    ida.log(session, TODAY, NOON)
    session.commit()
    sent = [n for n in range(9) if send_due(database, EIGHT + n * DAY)]
    assert sent == [7]


@pytest.mark.parametrize(
    "change",
    [
        lambda s, ida: service.pause(s, ida.viewer, NOON),
        lambda s, ida: service.keep(s, ida.viewer, Wish(False, 20, "daily"), DENVER, 0, NOON),
        lambda s, ida: accounts.settle(s, ida.account_id, verified_at=None),
        lambda s, ida: delete_account(s, ida.viewer, Moment(NOON, TODAY, DENVER)),
    ],
    ids=["paused", "off", "not confirmed", "gone"],
)
def test_silent_when(ida: Reminded, database: Database, session: Session, change: Any) -> None:
    change(session, ida)
    session.commit()
    assert send_due(database, EIGHT) == 0
    assert asked_for(session) == []


def test_paused_at_once_also_when_it_waits_to_be_sent(
    ida: Reminded, app: Flask, database: Database, session: Session
) -> None:
    assert send_due(database, EIGHT) == 1
    service.pause(session, ida.viewer, EIGHT)
    session.commit()
    assert deliver(app, database, EIGHT) == []


def test_it_goes_to_the_patient_alone(ida: Reminded, app: Flask, database: Database) -> None:
    assert send_due(database, EIGHT) == 1
    [mail] = deliver(app, database, EIGHT + LATE - timedelta(minutes=1))
    assert mail["To"] == "ida@example.org"
    assert mail["Message-ID"] == f"<{mail_id(ida.account_id, TODAY).hex}@example.net>"


@pytest.mark.parametrize(
    ("change", "later"),
    [
        (lambda s, ida: ida.log(s, TODAY, EIGHT), timedelta(minutes=1)),
        (lambda s, ida: accounts.settle(s, ida.account_id, email="new@example.org"), timedelta(minutes=1)),
        (lambda s, ida: accounts.settle(s, ida.account_id, verified_at=None), timedelta(minutes=1)),
        (lambda s, ida: None, LATE + timedelta(seconds=1)),
    ],
    ids=["logged", "other address", "not confirmed", "no mail server for hours"],
)
def test_what_happens_meanwhile_counts(
    ida: Reminded, app: Flask, database: Database, session: Session, change: Any, later: timedelta
) -> None:
    assert send_due(database, EIGHT) == 1
    change(session, ida)
    session.commit()
    assert deliver(app, database, EIGHT + later) == []


def test_late_is_left_out_and_the_next_day_is_not(
    ida: Reminded, database: Database, session: Session
) -> None:
    assert send_due(database, EIGHT + LATE + timedelta(seconds=1)) == 0
    assert send_due(database, EIGHT + DAY + LATE) == 1
    session.execute(text("DELETE FROM outbox"))
    session.commit()
    assert send_due(database, EIGHT + 40 * DAY + timedelta(hours=5)) == 0  # down for weeks: no pile of mails
    assert send_due(database, EIGHT + 41 * DAY) == 1


def test_an_infusion_logged_in_between_counts(ida: Reminded, database: Database, session: Session) -> None:
    ida.wish(session, NOON, cadence="weekly")
    session.commit()
    assert send_due(database, EIGHT) == 1
    ida.infuse(session, TODAY + DAY, EIGHT + DAY - timedelta(hours=3))
    session.commit()
    sent = [n for n in range(1, 17) if send_due(database, EIGHT + n * DAY)]
    assert sent == [2, 3, 4, 5, 6, 7, 8, 15]


def test_a_journey_moves_the_hour_and_adds_no_second(
    ida: Reminded, database: Database, session: Session
) -> None:
    honolulu, auckland = ZoneInfo("Pacific/Honolulu"), ZoneInfo("Pacific/Auckland")
    assert send_due(database, EIGHT) == 1
    accounts.settle(session, ida.account_id, zone="Pacific/Honolulu")
    session.commit()
    sent, now = [], EIGHT
    while now < EIGHT + 3 * DAY:
        now += timedelta(minutes=30)
        if now == EIGHT + DAY + timedelta(hours=4):
            accounts.settle(session, ida.account_id, zone="Pacific/Auckland")
            session.commit()
        if send_due(database, now):
            sent.append(now)
    # Not at eight in Honolulu on the day that had its reminder in Denver; then once there, then in Auckland.
    assert sent == [
        instant_of(TODAY + DAY, time(20), honolulu),
        instant_of(TODAY + 3 * DAY, time(20), auckland),
    ]


def test_a_journey_eastward_loses_none(ida: Reminded, database: Database, session: Session) -> None:
    """Eight in Zurich comes long before eight in Denver would."""
    zurich = instant_of(TODAY + DAY, time(20), ZoneInfo("Europe/Zurich"))
    assert send_due(database, EIGHT) == 1
    accounts.settle(session, ida.account_id, zone="Europe/Zurich")
    session.commit()
    assert send_due(database, EIGHT + timedelta(minutes=1)) == 0
    assert send_due(database, zurich) == 1
    assert send_due(database, EIGHT + DAY) == 0


def test_an_unknown_zone_keeps_nobody_back(ida: Reminded, database: Database, session: Session) -> None:
    lost = settle_in(session, "lost@example.org", "America/Denver", NOON)
    lost.wish(session, NOON)
    accounts.settle(session, lost.account_id, zone="Mars/Olympus")
    session.commit()
    assert send_due(database, EIGHT) == 1
    assert asked_for(session) == [(ida.account_id, EIGHT)]


def test_the_number_of_statements_does_not_grow(
    ida: Reminded, database: Database, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count(now: datetime) -> tuple[int, int]:
        with statements(database) as seen:
            sent = send_due(database, now)
        mails = sum("INTO outbox" in one for one in seen)
        assert not any("revisions" in one or "patient_keys" in one for one in seen)  # nothing sealed is read
        assert mails == sent
        return sent, len(seen) - mails

    one = count(EIGHT)
    for n in range(60):
        other = settle_in(session, f"p{n}@example.org", "America/Denver", NOON)
        other.wish(session, NOON)
        if n % 2:
            other.log(session, TODAY, NOON)
    session.commit()
    many = count(EIGHT + timedelta(minutes=1))
    assert (one[0], many[0]) == (1, 30)
    assert many[1] == one[1] <= 5
    monkeypatch.setattr(service, "AT_ONCE", 7)
    assert send_due(database, EIGHT + DAY) == 61  # in several goes


def test_only_for_the_patients_themselves(ida: Reminded, cast: Cast, session: Session) -> None:
    reader = Viewer(cast.other.account_id, ida.account_id)
    with pytest.raises(NotYours):
        queries.get_reminders(session, reader)
    with pytest.raises(NotYours):
        service.pause(session, reader, NOON)
    with pytest.raises(NotYours):
        service.resume(session, reader, DENVER, 0, NOON)
    with pytest.raises(NotYours):
        service.keep(session, reader, Wish(True, 20, "daily"), DENVER, 0, NOON)
    with pytest.raises(NotYours):
        list_days_of(session, [ida.viewer, reader], ["check-in"], TODAY)
    with pytest.raises(NotYours):
        list_days_of(session, [Viewer(None, uuid4())], ["check-in"], TODAY)


@pytest.mark.parametrize(
    ("hour", "cadence", "field"), [(24, "daily", "hour"), (-1, "daily", "hour"), (20, "hourly", "cadence")]
)
def test_a_wish_that_cannot_be(ida: Reminded, session: Session, hour: int, cadence: str, field: str) -> None:
    with pytest.raises(Refused) as told:
        service.keep(session, ida.viewer, Wish(True, hour, cadence), DENVER, 0, NOON)
    assert set(told.value.reasons) == {field}


def test_turning_on_anew_ends_an_old_pause(ida: Reminded, session: Session) -> None:
    service.pause(session, ida.viewer, NOON)
    ida.wish(session, NOON, hour=9)
    assert queries.get_reminders(session, ida.viewer).is_paused  # still on, still paused
    for is_on in (False, True):
        service.keep(session, ida.viewer, Wish(is_on, 9, "daily"), DENVER, 0, NOON)
    held = queries.get_reminders(session, ida.viewer)
    assert (held.is_on, held.is_paused, held.hour) == (True, False, 9)
