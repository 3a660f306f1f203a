"""Reading clinics, their staff and their invitations."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from journal.accounts import queries as accounts
from journal.clinics.models import Clinic, ClinicInvitation, Staff
from journal.domain.errors import NotYours
from journal.kit.db import vault_of
from journal.kit.tokens import hash_token
from journal.kit.vault import Box

ROLES = ("admin", "clinician", "front-desk")
INVITE_DAYS = 14
"""Own choice: an invitation of staff that nobody accepted is no use after two weeks."""
PATIENT_INVITE_DAYS = 31
"""Own choice: a patient has a month to agree."""
CLINICS: Any = Clinic.__table__
STAFF: Any = Staff.__table__
"""For joining to from features to the right."""
_C: Any = CLINICS.c
_S: Any = STAFF.c
_I: Any = ClinicInvitation.__table__.c


@dataclass(frozen=True, slots=True)
class Settings:
    """A clinic with everything that can be set. `phq` is None until the clinic has chosen; `plan_confirmed_by` is a
    member of its staff."""

    id: UUID
    name: str
    created_at: datetime
    zone: ZoneInfo
    country: str | None
    phone: str
    hours: str
    after_hours: str
    phq: str | None
    response_plan: str
    plan_confirmed_at: datetime | None
    plan_confirmed_by: UUID | None
    digest_day: int
    digest_hour: int
    digest_due_at: datetime
    second_contact: str
    acknowledge_minutes: int
    rules_off: frozenset[str]
    blur_below: int


@dataclass(frozen=True, slots=True)
class Membership:
    """Somebody who is staff of a clinic now, and in which roles."""

    staff_id: UUID
    clinic_id: UUID
    account_id: UUID
    clinic_name: str
    roles: frozenset[str]
    wants_digest: bool

    def is_(self, *roles: str) -> bool:
        """Whether the person has one of these roles."""
        return not self.roles.isdisjoint(roles)


@dataclass(frozen=True, slots=True)
class Member:
    """A row of the staff list. `state`: "waiting" (invited, until `expires_at`), "unanswered", "active" or
    "removed"."""

    id: UUID
    account_id: UUID | None
    name: str
    email: str
    roles: frozenset[str]
    state: str
    created_at: datetime
    accepted_at: datetime | None
    removed_at: datetime | None
    wants_digest: bool
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """A patient's invitation as staff see it. `state`: "waiting", "unanswered", "agreed", "declined", "withdrawn"."""

    id: UUID
    way: str
    name: str
    email: str
    state: str
    created_at: datetime
    expires_at: datetime
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Invited:
    """What a mailed or printed link leads to, as long as it can be answered. `kind`: "staff" or "patient".
    `invited_hash` None: whoever holds the printed code."""

    kind: str
    id: UUID
    clinic_id: UUID
    invited_hash: bytes | None
    roles: frozenset[str]
    expires_at: datetime


def belongs_to(clinic_id: UUID, row_id: UUID) -> bytes:
    """What a sealed part of a clinic's is bound to."""
    return b"clinic|" + clinic_id.bytes + row_id.bytes


def get_box(session: Session, clinic_id: UUID) -> Box:
    """What opens and seals a clinic's own things. Raises NotYours."""
    wrapped = session.execute(select(_C.wrapped_key).where(_C.id == clinic_id)).scalar_one_or_none()
    if wrapped is None:
        raise NotYours("clinic")
    return vault_of(session).box(wrapped, clinic_id.bytes)


def roles_of(row: Any) -> frozenset[str]:
    held = (row.is_admin, row.is_clinician, row.is_front_desk)
    return frozenset(role for role, has in zip(ROLES, held, strict=True) if has)


def get_settings(session: Session, clinic_id: UUID) -> Settings:
    """Raises NotYours where there is no such clinic."""
    row = session.execute(select(CLINICS).where(_C.id == clinic_id)).one_or_none()
    if row is None:
        raise NotYours("clinic")
    return settings_of(row)


def settings_of(row: Any) -> Settings:
    return Settings(
        row.id,
        row.name,
        row.created_at,
        ZoneInfo(row.zone),
        row.country,
        row.phone,
        row.hours,
        row.after_hours,
        row.phq,
        row.response_plan,
        row.plan_confirmed_at,
        row.plan_confirmed_by,
        row.digest_day,
        row.digest_hour,
        row.digest_due_at,
        row.second_contact,
        row.acknowledge_minutes,
        frozenset(row.rules_off.split()),
        row.blur_below,
    )


def list_memberships(session: Session, account_id: UUID) -> tuple[Membership, ...]:
    """The clinics in which the person is staff now, the first joined first."""
    rows = session.execute(
        select(
            _S.id,
            _S.clinic_id,
            _S.is_admin,
            _S.is_clinician,
            _S.is_front_desk,
            _S.wants_digest,
            _C.name,
        )
        .join(CLINICS, _C.id == _S.clinic_id)
        .where(_S.account_id == account_id, *is_active())
        .order_by(_S.accepted_at)
    ).all()
    return tuple(
        Membership(row.id, row.clinic_id, account_id, row.name, roles_of(row), row.wants_digest)
        for row in rows
    )


def is_active() -> tuple[Any, ...]:
    """When a row of the staff table is in force."""
    return _S.accepted_at.is_not(None), _S.removed_at.is_(None)


def clinician_in(account_id: UUID) -> Any:
    """The clinics in which the person is a clinician now, as a subquery: asked anew with every read."""
    return select(_S.clinic_id).where(_S.account_id == account_id, _S.is_clinician, *is_active())


def list_staff(session: Session, clinic_id: UUID, now: datetime) -> tuple[Member, ...]:
    """Everybody who is, was or is asked to be staff; the removed last."""
    rows = session.execute(
        select(STAFF).where(_S.clinic_id == clinic_id).order_by(_S.removed_at.is_not(None), _S.created_at)
    ).all()
    if not rows:
        return ()
    box = get_box(session, clinic_id)
    return tuple(_member(row, box, now) for row in rows)


def _member(row: Any, box: Box, now: datetime) -> Member:
    told = orjson.loads(box.open(row.sealed, belongs_to(row.clinic_id, row.id)))
    is_gone = row.removed_at or (row.accepted_at and row.account_id is None)  # or the account was deleted
    state = "removed" if is_gone else "active" if row.accepted_at else "waiting"
    if state == "waiting" and row.invite_expires_at <= now:
        state = "unanswered"
    return Member(
        row.id,
        row.account_id,
        told["name"],
        told["email"],
        roles_of(row),
        state,
        row.created_at,
        row.accepted_at,
        row.removed_at,
        row.wants_digest,
        row.invite_expires_at,
    )


def get_member(session: Session, clinic_id: UUID, staff_id: UUID, now: datetime) -> Member:
    """One of the clinic's staff. Raises NotYours."""
    found = next((one for one in list_staff(session, clinic_id, now) if one.id == staff_id), None)
    if found is None:
        raise NotYours("staff")
    return found


def list_names(session: Session, account_ids: Sequence[UUID]) -> dict[tuple[UUID, UUID], str]:
    """(clinic, account) to the name by which the clinic knows its staff, removed ones too."""
    if not account_ids:
        return {}
    rows = session.execute(
        select(_S.id, _S.clinic_id, _S.account_id, _S.sealed, _C.wrapped_key)
        .join(CLINICS, _C.id == _S.clinic_id)
        .where(_S.account_id.in_(list(account_ids)))
        .order_by(_S.created_at)
    ).all()
    vault, names = vault_of(session), {}
    for row in rows:
        box = vault.box(row.wrapped_key, row.clinic_id.bytes)
        told = orjson.loads(box.open(row.sealed, belongs_to(row.clinic_id, row.id)))
        names[(row.clinic_id, row.account_id)] = told["name"]
    return names


@dataclass(frozen=True, slots=True)
class Recipient:
    """A member of the staff who can be written to, at the account's own address."""

    staff_id: UUID
    account_id: UUID
    email: str
    roles: frozenset[str]
    wants_digest: bool


def list_recipients(session: Session, clinic_id: UUID, *roles: str) -> tuple[Recipient, ...]:
    """Staff in force who have one of the roles."""
    rows = session.execute(
        select(
            _S.id,
            _S.account_id,
            _S.is_admin,
            _S.is_clinician,
            _S.is_front_desk,
            _S.wants_digest,
            accounts.ACCOUNTS.c.email,
        )
        .join(accounts.ACCOUNTS, accounts.ACCOUNTS.c.id == _S.account_id)
        .where(_S.clinic_id == clinic_id, *is_active())
        .order_by(_S.accepted_at)
    ).all()
    found = (Recipient(row.id, row.account_id, row.email, roles_of(row), row.wants_digest) for row in rows)
    return tuple(one for one in found if not one.roles.isdisjoint(roles))


def list_asked(session: Session, clinic_id: UUID, now: datetime) -> tuple[Asked, ...]:
    """The clinic's invitations of patients, the newest first."""
    rows = session.execute(
        select(ClinicInvitation.__table__).where(_I.clinic_id == clinic_id).order_by(_I.created_at.desc())
    ).all()
    if not rows:
        return ()
    box = get_box(session, clinic_id)
    return tuple(_asked(row, box, now) for row in rows)


def _asked(row: Any, box: Box, now: datetime) -> Asked:
    told = orjson.loads(box.open(row.sealed, belongs_to(row.clinic_id, row.id)))
    state = row.answer or ("waiting" if row.expires_at > now else "unanswered")
    return Asked(
        row.id,
        row.way,
        told["name"],
        told.get("email", ""),
        state,
        row.created_at,
        row.expires_at,
        row.answered_at,
    )


def find_invited(session: Session, token: str, now: datetime) -> Invited | None:
    """What the link of a mail or a printed code leads to, or None: used, taken back, or too old."""
    hashed = hash_token(token)
    staff = session.execute(
        select(STAFF).where(
            _S.invite_hash == hashed,
            _S.accepted_at.is_(None),
            _S.removed_at.is_(None),
            _S.invite_expires_at > now,
        )
    ).one_or_none()
    if staff is not None:
        return Invited(
            "staff", staff.id, staff.clinic_id, staff.invited_hash, roles_of(staff), staff.invite_expires_at
        )
    row = session.execute(
        select(_I.id, _I.clinic_id, _I.invited_hash, _I.expires_at).where(
            _I.token_hash == hashed, _I.answer.is_(None), _I.expires_at > now
        )
    ).one_or_none()
    if row is None:
        return None
    return Invited("patient", row.id, row.clinic_id, row.invited_hash, frozenset(), row.expires_at)


def count_asked(session: Session, clinic_id: UUID, now: datetime) -> int:
    """How many patients were invited and have not answered yet."""
    return session.execute(
        select(func.count()).where(_I.clinic_id == clinic_id, _I.answer.is_(None), _I.expires_at > now)
    ).scalar_one()


def get_asked(session: Session, clinic_id: UUID, invitation_id: UUID, now: datetime) -> Asked:
    """One of the clinic's invitations of patients. Raises NotYours."""
    row = session.execute(
        select(ClinicInvitation.__table__).where(_I.clinic_id == clinic_id, _I.id == invitation_id)
    ).one_or_none()
    if row is None:
        raise NotYours("invitation")
    return _asked(row, get_box(session, clinic_id), now)


def list_clinics(session: Session) -> tuple[tuple[Settings, int], ...]:
    """Every clinic with the number of its staff in force, by name: for the operator alone."""
    staffed = select(_S.clinic_id, func.count().label("count")).where(*is_active()).group_by(_S.clinic_id)
    counted = staffed.subquery()
    rows = session.execute(
        select(CLINICS, func.coalesce(counted.c.count, 0).label("staff_count"))
        .outerjoin(counted, counted.c.clinic_id == _C.id)
        .order_by(_C.name, _C.created_at)
    ).all()
    return tuple((settings_of(row), row.staff_count) for row in rows)


def mailed_token(session: Session, purpose: bytes, row_id: UUID, expires_at: datetime) -> str:
    """The token of an invitation's mail. Made from what it is for and until when it can be used, so that a mail that
    has to be sent twice says the same, and one asked for again makes the earlier link useless. Only a hash of it is
    kept, and without the server's key nobody can make it."""
    told = row_id.bytes + expires_at.astimezone(UTC).isoformat(timespec="microseconds").encode()
    return urlsafe_b64encode(vault_of(session).keyed_hash(told, purpose)).decode().rstrip("=")


def unsubscribe_token(session: Session, staff_id: UUID) -> str:
    """What the link holds by which a member of the staff turns the digest's mail off."""
    hashed = vault_of(session).keyed_hash(staff_id.bytes, b"turn the digest off")
    return urlsafe_b64encode(hashed).decode().rstrip("=")


def invited_hash(session: Session, email_key: str) -> bytes:
    """How an invited address is kept and compared."""
    return vault_of(session).keyed_hash(email_key.encode(), b"invited by a clinic")


def list_due_looks(session: Session, now: datetime) -> tuple[UUID, ...]:
    """The clinics whose daily look is due."""
    return tuple(session.execute(select(_C.id).where(_C.look_due_at <= now)).scalars())


def list_digests_due(session: Session, until: datetime) -> tuple[UUID, ...]:
    """The clinics whose digest is due at this instant, the longest due first."""
    due = select(_C.id).where(_C.digest_due_at <= until).order_by(_C.digest_due_at)
    return tuple(session.execute(due).scalars())


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Whom the token of a digest's mail belongs to, as long as they are staff."""

    staff_id: UUID
    clinic_id: UUID
    account_id: UUID
    wants_digest: bool


def find_subscriber(session: Session, token: str) -> Subscriber | None:
    row = session.execute(
        select(_S.id, _S.clinic_id, _S.account_id, _S.wants_digest).where(
            _S.unsubscribe_hash == hash_token(token), _S.account_id.is_not(None), *is_active()
        )
    ).one_or_none()
    return None if row is None else Subscriber(*row)


LATE = timedelta(minutes=30)


def overdue(session: Session, now: datetime) -> tuple[str, ...]:
    """What health says of clinics: nothing of anybody."""
    told = []
    if session.execute(select(_C.id).where(_C.look_due_at < now - LATE).limit(1)).first() is not None:
        told.append("A clinic’s daily look has been due for 30 minutes.")
    staffed = select(_S.clinic_id).where(_S.account_id.is_not(None), *is_active())
    waits = select(_S.clinic_id).where(_S.accepted_at.is_(None), _S.removed_at.is_(None))
    nobody = select(_C.id).where(_C.id.not_in(staffed), _C.id.not_in(waits))
    if session.execute(nobody.limit(1)).first() is not None:
        told.append("A clinic has nobody to tell. See: flask clinic list.")
    return tuple(told)
