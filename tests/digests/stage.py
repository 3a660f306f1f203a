"""A clinic with staff of each role, and patients whom it follows."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.checkins import service as checkins
from journal.clinic_flags.models import ClinicFlag
from journal.clinic_flags.queries import clinic_flag_belongs_to
from journal.clinics.models import Clinic, Staff
from journal.clinics.queries import belongs_to as clinic_belongs_to
from journal.clinics.queries import get_box as clinic_box
from journal.clinics.queries import unsubscribe_token
from journal.digests import service
from journal.domain.access import KINDS, Scope, Viewer
from journal.domain.checkin import CheckIn
from journal.domain.days import Moment
from journal.domain.instrument_files import instruments
from journal.domain.questionnaires import Response
from journal.entries.queries import get_box
from journal.entries.service import lock
from journal.kit.db import vault_of
from journal.kit.outbox import OutboxMail
from journal.kit.tokens import hash_token
from journal.questionnaires import service as questionnaires
from journal.shares.models import Share
from journal.shares.queries import NO_END, belongs_to

EVERYTHING = Scope(frozenset(KINDS))


def a_clinic(
    session: Session,
    created_at: datetime,
    *,
    name: str = "Harbor Light",
    zone: str = "America/Denver",
    day: int = 0,
    hour: int = 7,
    below: int = 5,
) -> UUID:
    clinic_id = uuid4()
    session.add(
        Clinic(
            id=clinic_id,
            wrapped_key=vault_of(session).new_wrapped_key(clinic_id.bytes),
            name=name,
            created_at=created_at,
            zone=zone,
            digest_day=day,
            digest_hour=hour,
            digest_due_at=created_at,
            look_due_at=created_at,
            blur_below=below,
        )
    )
    session.flush()
    service.reschedule(session, clinic_id)
    return clinic_id


@dataclass(frozen=True)
class Hired:
    staff_id: UUID
    account_id: UUID
    token: str


def hire(session: Session, clinic_id: UUID, email: str, *roles: str, now: datetime, name: str = "") -> Hired:
    """Somebody with an account and a second step, in force as staff."""
    found = accounts.queries.find_for_reset(session, email)
    account_id = found[0] if found else accounts.sign_up(session, email, "x", accounts.Place("UTC"), now)
    accounts.settle(session, account_id, verified_at=now, second_step_since=now)
    accounts.begin_reading(session, account_id, now)
    staff_id = uuid4()
    told = orjson.dumps({"name": name or email, "email": email})
    token = unsubscribe_token(session, staff_id)
    session.add(
        Staff(
            id=staff_id,
            clinic_id=clinic_id,
            account_id=account_id,
            is_admin="admin" in roles,
            is_clinician="clinician" in roles,
            is_front_desk="front-desk" in roles,
            sealed=clinic_box(session, clinic_id).seal(told, clinic_belongs_to(clinic_id, staff_id)),
            invited_hash=bytes(32),
            invite_expires_at=now,
            created_at=now,
            accepted_at=now,
            wants_digest=True,
            unsubscribe_hash=hash_token(token),
        )
    )
    session.flush()
    return Hired(staff_id, account_id, token)


def a_patient(
    session: Session, email: str, now: datetime, zone: str = "America/Denver", ends: int = 0
) -> Viewer:
    account_id = accounts.sign_up(session, email, "x", accounts.Place(zone), now, send_mail=False)
    accounts.settle(session, account_id, verified_at=now, welcomed_at=now, day_ends_hour=ends)
    viewer = Viewer.patient(account_id)
    lock(session, viewer, now)
    return viewer


def follow(
    session: Session, clinic_id: UUID, viewer: Viewer, name: str, now: datetime, scope: Scope = EVERYTHING
) -> UUID:
    """The patient has agreed that the clinic follows."""
    lock(session, viewer, now)
    share_id = uuid4()
    told = orjson.dumps({"name": name, "to": "the clinic", "email": ""})
    session.add(
        Share(
            id=share_id,
            patient_id=viewer.patient_id,
            way="clinic",
            clinic_id=clinic_id,
            kinds=" ".join(sorted(scope.kinds)),
            since=scope.since,
            until=scope.until,
            created_at=now,
            changed_at=now,
            accepted_at=now,
            expires_at=NO_END,
            tell_me=False,
            tries=0,
            sealed=get_box(session, viewer).seal(told, belongs_to(viewer.patient_id, share_id)),
        )
    )
    session.flush()
    return share_id


def flag(
    session: Session,
    clinic_id: UUID,
    viewer: Viewer,
    share_id: UUID,
    rule: str,
    kind: str,
    day: date,
    now: datetime,
    *,
    why: str = "Logged something.",
    urgency: str = "safety",
) -> UUID:
    flag_id = uuid4()
    told = orjson.dumps({"rule": rule, "why": why, "kind": kind, "day": day.isoformat()})
    box = get_box(session, viewer)
    session.add(
        ClinicFlag(
            id=flag_id,
            clinic_id=clinic_id,
            patient_id=viewer.patient_id,
            share_id=share_id,
            flag_id=uuid4(),
            cause_hash=flag_id.bytes * 2,
            urgency=urgency,
            state="open",
            raised_at=now,
            told_at=now,
            sealed=box.seal(told, clinic_flag_belongs_to(viewer.patient_id, flag_id)),
        )
    )
    session.flush()
    return flag_id


def log(
    session: Session,
    viewer: Viewer,
    at: datetime,
    *,
    day: date | None = None,
    zone: str = "America/Denver",
    mood: int = 5,
    **more: Any,
) -> UUID:
    """A check-in that the server receives at the instant `at`."""
    entry_id, where = uuid4(), ZoneInfo(zone)
    today = day or at.astimezone(where).date()
    checkin = CheckIn({"mood": mood}, **more)
    checkins.record(session, viewer, checkin, Moment(at, today, where), entry_id=entry_id, base=0, day=today)
    return entry_id


def fill_in(
    session: Session, viewer: Viewer, day: date, value: int, code: str = "phq-9", zone: str = "America/Denver"
) -> None:
    """A whole questionnaire, every question but a flagged one at `value`."""
    items = instruments()[code].items
    answers = {item.id: 0 if item.flag else value for item in items}
    at = datetime(day.year, day.month, day.day, 18, tzinfo=UTC)
    response = Response(code, "en", answers, "finished")
    questionnaires.record(session, viewer, response, Moment(at, day, ZoneInfo(zone)), entry_id=uuid4())


def mails(session: Session, purpose: str = "digest") -> list[OutboxMail]:
    return list(
        session.execute(
            select(OutboxMail).where(OutboxMail.purpose == purpose).order_by(OutboxMail.created_at)
        ).scalars()
    )
