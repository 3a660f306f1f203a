"""Making clinics, looking after their staff and settings, and asking patients. Nothing here commits.

Whoever calls has made sure that the person is staff in a role that may do it; each function takes the clinic, and
changes nothing of another one. Roles are changed one after the other, so that a clinic always keeps an admin.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session, aliased

from journal.accounts import queries as accounts_queries
from journal.accounts import service as accounts
from journal.audit import service as audit
from journal.clinics import queries
from journal.clinics.models import Clinic, ClinicInvitation, Staff
from journal.clinics.queries import (
    INVITE_DAYS,
    PATIENT_INVITE_DAYS,
    ROLES,
    belongs_to,
    get_box,
    mailed_token,
)
from journal.domain import names
from journal.domain.days import find_zone, instant_of
from journal.domain.errors import NotYours, Refused
from journal.domain.help_numbers import countries
from journal.domain.weeks import Week, due_at
from journal.kit import outbox
from journal.kit.db import vault_of
from journal.kit.forms import ADDRESS_SHAPE, MOST_ADDRESS
from journal.kit.tokens import hash_token, new_code

MOST_CLINIC_NAME = 80
MOST_PLAN = 2000
DIGEST_DAY, DIGEST_HOUR = 0, 7
"""Own choice: Monday at seven, before the first patients come. Each clinic can change it."""
LOOK_HOUR = 5
"""Own choice: how patients are is looked at before the day begins."""
FORGET_AFTER = timedelta(days=90)
"""Own choice: for so long a clinic sees whom it asked in vain; then name and address go."""
STAFF_PURPOSE, PATIENT_PURPOSE = b"staff invitation", b"clinic invitation"
LAST_ADMIN = "A clinic needs an admin. Make somebody else an admin first."
SETTABLE = frozenset(
    {
        "zone",
        "country",
        "phone",
        "hours",
        "after_hours",
        "digest_day",
        "digest_hour",
        "second_contact",
        "acknowledge_minutes",
        "rules_off",
        "blur_below",
    }
)
"""What `save_settings` can change. Which PHQ is asked goes through `confirm_plan` and `choose_phq_8`."""


@dataclass(frozen=True, slots=True)
class NewStaff:
    """Somebody to be invited as staff."""

    name: str
    email: str
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class NewPatient:
    """A patient to be asked, by "mail" or by a printed "code"."""

    way: str
    name: str
    email: str = ""


def check_address(email: str) -> None:
    """Raises Refused for an address that mail can't be sent to."""
    if len(email) > MOST_ADDRESS or not ADDRESS_SHAPE.fullmatch(email):
        raise Refused({"email": "Enter a whole address, such as sam@example.org."})


def create_clinic(session: Session, name: str, zone: str, country: str, now: datetime) -> UUID:
    """A clinic with its own key and the usual settings. `country`: two letters, or empty for elsewhere. Raises
    Refused."""
    name, reasons = names.one_line(name), {}
    if told := names.problem(name, "Give the clinic a name.", MOST_CLINIC_NAME):
        reasons["name"] = told
    where = find_zone(zone)
    if where is None:
        reasons["zone"] = "Choose a time zone by its name, such as America/Denver."
    if country and country not in dict(countries()):
        known = " ".join(code for code, _name in countries())
        reasons["country"] = f"Choose one of these countries: {known}."
    if reasons or where is None:
        raise Refused(reasons)
    clinic_id = uuid4()
    session.add(
        Clinic(
            id=clinic_id,
            wrapped_key=vault_of(session).new_wrapped_key(clinic_id.bytes),
            name=name,
            created_at=now,
            zone=where.key,
            country=country or None,
            digest_due_at=due_at(Week.of(now.astimezone(where).date()), where, DIGEST_DAY, DIGEST_HOUR),
            look_due_at=next_look(where, now),
        )
    )
    session.flush()
    _note(session, "clinic-made", clinic_id, now, None)
    return clinic_id


def next_look(zone: ZoneInfo, now: datetime) -> datetime:
    """The next early morning in the zone."""
    today = now.astimezone(zone).date()
    due = instant_of(today, time(LOOK_HOUR), zone)
    return due if due > now else instant_of(today + timedelta(days=1), time(LOOK_HOUR), zone)


def _note(
    session: Session, action: str, clinic_id: UUID, now: datetime, actor_id: UUID | None, subject: str = ""
) -> None:
    audit.note(session, action, now, actor_id=actor_id, subject=subject or f"clinic:{clinic_id}")


def _lock(session: Session, clinic_id: UUID) -> None:
    """Let changes of a clinic's staff happen one after the other. SQLite's writers queue anyway. Raises NotYours."""
    found = session.execute(select(Clinic.id).where(Clinic.id == clinic_id).with_for_update())
    if found.scalar_one_or_none() is None:
        raise NotYours("clinic")


def _seal(session: Session, clinic_id: UUID, row_id: UUID, told: Mapping[str, str]) -> bytes:
    plain = orjson.dumps(dict(told), option=orjson.OPT_SORT_KEYS)
    return get_box(session, clinic_id).seal(plain, belongs_to(clinic_id, row_id))


# Staff


def _held(roles: Collection[str]) -> dict[str, bool]:
    """Raises Refused for no role at all, or one that isn't known."""
    if not roles or set(roles) - set(ROLES):
        raise Refused({"roles": "Choose at least one role."})
    columns = ("is_admin", "is_clinician", "is_front_desk")
    return {column: role in roles for column, role in zip(columns, ROLES, strict=True)}


def invite_staff(
    session: Session, clinic_id: UUID, staff_id: UUID, asked: NewStaff, now: datetime, actor_id: UUID | None
) -> bool:
    """Ask somebody to work with the clinic: a mail goes to the address. False if the same was asked already. Raises
    Refused for an address that is on the list."""
    _lock(session, clinic_id)
    there = session.execute(select(Staff.clinic_id).where(Staff.id == staff_id)).scalar_one_or_none()
    if there is not None:
        if there != clinic_id:
            raise NotYours("staff")
        return False
    check_address(asked.email)
    hashed = queries.invited_hash(session, accounts.email_key(asked.email))
    on_list = session.execute(
        select(Staff.id).where(
            Staff.clinic_id == clinic_id,
            Staff.invited_hash == hashed,
            Staff.removed_at.is_(None),
            or_(Staff.accepted_at.is_(None), Staff.account_id.is_not(None)),
        )
    ).first()
    if on_list is not None:
        raise Refused({"email": "This address is on the list already. Open it there to change something."})
    expires_at = now + timedelta(days=INVITE_DAYS)
    token = mailed_token(session, STAFF_PURPOSE, staff_id, expires_at)
    session.add(
        Staff(
            id=staff_id,
            clinic_id=clinic_id,
            **_held(asked.roles),
            sealed=_seal(session, clinic_id, staff_id, {"name": asked.name, "email": asked.email}),
            invited_hash=hashed,
            invite_hash=hash_token(token),
            invite_expires_at=expires_at,
            created_at=now,
            unsubscribe_hash=hash_token(queries.unsubscribe_token(session, staff_id)),
        )
    )
    session.flush()
    _mail(session, "staff-invitation", asked.email, staff_id, clinic_id, now)
    _note(session, "staff-invited", clinic_id, now, actor_id, f"staff:{staff_id}")
    return True


def _mail(
    session: Session, purpose: str, email: str, subject_id: UUID, clinic_id: UUID, now: datetime
) -> None:
    outbox.withdraw(session, subject_id)
    outbox.put(session, purpose, email, None, now, subject_id=subject_id, group_id=clinic_id)


def invite_staff_again(
    session: Session, clinic_id: UUID, staff_id: UUID, now: datetime, actor_id: UUID
) -> None:
    """Send the mail once more, for two more weeks; the link in the earlier one is no use from then on. Raises NotYours
    where nobody waits to be asked."""
    _lock(session, clinic_id)
    held = queries.get_member(session, clinic_id, staff_id, now)
    if held.state not in ("waiting", "unanswered"):
        raise NotYours("staff")
    expires_at = now + timedelta(days=INVITE_DAYS)
    token = mailed_token(session, STAFF_PURPOSE, staff_id, expires_at)
    session.execute(
        update(Staff)
        .where(Staff.id == staff_id)
        .values(invite_hash=hash_token(token), invite_expires_at=expires_at)
    )
    _mail(session, "staff-invitation", held.email, staff_id, clinic_id, now)
    _note(session, "staff-invited", clinic_id, now, actor_id, f"staff:{staff_id}")


def new_staff_invitation(session: Session, staff_id: UUID, now: datetime) -> str | None:
    """The token for an invitation's mail, the same each time it is asked for; None where nobody waits to be asked any
    more."""
    expires_at = session.execute(
        select(Staff.invite_expires_at).where(
            Staff.id == staff_id,
            Staff.invite_hash.is_not(None),
            Staff.removed_at.is_(None),
            Staff.invite_expires_at > now,
        )
    ).scalar_one_or_none()
    return None if expires_at is None else mailed_token(session, STAFF_PURPOSE, staff_id, expires_at)


def accept_staff(
    session: Session, token: str, account_id: UUID, email_key: str, now: datetime
) -> UUID | None:
    """The invited person joins: once, and only with the address it was sent to, which the caller knows to be proven.
    Gives the clinic, or None where the invitation is used, over, or somebody else's, or the person works there
    already."""
    invited = queries.find_invited(session, token, now)
    if invited is None or invited.kind != "staff":
        return None
    _lock(session, invited.clinic_id)
    other = aliased(Staff)
    works_there = (
        select(other.id)
        .where(
            other.clinic_id == invited.clinic_id, other.account_id == account_id, other.removed_at.is_(None)
        )
        .exists()
    )
    joined = session.execute(
        update(Staff)
        .where(
            Staff.invite_hash == hash_token(token),
            Staff.invited_hash == queries.invited_hash(session, email_key),
            Staff.accepted_at.is_(None),
            Staff.removed_at.is_(None),
            Staff.invite_expires_at > now,
            ~works_there,
        )
        .values(invite_hash=None, accepted_at=now, account_id=account_id)
        .returning(Staff.id)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if joined is None:
        return None
    _note(session, "staff-accepted", invited.clinic_id, now, account_id, f"staff:{joined}")
    accounts.begin_reading(session, account_id, now)
    return invited.clinic_id


def decline_staff(session: Session, token: str, account_id: UUID, email_key: str, now: datetime) -> bool:
    """The invited person doesn't want to."""
    row = session.execute(
        update(Staff)
        .where(
            Staff.invite_hash == hash_token(token),
            Staff.invited_hash == queries.invited_hash(session, email_key),
            Staff.removed_at.is_(None),
            Staff.invite_expires_at > now,
        )
        .values(invite_hash=None, removed_at=now, wants_digest=False)
        .returning(Staff.id, Staff.clinic_id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if row is not None:
        _note(session, "staff-declined", row.clinic_id, now, account_id, f"staff:{row.id}")
    return row is not None


def _keep_an_admin(session: Session, clinic_id: UUID, staff_id: UUID, field: str) -> None:
    """Raises Refused where this is the only admin."""
    others = session.execute(
        select(func.count()).where(
            Staff.clinic_id == clinic_id,
            Staff.id != staff_id,
            Staff.is_admin,
            Staff.account_id.is_not(None),
            *queries.is_active(),
        )
    ).scalar_one()
    if not others:
        raise Refused({field: LAST_ADMIN})


def change_roles(
    session: Session,
    clinic_id: UUID,
    staff_id: UUID,
    roles: Collection[str],
    now: datetime,
    actor_id: UUID,
) -> None:
    """From the next request on. Raises Refused for no role, and where the only admin would be none. Raises NotYours."""
    held = _held(roles)
    _lock(session, clinic_id)
    member = queries.get_member(session, clinic_id, staff_id, now)
    if member.state == "removed":
        raise NotYours("staff")
    if member.state == "active" and "admin" in member.roles and "admin" not in roles:
        _keep_an_admin(session, clinic_id, staff_id, "roles")
    if member.roles == frozenset(roles):
        return
    session.execute(update(Staff).where(Staff.id == staff_id).values(**held))
    _note(session, "staff-roles-changed", clinic_id, now, actor_id, f"staff:{staff_id}")


def remove_staff(session: Session, clinic_id: UUID, staff_id: UUID, now: datetime, actor_id: UUID) -> None:
    """Take somebody off the staff, or an invitation back, from the next request on. What they did stays kept under
    their name. Raises Refused for the only admin. Raises NotYours."""
    _lock(session, clinic_id)
    member = queries.get_member(session, clinic_id, staff_id, now)
    if member.state == "removed":
        raise NotYours("staff")
    if member.state == "active" and "admin" in member.roles:
        _keep_an_admin(session, clinic_id, staff_id, "form")
    session.execute(
        update(Staff).where(Staff.id == staff_id).values(removed_at=now, invite_hash=None, wants_digest=False)
    )
    outbox.withdraw(session, staff_id)
    _note(session, "staff-removed", clinic_id, now, actor_id, f"staff:{staff_id}")


def set_wants_digest(session: Session, staff_id: UUID, wants: bool, now: datetime, actor_id: UUID) -> None:
    """Turn the own digest's mail on or off."""
    clinic_id = session.execute(
        update(Staff)
        .where(Staff.id == staff_id, Staff.account_id == actor_id, *queries.is_active())
        .values(wants_digest=wants)
        .returning(Staff.clinic_id)
    ).scalar_one_or_none()
    if clinic_id is None:
        raise NotYours("staff")
    action = "digest-turned-on" if wants else "digest-turned-off"
    _note(session, action, clinic_id, now, actor_id, f"staff:{staff_id}")


# Settings


def save_settings(
    session: Session, clinic_id: UUID, values: Mapping[str, Any], now: datetime, actor_id: UUID
) -> None:
    """Keep settings that were checked by whoever calls. A change of zone moves the daily look; whoever changes the
    digest's day or hour has its next one worked out anew."""
    if set(values) - SETTABLE:
        raise ValueError("not a setting")
    _lock(session, clinic_id)
    before = queries.get_settings(session, clinic_id)
    changed: dict[str, Any] = dict(values)
    if "rules_off" in changed:
        changed["rules_off"] = " ".join(sorted(changed["rules_off"]))
    zone = find_zone(values["zone"]) if "zone" in values else before.zone
    if zone is None:
        raise Refused({"zone": "Choose a time zone from the list."})
    if zone != before.zone:
        changed["look_due_at"] = next_look(zone, now)
    session.execute(update(Clinic).where(Clinic.id == clinic_id).values(**changed))
    _note(session, "clinic-settings-saved", clinic_id, now, actor_id)


def confirm_plan(
    session: Session, clinic_id: UUID, staff_id: UUID, plan: str, now: datetime, actor_id: UUID
) -> None:
    """Ask the PHQ-9: somebody of the staff confirms that this is what happens when question 9 is not "not at all".
    Raises Refused for no plan, or one that is too long."""
    plan = plan.strip()
    if not plan:
        raise Refused({"plan": "Write down who answers, in what time, and what happens out of hours."})
    if len(plan) > MOST_PLAN:
        raise Refused({"plan": f"Keep it to {MOST_PLAN:,} characters. This has {len(plan):,}."})
    session.execute(
        update(Clinic)
        .where(Clinic.id == clinic_id)
        .values(phq="phq-9", response_plan=plan, plan_confirmed_at=now, plan_confirmed_by=staff_id)
    )
    _note(session, "response-plan-confirmed", clinic_id, now, actor_id)


def choose_phq_8(session: Session, clinic_id: UUID, now: datetime, actor_id: UUID) -> None:
    """Ask the PHQ-8, which has no question 9. A plan that was written stays, and has to be confirmed anew."""
    session.execute(
        update(Clinic)
        .where(Clinic.id == clinic_id)
        .values(phq="phq-8", plan_confirmed_at=None, plan_confirmed_by=None)
    )
    _note(session, "phq-8-chosen", clinic_id, now, actor_id)


# Patients


def ask_patient(
    session: Session,
    clinic_id: UUID,
    invitation_id: UUID,
    asked: NewPatient,
    now: datetime,
    staff_id: UUID,
    actor_id: UUID,
) -> str | None:
    """Ask a patient: a mail goes to the address, or the token given back is printed as a code, shown once. None if the
    same was asked already. Raises Refused for an address that waits to answer."""
    _lock(session, clinic_id)
    there = session.execute(
        select(ClinicInvitation.clinic_id).where(ClinicInvitation.id == invitation_id)
    ).scalar_one_or_none()
    if there is not None:
        if there != clinic_id:
            raise NotYours("invitation")
        return None
    hashed = _hash_of(session, clinic_id, asked, now) if asked.way == "mail" else None
    expires_at = now + timedelta(days=PATIENT_INVITE_DAYS)
    token = _patient_token(session, asked.way, invitation_id, expires_at)
    told = {"name": asked.name} | ({"email": asked.email} if asked.way == "mail" else {})
    session.add(
        ClinicInvitation(
            id=invitation_id,
            clinic_id=clinic_id,
            way=asked.way,
            sealed=_seal(session, clinic_id, invitation_id, told),
            invited_hash=hashed,
            token_hash=hash_token(token),
            created_at=now,
            created_by=staff_id,
            expires_at=expires_at,
        )
    )
    session.flush()
    if asked.way == "mail":
        _mail(session, "clinic-invitation", asked.email, invitation_id, clinic_id, now)
    _note(session, "patient-invited", clinic_id, now, actor_id, f"clinic-invitation:{invitation_id}")
    return token


def _hash_of(session: Session, clinic_id: UUID, asked: NewPatient, now: datetime) -> bytes:
    check_address(asked.email)
    hashed = queries.invited_hash(session, accounts.email_key(asked.email))
    waits = session.execute(
        select(ClinicInvitation.id).where(
            ClinicInvitation.clinic_id == clinic_id,
            ClinicInvitation.invited_hash == hashed,
            ClinicInvitation.answer.is_(None),
            ClinicInvitation.expires_at > now,
        )
    ).first()
    if waits is not None:
        raise Refused(
            {"email": "This address was invited, and has not answered yet. You find it in the list."}
        )
    return hashed


def _patient_token(session: Session, way: str, invitation_id: UUID, expires_at: datetime) -> str:
    if way == "code":
        return new_code()  # printed once, and known to nobody afterwards
    return mailed_token(session, PATIENT_PURPOSE, invitation_id, expires_at)


def ask_patient_again(
    session: Session, clinic_id: UUID, invitation_id: UUID, now: datetime, actor_id: UUID
) -> str:
    """Send the mail once more, or make the code anew, for another month; the earlier one is no use from then on.
    Raises NotYours where it was answered."""
    _lock(session, clinic_id)
    held = queries.get_asked(session, clinic_id, invitation_id, now)
    if held.state not in ("waiting", "unanswered"):
        raise NotYours("invitation")
    expires_at = now + timedelta(days=PATIENT_INVITE_DAYS)
    token = _patient_token(session, held.way, invitation_id, expires_at)
    session.execute(
        update(ClinicInvitation)
        .where(ClinicInvitation.id == invitation_id)
        .values(token_hash=hash_token(token), expires_at=expires_at)
    )
    if held.way == "mail":
        _mail(session, "clinic-invitation", held.email, invitation_id, clinic_id, now)
    _note(session, "patient-invited", clinic_id, now, actor_id, f"clinic-invitation:{invitation_id}")
    return token


def new_patient_invitation(session: Session, invitation_id: UUID, now: datetime) -> str | None:
    """The token for an invitation's mail, the same each time it is asked for; None where nobody waits to be asked any
    more."""
    expires_at = session.execute(
        select(ClinicInvitation.expires_at).where(
            ClinicInvitation.id == invitation_id,
            ClinicInvitation.way == "mail",
            ClinicInvitation.answer.is_(None),
            ClinicInvitation.expires_at > now,
        )
    ).scalar_one_or_none()
    return None if expires_at is None else mailed_token(session, PATIENT_PURPOSE, invitation_id, expires_at)


def withdraw_invitation(
    session: Session, clinic_id: UUID, invitation_id: UUID, now: datetime, actor_id: UUID
) -> None:
    """Take an invitation of a patient back. Raises NotYours where it was answered."""
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment] # an UPDATE gives a cursor
        update(ClinicInvitation)
        .where(
            ClinicInvitation.id == invitation_id,
            ClinicInvitation.clinic_id == clinic_id,
            ClinicInvitation.answer.is_(None),
        )
        .values(answer="withdrawn", answered_at=now, token_hash=None)
    )
    if not result.rowcount:
        raise NotYours("invitation")
    outbox.withdraw(session, invitation_id)
    _note(session, "invitation-withdrawn", clinic_id, now, actor_id, f"clinic-invitation:{invitation_id}")


def answer(
    session: Session, token: str, how: str, account_id: UUID, email_key: str, now: datetime
) -> UUID | None:
    """The patient answers, "agreed" or "declined": once, and only with the address the mail went to, or whoever holds
    the printed code. Gives the clinic, or None where the invitation is used, over, or somebody else's."""
    row = session.execute(
        update(ClinicInvitation)
        .where(
            ClinicInvitation.token_hash == hash_token(token),
            or_(
                ClinicInvitation.invited_hash.is_(None),
                ClinicInvitation.invited_hash == queries.invited_hash(session, email_key),
            ),
            ClinicInvitation.answer.is_(None),
            ClinicInvitation.expires_at > now,
        )
        .values(answer=how, answered_at=now, token_hash=None, answered_by=account_id)
        .returning(ClinicInvitation.id, ClinicInvitation.clinic_id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if row is None:
        return None
    audit.note(
        session,
        f"clinic-invitation-{how}",
        now,
        actor_id=account_id,
        patient_id=account_id,
        subject=f"clinic-invitation:{row.id}",
    )
    found: UUID = row.clinic_id
    return found


def forget_old(session: Session, now: datetime) -> int:
    """Delete the invitations of patients that were answered, or ran out, long enough ago: a clinic has no use for the
    names of people who never came."""
    before = now - FORGET_AFTER
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment] # a DELETE gives a cursor
        delete(ClinicInvitation).where(
            or_(
                ClinicInvitation.answered_at <= before,
                ClinicInvitation.answer.is_(None) & (ClinicInvitation.expires_at <= before),
            )
        )
    )
    return result.rowcount


def new_id() -> UUID:
    """For a form that invites somebody: sent twice, it invites once."""
    return uuid4()


def forget(session: Session, account_id: UUID) -> None:
    """Somebody deletes the own account: no longer staff anywhere. A clinic keeps the name of its staff, since its history
    of flags says who did what; the address goes. What clinics asked them as a patient goes whole."""
    mine = [
        queries.invited_hash(session, accounts.email_key(one))
        for one in accounts.list_own_addresses(session, account_id)
    ]
    session.execute(
        delete(ClinicInvitation).where(
            or_(ClinicInvitation.answered_by == account_id, ClinicInvitation.invited_hash.in_(mine))
        )
    )
    rows = session.execute(
        select(Staff.id, Staff.clinic_id, Staff.sealed).where(Staff.account_id == account_id)
    ).all()
    for row in rows:
        box, place = get_box(session, row.clinic_id), belongs_to(row.clinic_id, row.id)
        told = orjson.loads(box.open(row.sealed, place)) | {"email": ""}
        session.execute(
            update(Staff)
            .where(Staff.id == row.id)
            .values(
                account_id=None,
                invited_hash=bytes(32),
                sealed=box.seal(orjson.dumps(told, option=orjson.OPT_SORT_KEYS), place),
                wants_digest=False,
            )
        )


def looked(session: Session, clinic_id: UUID, now: datetime) -> None:
    """The daily look is done; the next one is tomorrow."""
    zone = session.execute(select(Clinic.zone).where(Clinic.id == clinic_id)).scalar_one()
    session.execute(
        update(Clinic).where(Clinic.id == clinic_id).values(look_due_at=next_look(ZoneInfo(zone), now))
    )


def tell_switched_off(session: Session, address: str, now: datetime) -> None:
    """No mail goes to this address any more. Where it is a staff member's or a second contact, the admins of the clinic
    are told, by a mail that names nobody."""
    key = accounts.email_key(address)
    theirs = accounts_queries.ACCOUNTS.c
    as_staff = (
        select(Staff.clinic_id)
        .join(accounts_queries.ACCOUNTS, theirs.id == Staff.account_id)
        .where(theirs.email_key == key, Staff.removed_at.is_(None))
    )
    as_second = select(Clinic.id).where(func.lower(Clinic.second_contact) == key)
    found = {*session.execute(as_staff).scalars(), *session.execute(as_second).scalars()}
    for clinic_id in sorted(found, key=lambda one: one.bytes):
        for one in queries.list_recipients(session, clinic_id, "admin"):
            if accounts.email_key(one.email) != key:
                outbox.put(
                    session,
                    "address-off",
                    one.email,
                    one.account_id,
                    now,
                    subject_id=clinic_id,
                    group_id=clinic_id,
                )


def lock(session: Session, clinic_id: UUID) -> None:
    """Whoever makes a digest of the clinic waits here for whoever makes another."""
    session.execute(select(Clinic.id).where(Clinic.id == clinic_id).with_for_update(key_share=True))


def set_digest_due(session: Session, clinic_id: UUID, due_at: datetime) -> None:
    session.execute(update(Clinic).where(Clinic.id == clinic_id).values(digest_due_at=due_at))


def stop_digest(session: Session, staff_id: UUID) -> bool:
    """Somebody no longer wants the weekly digest. False if that was so already."""
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment] # an UPDATE gives a cursor
        update(Staff).where(Staff.id == staff_id, Staff.wants_digest).values(wants_digest=False)
    )
    return bool(result.rowcount)
