"""The weekly mail as it goes out: counts only. Canaries in everything that a mail must not hold."""

import re
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import update

from journal.clinics.models import Clinic, Staff
from journal.clinics.queries import find_subscriber
from journal.digests import queries, service, tasks
from journal.domain.weeks import Week
from journal.kit.db import Database
from tests.digests import stage

MONDAY = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
LONG_AGO = datetime(2026, 9, 1, tzinfo=UTC)
OPENED = datetime(2026, 11, 17, tzinfo=UTC)
CANARY = "quokka"
W47 = Week(2026, 47)


def a_stage(database: Database, patients: int = 8, **clinic: Any) -> tuple[UUID, stage.Hired, stage.Hired]:
    with database.writing() as session:
        made = stage.a_clinic(session, OPENED, name=f"{CANARY} ketamine clinic", **clinic)
        ann = stage.hire(session, made, "ann@example.org", "clinician", now=LONG_AGO, name=f"Ann {CANARY}")
        bo = stage.hire(session, made, "bo@example.org", "admin", now=LONG_AGO, name=f"Bo {CANARY}")
        for place in range(patients):
            viewer = stage.a_patient(session, f"{CANARY}{place}@example.org", LONG_AGO)
            share = stage.follow(session, made, viewer, f"{CANARY} {place}", LONG_AGO)
            for day in range(16, 22 if place < 6 else 19):
                at = datetime(2026, 11, day, 19, tzinfo=UTC)
                stage.log(session, viewer, at, note=CANARY, side_effects={"nausea": "severe"})
            if place < 2:
                day = date(2026, 11, 18)
                stage.flag(session, made, viewer, share, "item-9", "questionnaire", day, OPENED, why=CANARY)
        session.commit()
    return made, ann, bo


def sent(app: Flask, database: Database, clock: Any, at: datetime = MONDAY) -> list[EmailMessage]:
    """What came into the mail folder."""
    folder: Path = app.extensions["settings"].data_dir / "mail"
    for path in folder.glob("*.eml"):
        path.unlink()
    clock.move_to(at)
    tasks.send_due(database, at)
    app.extensions["send_mail"]()
    found = [
        message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(folder.glob("*.eml"))
    ]
    return [one for one in found if "summary" in str(one["Subject"])]  # type: ignore[misc]


def parts(mail: EmailMessage) -> tuple[str, str]:
    return tuple(part.get_content() for part in mail.iter_parts())  # type: ignore[return-value]


def test_the_mail(app: Flask, database: Database, clock: Any) -> None:
    _clinic, ann, _bo = a_stage(database)
    mails = sent(app, database, clock)
    assert len(mails) == 2
    mail = next(one for one in mails if "ann@" in one["To"])
    assert mail["Subject"] == "Weekly journal summary"
    assert mail["List-Unsubscribe"] == f"<http://localhost:8000/unsubscribe/{ann.token}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text, html = parts(mail)
    assert "16 to 22 November 2026" in text and "You get this on Mondays at 7:00 am." in text
    lines = [line for line in text.splitlines() if re.fullmatch(r"[A-Z].*: .+", line)]
    assert lines[:6] == [
        "Safety flags still open: fewer than 5",
        "People active: 8",
        "Logged 4 days or more: nearly all",
        "Need review: fewer than 5",
        "Follow-ups overdue: 0",
        "Shared summaries waiting: 8",
    ]
    assert "This email is not for emergencies, and the journal is not watched day and night." in " ".join(
        text.split()
    )
    bare = " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<head>.*?</head>", "", html)).split())
    places = [bare.index(line.split(":")[0]) for line in lines[:6]]
    assert places == sorted(places)  # the same things in the same order
    assert "It holds counts only: no names, no answers." in bare
    assert not re.search(r"<img|<script|<link|<style|src=|@media", html) and 'style="' in html


def test_no_canary_and_no_word_of_the_treatment(app: Flask, database: Database, clock: Any) -> None:
    a_stage(database)
    for mail in sent(app, database, clock):
        whole = bytes(mail).decode() + "".join(parts(mail)) + "".join(map(str, mail.values()))
        assert CANARY not in whole.lower()
        for word in ("ketamine", "nausea", "depress", "phq", "mood", "score", "patient"):
            assert word not in whole.lower(), word
        links = set(re.findall(r"https?://[^\s\"<>]+", "".join(parts(mail))))
        assert all(one.startswith("http://localhost:8000/") for one in links), links
        assert {one.split("/")[3] for one in links} == {"clinic", "unsubscribe"}


def test_a_clinic_of_three_tells_no_number(app: Flask, database: Database, clock: Any) -> None:
    a_stage(database, 3)
    text, html = parts(sent(app, database, clock)[0])
    for told in (text, re.sub(r"(?s)<head>.*?</head>", "", html)):
        assert "fewer than 5" in told
        assert not re.search(
            r"(active|more|review|waiting)\D{0,60}[1-9]\d*\s*(<|$)", told.replace("fewer than 5", "")
        )


def test_a_missed_week_says_its_own_dates(app: Flask, database: Database, clock: Any) -> None:
    a_stage(database)
    later = MONDAY + timedelta(days=21)
    texts = {parts(one)[0] for one in sent(app, database, clock, later) if "ann@" in one["To"]}
    for week in ("16 to 22 November 2026", "23 to 29 November 2026", "7 to 13 December 2026"):
        assert sum(week in text for text in texts) == 1


def test_a_mail_that_is_sent_again_says_the_same(app: Flask, database: Database, clock: Any) -> None:
    """Whatever was changed meanwhile: what is said was kept when the digest was made."""
    clinic, _ann, _bo = a_stage(database)
    tasks.send_due(database, MONDAY)
    app.extensions["send_mail"]()

    def written() -> list[Any]:
        from journal.digests.emails import writers
        from journal.kit.mail import Mail
        from journal.kit.outbox import Waiting

        def render(name: str, to: str, **values: Any) -> Mail:
            return Mail(to, "", app.jinja_env.get_template(f"emails/{name}/body.html").render(**values))

        with database.writing() as session:
            waiting = [
                Waiting(
                    one.id, one.purpose, "x", one.account_id, one.created_at, one.subject_id, one.group_id
                )
                for one in stage.mails(session)
            ]
            return [writers(render, "http://x")["digest"](session, one, MONDAY) for one in waiting]

    before = written()
    assert len(before) == 2 and all(before)
    with database.writing() as session:
        session.execute(
            update(Clinic).where(Clinic.id == clinic).values(blur_below=20, digest_day=3, digest_hour=9)
        )
        session.commit()
    assert written() == before


def test_whoever_leaves_before_it_goes_out_gets_none(app: Flask, database: Database, clock: Any) -> None:
    _clinic, ann, _bo = a_stage(database)
    tasks.send_due(database, MONDAY)
    with database.writing() as session:
        session.execute(update(Staff).where(Staff.id == ann.staff_id).values(removed_at=MONDAY))
        session.commit()
    assert [one["To"] for one in sent(app, database, clock)] == ["bo@example.org"]


def test_unsubscribe(database: Database, app: Flask, clock: Any) -> None:
    clinic, ann, bo = a_stage(database)
    with database.writing() as session:
        assert service.is_known(session, ann.token)
        assert not service.is_known(session, "x") and not service.unsubscribe(session, "x", MONDAY)
        assert service.unsubscribe(session, ann.token, MONDAY)
        assert service.unsubscribe(session, ann.token, MONDAY)
        assert service.is_known(session, ann.token)
        told = stage.mails(session, "digest-stopped")
        assert [one.recipient for one in told] == ["bo@example.org"]  # once, and nobody else
        found = find_subscriber(session, bo.token)
        assert found and found.wants_digest
        session.commit()
    assert tasks.make(database, clinic, W47, MONDAY) == (True, 1)
    mails = sent(app, database, clock)
    told_admin = next(one for one in mails if "stopped" in str(one["Subject"]))
    assert CANARY not in bytes(told_admin).decode() and "ann" not in told_admin.get_content()


def test_removed_staff_have_no_token(database: Database) -> None:
    _clinic, ann, _bo = a_stage(database)
    with database.writing() as session:
        session.execute(update(Staff).where(Staff.id == ann.staff_id).values(removed_at=OPENED))
        assert not service.unsubscribe(session, ann.token, MONDAY)


def test_by_the_command(app: Flask, database: Database, clock: Any) -> None:
    clinic, _ann, _bo = a_stage(database)
    clock.move_to(MONDAY)
    run = app.test_cli_runner().invoke
    done = run(args=["digests", "send", "--week", "2026-W47"])
    assert done.exit_code == 0, done.output
    assert "2026-W47 made, 2 mails to send." in done.output and "2 mails sent." in done.output
    assert (
        "2026-W47 made already, 0 mails to send."
        in run(args=["digests", "send", "--week", "2026-W47"]).output
    )
    assert "is not over yet." in run(args=["digests", "send", "--week", "2026-W48"]).output
    assert "There was no clinic yet" in run(args=["digests", "send", "--week", "2026-W01"]).output
    assert (
        "2026-W48 will be" in run(args=["digests", "send"]).output
        or "made already" in run(args=["digests", "send"]).output
    )
    wrong = run(args=["digests", "send", "--week", "last"])
    assert wrong.exit_code == 1 and "such as 2026-W47" in wrong.output
    with database.reading() as session:
        assert queries.find_digest(session, clinic, W47)


@pytest.mark.parametrize("week", ["2026-W54", "2027-W53"])
def test_a_week_that_no_year_has(app: Flask, database: Database, week: str) -> None:
    done = app.test_cli_runner().invoke(args=["digests", "send", "--week", week])
    assert done.exit_code == 1 and "has the weeks 01 to 5" in done.output
