"""A digest from the log to the mail: what is counted, who is told, once; whatever fails beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from journal.clinics.models import Clinic, Staff
from journal.clinics.queries import get_settings
from journal.digests import queries, service, tasks
from journal.digests.models import DigestRow
from journal.domain.access import KINDS, Scope
from journal.domain.days import Moment
from journal.domain.digest import Item
from journal.domain.infusion import Plan
from journal.domain.weeks import Week
from journal.entries.queries import get_box
from journal.entries.removal import delete as delete_entry
from journal.infusions import service as infusions
from journal.kit.db import Database
from journal.privacy.service import delete_account
from journal.shares import service as shares
from tests.cast import log_infusion
from tests.digests import stage

W46, W47 = Week(2026, 46), Week(2026, 47)
MONDAY = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
"""7:00 in Denver, when the digest of week 47 is due."""
LONG_AGO = datetime(2026, 9, 1, tzinfo=UTC)
OPENED = datetime(2026, 11, 17, tzinfo=UTC)


def noon(day: int) -> datetime:
    return datetime(2026, 11, day, 19, tzinfo=UTC)


def a_stage(database: Database) -> tuple[UUID, Any, UUID]:
    """A clinic of three staff that follows one patient who logged four days."""
    with database.writing() as session:
        clinic = stage.a_clinic(session, OPENED)
        stage.hire(session, clinic, "ann@example.org", "clinician", now=LONG_AGO)
        stage.hire(session, clinic, "bo@example.org", "admin", now=LONG_AGO)
        stage.hire(session, clinic, "cy@example.org", "front-desk", now=LONG_AGO)
        viewer = stage.a_patient(session, "p@example.org", LONG_AGO)
        share = stage.follow(session, clinic, viewer, "Pat", LONG_AGO)
        for day in (16, 17, 18, 19):
            stage.log(session, viewer, noon(day))
        session.commit()
    return clinic, viewer, share


def rows_of(session: Session, viewer: Any, clinic: UUID, week: Week = W47) -> list[Item]:
    import orjson

    made_id = queries.digest_id(clinic, week)
    sealed = session.execute(
        select(DigestRow.sealed).where(
            DigestRow.digest_id == made_id, DigestRow.patient_id == viewer.patient_id
        )
    ).scalar_one_or_none()
    if sealed is None:
        return []
    box = get_box(session, viewer)
    return [
        Item.load(one)
        for one in orjson.loads(box.open(sealed, queries.belongs_to(made_id, viewer.patient_id)))
    ]


def test_made_once_and_mailed_once(database: Database) -> None:
    clinic, _viewer, _share = a_stage(database)
    assert tasks.send_due(database, MONDAY - timedelta(seconds=1)) == 0
    assert tasks.send_due(database, MONDAY) == 1
    assert tasks.send_due(database, MONDAY) == 0
    assert tasks.make(database, clinic, W47, MONDAY) == (False, 0)
    with database.writing() as session:
        made = queries.find_digest(session, clinic, W47)
        assert made and made.counts.people == made.counts.active == made.counts.logged == 1
        assert made.counts.received == 4 and made.sent_to == 2
        assert {one.recipient for one in stage.mails(session)} == {"ann@example.org", "bo@example.org"}
        assert get_settings(session, clinic).digest_due_at == MONDAY + timedelta(days=7)


def test_whoever_does_not_want_it_or_is_gone_gets_none(database: Database) -> None:
    clinic, _viewer, _share = a_stage(database)
    with database.writing() as session:
        gone = stage.hire(session, clinic, "gone@example.org", "clinician", now=LONG_AGO)
        no = stage.hire(session, clinic, "no@example.org", "clinician", now=LONG_AGO)
        session.execute(update(Staff).where(Staff.id == gone.staff_id).values(removed_at=OPENED))
        session.execute(update(Staff).where(Staff.id == no.staff_id).values(wants_digest=False))
        session.commit()
    assert tasks.make(database, clinic, W47, MONDAY) == (True, 2)


def test_a_new_colleague_gets_it_by_hand_and_only_once(database: Database) -> None:
    clinic, _viewer, _share = a_stage(database)
    tasks.send_due(database, MONDAY)
    with database.writing() as session:
        stage.hire(session, clinic, "new@example.org", "clinician", now=MONDAY)
        session.commit()
    assert tasks.send_due(database, MONDAY + timedelta(hours=1)) == 0
    with database.reading() as session:
        settings = get_settings(session, clinic)
    for count in (1, 0):
        told = tasks.send_by_hand(database, settings, W47, MONDAY)
        assert told == [f"2026-W47 made already, {count} {'mail' if count == 1 else 'mails'} to send."]


def test_what_is_deleted_is_in_none_and_a_change_makes_no_second(database: Database) -> None:
    clinic, viewer, _share = a_stage(database)
    with database.writing() as session:
        entry = stage.log(session, viewer, noon(20))
        delete_entry(session, viewer, entry, "check-in", 1, "", noon(20))
        session.commit()
    tasks.send_due(database, MONDAY)
    with database.reading() as session:
        made = queries.find_digest(session, clinic, W47)
    assert made and made.counts.received == 4


def test_a_week_that_is_not_over_or_was_before_the_clinic(database: Database) -> None:
    clinic, _viewer, _share = a_stage(database)
    with database.reading() as session:
        settings = get_settings(session, clinic)
    for week, now, says in (
        (W47, MONDAY - timedelta(hours=6, minutes=56), "The week of 16 to 22 November 2026 is not over yet."),
        (W46, MONDAY, "There was no clinic yet in the week of 9 to 15 November 2026."),
    ):
        with pytest.raises(service.Refused) as told:
            tasks.send_by_hand(database, settings, week, now)
        assert told.value.reasons["week"] == says
    assert tasks.make(database, clinic, W47, MONDAY - timedelta(hours=6, minutes=55)) == (True, 2)


def test_weeks_that_were_missed_come_once_each_with_their_own_dates(database: Database) -> None:
    clinic, _viewer, _share = a_stage(database)
    later = MONDAY + timedelta(days=17)
    with database.reading() as session:
        assert queries.overdue(session, later) and queries.is_overdue(session, clinic, later)
        assert queries.overdue(session, MONDAY + timedelta(minutes=29)) is None
    assert tasks.send_due(database, later) == 3
    with database.reading() as session:
        assert [one.week.label for one in queries.list_digests(session, clinic)] == [
            "2026-W49",
            "2026-W48",
            "2026-W47",
        ]
        assert queries.overdue(session, later) is None
        assert len(stage.mails(session)) == 6


def test_one_clinic_that_fails_holds_back_no_other(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clinic, _viewer, _share = a_stage(database)
    with database.writing() as session:
        broken = stage.a_clinic(session, OPENED, name="Broken")
        session.commit()
    real = service.prepare

    def prepare(session: Session, clinic_id: UUID, *args: Any) -> Any:
        if clinic_id == broken:
            raise ValueError("a secret")
        return real(session, clinic_id, *args)

    monkeypatch.setattr(service, "prepare", prepare)
    assert tasks.send_due(database, MONDAY) == 1
    logged = capsys.readouterr()
    assert "secret" not in logged.out + logged.err and "ValueError" in logged.out + logged.err
    monkeypatch.undo()
    assert tasks.send_due(database, MONDAY) == 1
    with database.reading() as session:
        assert queries.find_digest(session, broken, W47) and queries.find_digest(session, clinic, W47)


@contextmanager
def counting(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(*args: Any) -> None:
        if not args[2].startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            seen.append(args[2])

    event.listen(database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(database.engine, "before_cursor_execute", note)


def test_statements_do_not_grow_with_patients(database: Database) -> None:
    clinic, _viewer, _share = a_stage(database)
    counted = []
    for many in (2, 57):
        with database.writing() as session:
            for place in range(many):
                viewer = stage.a_patient(session, f"{many}-{place}@example.org", LONG_AGO)
                share = stage.follow(session, clinic, viewer, f"P {place}", LONG_AGO)
                stage.log(session, viewer, noon(17))
                stage.flag(
                    session, clinic, viewer, share, "item-9", "questionnaire", date(2026, 11, 17), OPENED
                )
            session.commit()
        with database.reading() as session, counting(database) as seen:
            prepared = service.prepare(session, clinic, W47, MONDAY)
        assert prepared.counts.people == 1 + many + (2 if many > 2 else 0)
        counted.append(len(seen))
    assert counted[0] == counted[1] <= 14


def test_rows_are_sealed_with_the_patients_own_key(database: Database) -> None:
    clinic, viewer, _share = a_stage(database)
    tasks.send_due(database, MONDAY)
    with database.reading() as session:
        sealed = session.execute(select(DigestRow.sealed)).scalar_one()
        assert b"review" not in sealed and b"Pat" not in sealed
        found = rows_of(session, viewer, clinic)
    assert [one.section for one in found] == ["waiting"]


def test_a_share_without_a_kind_or_that_begins_later_leaks_nothing(database: Database) -> None:
    """Canaries in everything that the share doesn't hold: neither rows nor counts know of it."""
    with database.writing() as session:
        clinic = stage.a_clinic(session, OPENED)
        early = stage.a_patient(session, "early@example.org", LONG_AGO)
        notes = stage.a_patient(session, "notes@example.org", LONG_AGO)
        stage.follow(session, clinic, early, "Early", LONG_AGO, Scope(frozenset(KINDS), date(2026, 11, 20)))
        share = stage.follow(session, clinic, notes, "Notes", LONG_AGO, Scope(frozenset({"safety-plan"})))
        for viewer in (early, notes):
            for back in range(20):
                day = date(2026, 11, 19) - timedelta(days=back)
                mood = 2 if back < 3 else 8
                stage.log(session, viewer, noon(19), day=day, mood=mood, note="canary")
            log_infusion(session, viewer, date(2026, 11, 18), number=17, note="canary")
            stage.fill_in(session, viewer, date(2026, 11, 2), 0)
            stage.fill_in(session, viewer, date(2026, 11, 18), 3)
            plan = Plan((date(2026, 11, 25),))
            infusions.keep_plan(
                session,
                viewer,
                plan,
                Moment(noon(19), date(2026, 11, 19), ZoneInfo("America/Denver")),
                base=0,
            )
        stage.flag(session, clinic, notes, share, "item-9", "questionnaire", date(2026, 11, 18), noon(19))
        session.commit()
    tasks.send_due(database, MONDAY)
    with database.reading() as session:
        assert rows_of(session, notes, clinic) == []
        told = rows_of(session, early, clinic)
        made = queries.find_digest(session, clinic, W47)
    assert [one.says for one in told] == ["Planned for Wednesday 25 November."]
    assert made and made.counts.received == made.counts.active == made.counts.flags == 0


def test_a_reason_of_each_kind_comes_through(database: Database) -> None:
    with database.writing() as session:
        clinic = stage.a_clinic(session, OPENED)
        viewer = stage.a_patient(session, "p@example.org", LONG_AGO)
        share = stage.follow(session, clinic, viewer, "Pat", LONG_AGO)
        for back in range(20):
            day = date(2026, 11, 22) - timedelta(days=back)
            stage.log(session, viewer, noon(22), day=day, mood=2 if back < 3 else 8)
        log_infusion(session, viewer, date(2026, 11, 18), number=1)
        stage.fill_in(session, viewer, date(2026, 11, 8), 1)
        stage.fill_in(session, viewer, date(2026, 11, 19), 3)
        stage.flag(
            session,
            clinic,
            viewer,
            share,
            "item-9",
            "questionnaire",
            date(2026, 11, 19),
            noon(19),
            why="You answered.",
        )
        session.commit()
    tasks.send_due(database, MONDAY)
    with database.reading() as session:
        told = rows_of(session, viewer, clinic)
        made = queries.find_digest(session, clinic, W47)
    assert [one.section for one in told] == ["flags", "worse", "worse", "waiting", "infusions"]
    assert {one.tag for one in told[1:3]} == {"Mood worse", "PHQ-9 worse"}
    assert made and (made.counts.flags, made.counts.review, made.counts.waiting) == (1, 1, 1)


def test_who_withdraws_while_it_is_made_has_no_row(database: Database) -> None:
    clinic, viewer, share = a_stage(database)
    with database.reading() as session:
        prepared = service.prepare(session, clinic, W47, MONDAY)
    with database.writing() as session:
        shares.end(session, viewer, share, MONDAY)
        assert service.keep(session, prepared, MONDAY)
        session.commit()
        assert session.execute(select(DigestRow)).first() is None


def test_weeks_that_moved_are_prepared_anew(database: Database) -> None:
    clinic, _viewer, _share = a_stage(database)
    with database.reading() as session:
        prepared = service.prepare(session, clinic, W47, MONDAY)
    moved = replace(prepared, span=replace(prepared.span, ends_at=MONDAY))
    with database.writing() as session:
        assert service.keep(session, moved, MONDAY) is None


def test_an_account_that_is_deleted_leaves_counts_only(database: Database) -> None:
    clinic, viewer, _share = a_stage(database)
    tasks.send_due(database, MONDAY)
    with database.writing() as session:
        delete_account(session, viewer, Moment(MONDAY, date(2026, 11, 23), ZoneInfo("America/Denver")))
        session.commit()
        assert session.execute(select(DigestRow)).first() is None
        made = queries.find_digest(session, clinic, W47)
    assert made and made.counts.people == 1


def test_other_day_or_hour_or_zone(database: Database) -> None:
    clinic, _viewer, _share = a_stage(database)
    for values, due in (
        ({"digest_day": 4}, "2026-11-27T14:00"),
        ({"digest_day": 0, "digest_hour": 9}, "2026-11-23T16:00"),
        ({"zone": "Europe/Zurich", "digest_hour": 7}, "2026-11-23T06:00"),
    ):
        with database.writing() as session:
            session.execute(update(Clinic).where(Clinic.id == clinic).values(**values))
            service.reschedule(session, clinic)
            session.commit()
            wanted = datetime.fromisoformat(due).replace(tzinfo=UTC)
            assert get_settings(session, clinic).digest_due_at == wanted
    tasks.send_due(database, MONDAY)
    with database.writing() as session:
        session.execute(update(Clinic).where(Clinic.id == clinic).values(zone="Pacific/Honolulu"))
        service.reschedule(session, clinic)
        session.commit()
        following = queries.find_next(session, get_settings(session, clinic))
        span = queries.get_span(session, get_settings(session, clinic), following.week)
        made = queries.find_digest(session, clinic, W47)
    assert following.week.label == "2026-W48" and made and span.starts_at == made.span.ends_at


def test_by_hand_without_a_week(database: Database) -> None:
    clinic, _viewer, _share = a_stage(database)
    with database.reading() as session:
        settings = get_settings(session, clinic)
    early = tasks.send_by_hand(database, settings, None, MONDAY - timedelta(hours=1))
    assert early == ["nothing is due. 2026-W47 will be, at 2026-11-23 14:00 UTC."]
    told = tasks.send_by_hand(database, settings, None, MONDAY + timedelta(days=7))
    assert told == ["2026-W47 made, 2 mails to send.", "2026-W48 made, 2 mails to send."]
    again = tasks.send_by_hand(database, settings, None, MONDAY + timedelta(days=7))
    assert again == ["2026-W48 made already, 0 mails to send."]


def test_of_an_entry_only_the_parts_that_are_shared(database: Database) -> None:
    """The share holds side effects, not measures or notes: the same check-ins tell nothing of a mood that fell."""
    with database.writing() as session:
        clinic = stage.a_clinic(session, OPENED)
        viewer = stage.a_patient(session, "p@example.org", LONG_AGO)
        kinds = frozenset({"side-effects", "infusions"})
        stage.follow(session, clinic, viewer, "Pat", LONG_AGO, Scope(kinds))
        for back in range(20):
            day = date(2026, 11, 22) - timedelta(days=back)
            effects = {"nausea": "mild"} if back % 2 else {}
            mood = 2 if back < 3 else 8
            stage.log(session, viewer, noon(22), day=day, mood=mood, side_effects=effects, note="canary")
        session.commit()
    tasks.send_due(database, MONDAY)
    with database.reading() as session:
        told = rows_of(session, viewer, clinic)
        made = queries.find_digest(session, clinic, W47)
    assert [(one.section, one.kinds) for one in told] == [("waiting", frozenset({"side-effects"}))]
    assert made and made.counts.received == 10
