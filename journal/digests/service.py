"""Making digests, sending them, and stopping them. Nothing here commits.

Made in two steps: `prepare` reads everything, in a fixed number of statements and a steady share of memory; `keep`
writes it down in one short transaction with its mails. Whoever comes second finds what the first one kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import orjson
from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from journal.audit import service as audit
from journal.clinic_flags import queries as flags
from journal.clinic_flags.queries import Unclosed
from journal.clinics import queries as clinics
from journal.clinics import service as clinic_service
from journal.clinics.queries import Settings
from journal.digests import gather, queries
from journal.digests.gather import Span
from journal.digests.models import Digest, DigestRow, DigestSending
from journal.digests.queries import Made, Seen, belongs_to, digest_id
from journal.domain.digest import Cause, OpenFlag, build_row
from journal.domain.digest_counts import Counts
from journal.domain.errors import Refused
from journal.domain.flag_rules import RULES
from journal.domain.summary import say_to_reader
from journal.domain.weeks import GRACE, Week
from journal.entries.queries import CameIn, Following, Stream
from journal.kit import outbox
from journal.kit.db import upsert
from journal.kit.vault import Box
from journal.shares import queries as shares
from journal.shares import service as share_service

ROLES = ("clinician", "admin")
"""Who gets the weekly mail: it holds counts only."""
_DIGESTS: Any = Digest.__table__
_SENDINGS: Any = DigestSending.__table__


@dataclass(frozen=True, slots=True)
class Prepared:
    """A digest that was read and not yet kept: of each patient with something to say, the sealed row."""

    clinic_id: UUID
    week: Week
    span: Span
    counts: Counts
    rows: list[tuple[UUID, UUID, bytes]]


def prepare(session: Session, clinic_id: UUID, week: Week, now: datetime) -> Prepared:
    """Read what the clinic's week comes to. Raises Refused for a week that isn't over, or was before the clinic."""
    settings = clinics.get_settings(session, clinic_id)
    span = queries.get_span(session, settings, week)
    if span.ends_at <= settings.created_at:
        raise Refused({"week": f"There was no clinic yet in the week of {week.says}."})
    if now < span.ends_at + GRACE:
        raise Refused({"week": f"The week of {week.says} is not over yet."})
    patients = shares.followed_patients(clinic_id, now)
    stream = Stream(session, patients, gather.wants(span))
    came_in = CameIn(session, patients, gather.LOGGED, span.starts_at)
    raised = Following((one.patient_id, one) for one in flags.stream_unclosed(session, clinic_id))
    reviewed = Following(shares.stream_reviewed(session, clinic_id, now))
    made_id, told, rows = digest_id(clinic_id, week), Counts(), []
    for followed in shares.stream_followed(session, clinic_id, now):
        viewer, box = followed.viewer, followed.box
        scope, patient_id = viewer.scope, viewer.patient_id
        if scope is None:
            continue
        entries = stream.of(viewer, box)
        known = gather.tell(
            followed,
            scope,
            span,
            entries,
            came_in.of(viewer, box, entries),
            [_open_flag(one, box) for _patient, one in raised.of(patient_id) if one.told_at <= now],
            next((seen for _patient, seen in reviewed.of(patient_id)), None),
        )
        row = build_row(replace(known, off=settings.rules_off))
        told = told.add(row)
        if row.items:
            plain = orjson.dumps([one.dump() for one in row.items])
            rows.append((patient_id, followed.share_id, box.seal(plain, belongs_to(made_id, patient_id))))
    return Prepared(clinic_id, week, span, told, rows)


def _open_flag(flag: Unclosed, box: Box) -> OpenFlag:
    told = flag.open(box)
    cause = Cause(str(flag.id), told["rule"], told["kind"], datetime.fromisoformat(told["day"]).date())
    return OpenFlag(cause, RULES[cause.rule].urgency, say_to_reader(told["why"]), flag.state)


def keep(session: Session, prepared: Prepared, now: datetime) -> tuple[Made, bool, int] | None:
    """Keep the digest, and ask for a mail to everybody who is entitled to it, wants it, and hasn't had it. Gives it,
    whether it was made just now, and how many mails were asked for; None where the clinic's weeks have moved meanwhile:
    then it has to be prepared anew."""
    clinic_service.lock(session, prepared.clinic_id)
    settings = clinics.get_settings(session, prepared.clinic_id)
    is_new = False
    found = queries.find_digest(session, prepared.clinic_id, prepared.week)
    if found is None:
        if queries.get_span(session, settings, prepared.week) != prepared.span:
            return None
        is_new = _insert(session, prepared, settings, now)
        found = queries.find_digest(session, prepared.clinic_id, prepared.week)
    if found is None:
        return None
    mails = send(session, found, now)
    reschedule(session, prepared.clinic_id)
    return found, is_new, mails


def _insert(session: Session, prepared: Prepared, settings: Settings, now: datetime) -> bool:
    made_id = digest_id(prepared.clinic_id, prepared.week)
    told = {
        "counts": prepared.counts.dump(),
        "below": settings.blur_below,
        "day": settings.digest_day,
        "hour": settings.digest_hour,
    }
    statement = upsert(session, _DIGESTS).values(
        id=made_id,
        clinic_id=prepared.clinic_id,
        week=prepared.week.label,
        starts_at=prepared.span.starts_at,
        ends_at=prepared.span.ends_at,
        made_at=now,
        people=prepared.counts.people,
        told=orjson.dumps(told, option=orjson.OPT_SORT_KEYS).decode(),
    )
    is_new = session.execute(statement.on_conflict_do_nothing().returning(_DIGESTS.c.id)).first() is not None
    if is_new:
        still_open = shares.list_open_ids(session, prepared.clinic_id, now)
        rows = [
            {"digest_id": made_id, "patient_id": patient_id, "share_id": share_id, "sealed": sealed}
            for patient_id, share_id, sealed in prepared.rows
            if share_id in still_open
        ]
        if rows:
            session.execute(insert(DigestRow.__table__), rows)  # type: ignore[arg-type] # a table is a table
    return is_new


def send(session: Session, made: Made, now: datetime) -> int:
    """Ask for the digest's mail to everybody entitled who wants it and hasn't had it; gives to how many."""
    wishing = [one for one in clinics.list_recipients(session, made.clinic_id, *ROLES) if one.wants_digest]
    sent = 0
    for one in wishing:
        statement = upsert(session, _SENDINGS).values(digest_id=made.id, staff_id=one.staff_id, at=now)
        told = session.execute(statement.on_conflict_do_nothing().returning(_SENDINGS.c.staff_id)).first()
        if told is not None:
            sent += outbox.put(
                session,
                "digest",
                one.email,
                one.account_id,
                now,
                subject_id=made.id,
                mail_id=uuid5(made.id, one.staff_id.hex),
                group_id=made.clinic_id,
            )
    return sent


def reschedule(session: Session, clinic_id: UUID) -> None:
    """Work out anew when the clinic's next digest is due: after one was made, and after its zone, its day or its hour
    were changed. No week comes twice, and none is left out."""
    settings = clinics.get_settings(session, clinic_id)
    clinic_service.set_digest_due(session, clinic_id, queries.find_next(session, settings).due_at)


def note_shown(session: Session, reader_id: UUID, shown: Sequence[Seen], now: datetime) -> None:
    """Put into the access log of each patient shown that somebody reads of them in a digest: the kinds and days that
    what is shown comes from."""
    share_service.note_digest_reads(
        session,
        reader_id,
        [
            (
                one.reading,
                frozenset(kind for item in one.items for kind in item.kinds),
                min(item.first for item in one.items),
                max(item.last for item in one.items),
            )
            for one in shown
        ],
        now,
    )


def is_known(session: Session, token: str) -> bool:
    """Whether the token stands in a digest's mails of somebody who is staff."""
    return clinics.find_subscriber(session, token) is not None


def unsubscribe(session: Session, token: str, now: datetime) -> bool:
    """Take the one recipient off whose mail holds the token, and tell the clinic's other admins, once. False for a
    token that isn't of a digest's mail."""
    found = clinics.find_subscriber(session, token)
    if found is None:
        return False
    if clinic_service.stop_digest(session, found.staff_id):
        audit.note(
            session, "digest-stopped", now, actor_id=found.account_id, subject=f"staff:{found.staff_id}"
        )
        for admin in clinics.list_recipients(session, found.clinic_id, "admin"):
            if admin.staff_id != found.staff_id:
                outbox.put(
                    session,
                    "digest-stopped",
                    admin.email,
                    admin.account_id,
                    now,
                    subject_id=found.staff_id,
                    group_id=found.clinic_id,
                )
    return True


def forget(session: Session, account_id: UUID) -> None:
    """Delete what digests said of the patient. The counts stay: they are nobody's."""
    session.execute(delete(DigestRow).where(DigestRow.patient_id == account_id))
