"""Reading digests: which there are, which is next, and what stands in one for whoever may see it now."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import orjson
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from journal.clinic_flags import queries as flags
from journal.clinics import queries as clinics
from journal.clinics.queries import Settings
from journal.digests.gather import Span
from journal.digests.models import Digest, DigestRow, DigestSending
from journal.domain.digest import Item
from journal.domain.digest_counts import Counts
from journal.domain.weeks import GRACE, Week, bounds, due_at
from journal.entries.queries import KEYS
from journal.flags.queries import TAKEN_BACK
from journal.kit.db import vault_of
from journal.shares import queries as shares
from journal.shares.queries import Reading

OVERDUE = timedelta(minutes=30)
"""A digest that is due for so long and not made: something is wrong (product decision)."""
_D: Any = Digest.__table__.c
_R: Any = DigestRow.__table__.c
_N: Any = DigestSending.__table__.c
_K: Any = KEYS.c


@dataclass(frozen=True, slots=True)
class Made:
    """A digest that was made, with everything that its mails say. `sent_to`: for how many people a mail was put into
    the outbox."""

    id: UUID
    clinic_id: UUID
    week: Week
    span: Span
    made_at: datetime
    counts: Counts
    below: int
    day: int
    hour: int
    sent_to: int = 0


@dataclass(frozen=True, slots=True)
class Next:
    """The first week that has no digest, and when that is due."""

    week: Week
    due_at: datetime


def digest_id(clinic_id: UUID, week: Week) -> UUID:
    return uuid5(clinic_id, week.label)


def belongs_to(made_id: UUID, patient_id: UUID) -> bytes:
    """What a row is bound to."""
    return b"digest|" + made_id.bytes + patient_id.bytes


def _made(row: Any, sent_to: int = 0) -> Made:
    told = orjson.loads(row.told)
    return Made(
        row.id,
        row.clinic_id,
        Week.parse(row.week),
        Span(row.starts_at, row.ends_at),
        row.made_at,
        Counts(**told["counts"]),
        told["below"],
        told["day"],
        told["hour"],
        sent_to,
    )


def find_digest(session: Session, clinic_id: UUID, week: Week) -> Made | None:
    return find_by_id(session, digest_id(clinic_id, week))


def find_by_id(session: Session, made_id: UUID) -> Made | None:
    row = session.execute(select(Digest.__table__).where(_D.id == made_id)).one_or_none()
    if row is None:
        return None
    counted = select(func.count()).where(_N.digest_id == made_id)
    return _made(row, session.execute(counted).scalar_one())


def list_digests(session: Session, clinic_id: UUID) -> tuple[Made, ...]:
    """The clinic's digests, the newest week first."""
    counted = (
        select(_N.digest_id, func.count().label("count"))
        .join(Digest.__table__, _D.id == _N.digest_id)
        .where(_D.clinic_id == clinic_id)
        .group_by(_N.digest_id)
    )
    sent = {row[0]: row[1] for row in session.execute(counted)}
    rows = session.execute(
        select(Digest.__table__).where(_D.clinic_id == clinic_id).order_by(_D.starts_at.desc())
    )
    return tuple(_made(row, sent.get(row.id, 0)) for row in rows)


def _list_spans(session: Session, clinic_id: UUID) -> dict[Week, Span]:
    rows = session.execute(select(_D.week, _D.starts_at, _D.ends_at).where(_D.clinic_id == clinic_id))
    return {Week.parse(row.week): Span(row.starts_at, row.ends_at) for row in rows}


def _span(week: Week, made: Mapping[Week, Span], settings: Settings) -> Span:
    """From the end of the week before, as it was made, to the beginning of the one after: wherever the clinic says it
    is, no instant is in two weeks or in none."""
    starts_at, ends_at = bounds(week, settings.zone)
    before, after = made.get(week.previous), made.get(week.next)
    return Span(before.ends_at if before else starts_at, after.starts_at if after else ends_at)


def get_span(session: Session, settings: Settings, week: Week) -> Span:
    """From when to when the clinic's week goes."""
    return _span(week, _list_spans(session, settings.id), settings)


def find_next(session: Session, settings: Settings) -> Next:
    """The first week since there is the clinic that has no digest."""
    made = _list_spans(session, settings.id)
    week = Week.of(settings.created_at.astimezone(settings.zone).date())
    while week in made or _span(week, made, settings).ends_at <= settings.created_at:
        week = week.next
    due = due_at(week, settings.zone, settings.digest_day, settings.digest_hour)
    return Next(week, max(due, _span(week, made, settings).ends_at + GRACE))


def overdue(session: Session, now: datetime) -> str | None:
    """A sentence when a digest should have been made half an hour ago; it names nobody."""
    if clinics.list_digests_due(session, now - OVERDUE):
        return "A weekly digest has been due for 30 minutes and is not made."
    return None


def is_overdue(session: Session, clinic_id: UUID, now: datetime) -> bool:
    return clinics.get_settings(session, clinic_id).digest_due_at <= now - OVERDUE


@dataclass(frozen=True, slots=True)
class Seen:
    """A patient in a digest, as far as the share that is open now holds what was said. `closed`: flags that the clinic
    has closed since; `is_reviewed`: the summary was marked as reviewed since."""

    reading: Reading
    items: tuple[Item, ...]
    closed: frozenset[UUID]
    is_reviewed: bool

    @property
    def section(self) -> str:
        return self.items[0].section


def list_seen(session: Session, made: Made, reader_id: UUID, now: datetime) -> tuple[Seen, ...]:
    """The digest's rows for a clinician of its clinic: only of patients whose share is open at this instant, and of
    each only what the share holds. A fixed number of statements. Whoever asks has made sure that the person is a
    clinician there."""
    rows = session.execute(
        select(_R.patient_id, _R.share_id, _R.sealed, _K.wrapped_key)
        .join(KEYS, _K.patient_id == _R.patient_id)
        .where(_R.digest_id == made.id)
    ).all()
    readings = {one.share_id: one for one in shares.list_followed(session, made.clinic_id, reader_id, now)}
    vault, found = vault_of(session), []
    for row in rows:
        reading = readings.get(row.share_id)
        if reading is None:
            continue
        box = vault.box(row.wrapped_key, row.patient_id.bytes)
        told = orjson.loads(box.open(row.sealed, belongs_to(made.id, row.patient_id)))
        items = tuple(item for item in map(Item.load, told) if item.is_held(reading.scope))
        if items:
            found.append((reading, items))
    causes = [UUID(one.cause.id) for _reading, items in found for one in items if one.cause]
    closed = flags.list_closed(session, made.clinic_id, causes)
    taken_back = flags.list_taken_back(session, made.clinic_id, causes)
    reviewed = dict(shares.stream_reviewed(session, made.clinic_id, now))
    return tuple(
        Seen(
            reading,
            tuple(
                replace(one, says=TAKEN_BACK) if one.cause and UUID(one.cause.id) in taken_back else one
                for one in items
            ),
            closed & {UUID(one.cause.id) for one in items if one.cause},
            reviewed.get(reading.viewer.patient_id, made.span.starts_at) > made.made_at,
        )
        for reading, items in found
    )
