"""Reading reminders: a patient's own settings, and whose time has come."""

from base64 import urlsafe_b64encode
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from journal.accounts.queries import ACCOUNTS
from journal.domain.access import Viewer
from journal.domain.checkin import CheckIn
from journal.domain.days import day_of, find_zone
from journal.domain.infusion import Infusion
from journal.domain.reminders import DENSE_DAYS, FIRST_HOUR, LATE, next_due
from journal.entries.queries import list_days_of
from journal.kit.db import vault_of
from journal.kit.tokens import hash_token
from journal.reminders.models import Reminder

REMINDERS: Any = Reminder.__table__
_R: Any = REMINDERS.c
_A: Any = ACCOUNTS.c
_ACTIVE = (_R.is_on.is_(True), _R.is_paused.is_(False))


@dataclass(frozen=True, slots=True)
class Reminders:
    """How somebody wants to be reminded; as the form begins where they never said."""

    is_on: bool = False
    is_paused: bool = False
    hour: int = FIRST_HOUR
    cadence: str = "daily"
    last_turn_on: date | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A reminder whose time has come, or whose patient has travelled: then `zone` is no longer `reckoned_in`."""

    account_id: UUID
    email: str
    is_verified: bool
    zone: ZoneInfo
    reckoned_in: str
    day_ends_hour: int
    hour: int
    cadence: str
    last_turn_on: date | None
    due_at: datetime

    @property
    def has_travelled(self) -> bool:
        return self.zone.key != self.reckoned_in


def pause_token(session: Session, account_id: UUID) -> str:
    """The token in the link that pauses: the same in every mail to a person, and one that only this server can make."""
    made = vault_of(session).keyed_hash(account_id.bytes, b"pause reminders")
    return urlsafe_b64encode(made).decode().rstrip("=")


def get_reminders(session: Session, viewer: Viewer) -> Reminders:
    """For the patient alone. Raises NotYours for anybody else."""
    viewer.must_be_patient()
    row = session.execute(
        select(_R.is_on, _R.is_paused, _R.hour, _R.cadence, _R.last_turn_on).where(
            _R.account_id == viewer.patient_id
        )
    ).one_or_none()
    return Reminders() if row is None else Reminders(*row)


def find_next(
    session: Session, viewer: Viewer, zone: ZoneInfo, day_ends_hour: int, now: datetime
) -> datetime | None:
    """When the next one comes, as things stand, unless that day is logged by then; None while they are off or paused."""
    held = get_reminders(session, viewer)
    if not held.is_on or held.is_paused:
        return None
    days = list_days(session, [viewer.patient_id], now)[viewer.patient_id]
    infusions = days[Infusion.kind]
    hour, cadence = held.hour, held.cadence
    due_at = next_due(now, zone, hour, cadence, held.last_turn_on, infusions, day_ends_hour)
    due_day = day_of(due_at, zone, day_ends_hour)
    if due_day in days[CheckIn.kind]:
        due_at = next_due(due_at, zone, hour, cadence, due_day, infusions, day_ends_hour)
    return due_at


def is_known(session: Session, token: str) -> bool:
    """Whether a mail's link is somebody's."""
    statement = select(_R.account_id).where(_R.token_hash == hash_token(token))
    return session.execute(statement).first() is not None


def claim_due(session: Session, now: datetime, most: int) -> list[Due]:
    """Those whose time has come, the oldest first, held until the end of the transaction. One that another worker holds
    is left to it."""
    return _claim(session, _R.next_due_at <= now, most)


def claim_travelled(session: Session, most: int) -> list[Due]:
    """Those that were reckoned in a zone in which their patient is no more, held likewise."""
    return _claim(session, _R.zone != _A.zone, most)


def _claim(session: Session, which: ColumnElement[bool], most: int) -> list[Due]:
    rows = session.execute(
        select(
            _R.account_id,
            _A.email,
            _A.verified_at,
            _A.zone,
            _R.zone.label("reckoned_in"),
            _A.day_ends_hour,
            _R.hour,
            _R.cadence,
            _R.last_turn_on,
            _R.next_due_at,
        )
        .select_from(REMINDERS.join(ACCOUNTS, _A.id == _R.account_id))
        .where(*_ACTIVE, which)
        .order_by(_R.next_due_at, _R.account_id)
        .limit(most)
        .with_for_update(of=REMINDERS, skip_locked=True)
    )
    return [
        Due(
            row.account_id,
            row.email,
            row.verified_at is not None,
            find_zone(row.zone) or ZoneInfo("UTC"),  # one unknown zone must not keep everybody's back
            row.reckoned_in,
            row.day_ends_hour,
            row.hour,
            row.cadence,
            row.last_turn_on,
            row.next_due_at,
        )
        for row in rows
    ]


def find_wanted(session: Session, account_id: UUID, asked_at: datetime, now: datetime) -> str | None:
    """Whether what was asked for should still go out now, and to which address: reminders may have been paused meanwhile,
    the address changed, the day logged, or what delivers may have been away for hours."""
    row = session.execute(
        select(_A.zone, _A.day_ends_hour, _A.email)
        .select_from(REMINDERS.join(ACCOUNTS, _A.id == _R.account_id))
        .where(_R.account_id == account_id, *_ACTIVE, _A.verified_at.is_not(None))
    ).one_or_none()
    if row is None or now - asked_at > LATE:
        return None
    zone = find_zone(row.zone) or ZoneInfo("UTC")
    day = day_of(asked_at, zone, row.day_ends_hour)
    is_logged = day in list_days(session, [account_id], now)[account_id][CheckIn.kind]
    return None if is_logged else str(row.email)


def list_days(
    session: Session, account_ids: Collection[UUID], now: datetime
) -> dict[UUID, dict[str, set[date]]]:
    """On which days these patients have check-ins and infusions, as far back as reminders of today ask. One statement,
    on behalf of each patient."""
    since = (now - timedelta(days=DENSE_DAYS + 2)).date()  # wherever they are, and whenever their day ends
    return list_days_of(
        session, [Viewer.patient(one) for one in account_ids], (CheckIn.kind, Infusion.kind), since
    )
