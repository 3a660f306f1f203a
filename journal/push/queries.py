"""Reading web push: a patient's phones and quiet hours, and where a note goes."""

from base64 import b64decode
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from journal.accounts.queries import ACCOUNTS, SESSIONS
from journal.domain.access import Viewer
from journal.domain.days import find_zone
from journal.domain.quiet import QuietHours
from journal.kit.db import vault_of
from journal.kit.webpush import Subscription
from journal.push.models import PushDevice, PushQuiet

_D: Any = PushDevice.__table__.c
_Q: Any = PushQuiet.__table__.c
_A: Any = ACCOUNTS.c
LIVE: Any = PushDevice.__table__.join(
    SESSIONS, (SESSIONS.c.id == PushDevice.session_id) & SESSIONS.c.ended_at.is_(None)
)
"""Phones whose session was not ended. Whoever signs out is reached no more from that instant, before the row is gone."""


@dataclass(frozen=True, slots=True)
class Device:
    """A phone as its owner sees it in the list."""

    id: UUID
    name: str
    created_at: datetime
    last_success_at: datetime | None
    failures: int
    is_this: bool


@dataclass(frozen=True, slots=True)
class Reached:
    """A phone as it is sent to."""

    id: UUID
    subscription: Subscription


@dataclass(frozen=True, slots=True)
class Wall:
    """Whose clock counts for a patient, and when it must be quiet."""

    zone: ZoneInfo
    quiet: QuietHours


def list_devices(session: Session, viewer: Viewer, session_id: UUID | None = None) -> tuple[Device, ...]:
    """The patient's own phones, the oldest first; `session_id` is the one that asks. Raises NotYours for others."""
    viewer.must_be_patient()
    rows = session.execute(
        select(_D.id, _D.name, _D.created_at, _D.last_success_at, _D.failures, _D.session_id)
        .select_from(LIVE)
        .where(_D.account_id == viewer.patient_id)
        .order_by(_D.created_at, _D.id)
    )
    return tuple(Device(*row[:5], row.session_id == session_id) for row in rows)


def get_quiet(session: Session, viewer: Viewer) -> QuietHours:
    """Raises NotYours for anybody but the patient."""
    viewer.must_be_patient()
    row = session.execute(
        select(_Q.from_hour, _Q.until_hour).where(_Q.account_id == viewer.patient_id)
    ).one_or_none()
    return QuietHours() if row is None else QuietHours(*row)


def list_reachable(session: Session, account_ids: Collection[UUID]) -> dict[UUID, QuietHours]:
    """Those who have a phone that can be reached, with their quiet hours. One statement."""
    rows = session.execute(
        select(_D.account_id, func.min(_Q.from_hour), func.min(_Q.until_hour))
        .select_from(LIVE.outerjoin(PushQuiet, _Q.account_id == _D.account_id))
        .where(_D.account_id.in_(account_ids))
        .group_by(_D.account_id)
    )
    return {whose: QuietHours() if first is None else QuietHours(first, last) for whose, first, last in rows}


def find_wall(session: Session, account_id: UUID) -> Wall:
    row = session.execute(
        select(_A.zone, _Q.from_hour, _Q.until_hour)
        .select_from(ACCOUNTS.outerjoin(PushQuiet, _Q.account_id == _A.id))
        .where(_A.id == account_id)
    ).one()
    quiet = QuietHours() if row.from_hour is None else QuietHours(row.from_hour, row.until_hour)
    return Wall(find_zone(row.zone) or ZoneInfo("UTC"), quiet)


def list_reached(session: Session, account_id: UUID, note_id: UUID) -> tuple[Reached, ...]:
    """The phones that a note still has to go to: where a worker died half-way, those that have it are left out."""
    rows = session.execute(
        select(_D.id, _D.sealed)
        .select_from(LIVE)
        .where(_D.account_id == account_id, or_(_D.last_note_id.is_(None), _D.last_note_id != note_id))
        .order_by(_D.created_at, _D.id)
    ).all()
    vault = vault_of(session)
    return tuple(Reached(row.id, read(vault.open(row.sealed, b"push device", row.id.bytes))) for row in rows)


def read(data: bytes) -> Subscription:
    """A subscription as it was sealed."""
    told = orjson.loads(data)
    return Subscription(told["endpoint"], b64decode(told["public_key"]), b64decode(told["auth"]))
