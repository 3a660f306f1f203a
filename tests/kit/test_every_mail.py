"""Every mail that the app can send, with canaries in all that a mail might let slip."""

import re
from datetime import timedelta
from email import message_from_bytes
from email.policy import SMTP
from typing import Any
from uuid import UUID, uuid4

from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.clinic_flags import service as clinic_flags
from journal.clinics import queries as clinics_queries
from journal.clinics import service as clinics
from journal.clinics.models import Clinic
from journal.clinics.service import NewPatient, NewStaff
from journal.digests import service as digests
from journal.digests.tasks import make
from journal.domain.access import Scope
from journal.domain.weeks import Week
from journal.kit import outbox
from journal.kit.mail import Letter
from journal.kit.outbox import OutboxMail
from journal.reminders import forms
from journal.reminders import service as reminders
from journal.shares import service as shares
from journal.shares.service import Wish
from tests.cast import TODAY, Cast, log_checkin, log_infusion
from tests.clinic_flags.told import follow, say_unsafe
from tests.clinics.stage import hire, make_account
from tests.conftest import NOON
from tests.shares.stage import WHERE

CANARY = "Wombat"
"""Stands in every name, note and answer."""
SAYS = re.compile(
    r"ketamine|infusion|depress|ptsd|ocd\b|mood|dissoc|score|phq|suicid|unsafe|not safe|anxiety|pain\b|wombat|severe",
    re.IGNORECASE,
)
CAUSED = {
    "invitation",
    "staff-invitation",
    "clinic-invitation",
    "flag",
    "flag-waits",
    "address-off",
    "digest",
    "digest-stopped",
    "reminder",
}
"""Mails with a cause of their own, made below; the others need nothing but an account."""
BASE = "http://localhost:8000"


def cause_all(app: Flask, cast: Cast, session: Session) -> UUID:
    """A clinic full of canaries, and something that asks for each of these mails."""
    viewer, end = cast.patient.viewer, TODAY + timedelta(days=30)
    accounts.settle(session, cast.patient.account_id, verified_at=NOON)
    began = NOON - timedelta(days=30)
    clinic = clinics.create_clinic(session, f"{CANARY} Ketamine", "America/Denver", "US", began)
    session.execute(update(Clinic).values(second_contact="second@example.org", response_plan=CANARY))
    for name, role in (("ann", "clinician"), ("ben", "admin")):
        hire(
            session, clinic, make_account(app, session, f"{name}@example.org"), role, name=f"{CANARY} {name}"
        )
    new = NewStaff(CANARY, "dee@example.org", frozenset({"clinician"}))
    clinics.invite_staff(session, clinic, uuid4(), new, NOON, None)
    desk = clinics_queries.list_recipients(session, clinic, "admin")[0]
    asked = NewPatient("mail", CANARY, "eve@example.org")
    clinics.ask_patient(session, clinic, uuid4(), asked, NOON, desk.staff_id, desk.account_id)
    wish = Wish(uuid4(), CANARY, CANARY, Scope(frozenset({"daily"})), end, "fay@example.org")
    shares.invite(session, viewer, wish, shares.expiry(end, WHERE, 0), NOON)
    follow(session, viewer, clinic, name=CANARY)
    log_infusion(session, viewer, TODAY - timedelta(days=3), number=1, note=CANARY)
    log_checkin(
        session,
        viewer,
        TODAY - timedelta(days=1),
        {"mood": 1},
        side_effects={"nausea": "severe"},
        note=CANARY,
    )
    session.commit()
    say_unsafe(cast.patient.sign_in())
    clinic_flags.deliver(session, NOON)
    clinic_flags.escalate(session, NOON + timedelta(hours=2))
    clinics.tell_switched_off(session, "ann@example.org", NOON)
    wanted = forms.wish_of({"is_on": "yes", "hour": "12", "cadence": "daily"})
    reminders.keep(session, viewer, wanted, WHERE, 0, NOON)
    outbox.put(session, reminders.PURPOSE, cast.patient.email, cast.patient.account_id, NOON)
    session.commit()
    make(app.extensions["database"], clinic, Week.parse("2026-W47"), NOON + timedelta(days=1))
    return clinic


def send(app: Flask, sent: list[Letter]) -> None:
    database, writers = app.extensions["database"], app.extensions["writers"]
    later = NOON + timedelta(minutes=5)
    with database.writing() as session:
        session.execute(update(OutboxMail).where(OutboxMail.due_at.is_not(None)).values(due_at=NOON))
        session.commit()
    with app.app_context():
        outbox.send_due(database, writers, sent.append, "journal@example.net", later, base_url=BASE)


def test_no_mail_says_anything(app: Flask, cast: Cast, session: Session) -> None:
    clinic = cause_all(app, cast, session)
    writers = app.extensions["writers"]
    for purpose in writers.keys() - CAUSED:
        outbox.put(session, purpose, cast.patient.email, cast.patient.account_id, NOON)
    outbox.put(session, "sign-in", cast.newcomer.email, None, NOON)  # to an address that nobody confirmed
    session.execute(  # one mail confirms an address that isn't yet
        update(OutboxMail).where(OutboxMail.purpose == "verify").values(recipient="new@example.org")
    )
    accounts.settle(session, cast.patient.account_id, pending_email="new@example.org", pending_hash="x")
    session.commit()
    sent: list[Letter] = []
    send(app, sent)
    [ann] = clinics_queries.list_recipients(session, clinic, "clinician")
    assert digests.unsubscribe(session, clinics_queries.unsubscribe_token(session, ann.staff_id), NOON)
    session.commit()
    send(app, sent)
    ids = {str(one) for one in session.execute(select(OutboxMail.subject_id)).scalars() if one} | {
        str(clinic)
    }
    for letter in sent:
        mail: Any = message_from_bytes(letter.data, policy=SMTP)
        html = mail.get_body(("html",))
        text = mail.get_body(("plain",)).get_content() + (html.get_content() if html else "")
        heads = "\n".join(f"{name}: {value}" for name, value in mail.items() if name != "To")
        found = SAYS.search(text + heads)
        assert not found, (mail["Subject"], found)
        for link in re.findall(r"https?://[^\s\"<>]+", text + heads):
            assert link.startswith(f"{BASE}/") or link == BASE, link
        assert not [one for one in ids if one in text or one.replace("-", "") in text], mail["Subject"]
    done = select(OutboxMail.purpose).where(OutboxMail.sent_at.is_not(None))
    assert set(session.execute(done).scalars()) == set(writers)
