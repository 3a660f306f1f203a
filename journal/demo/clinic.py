"""The demo's clinic: Harbor Light, its staff, whom it follows, and what it did about the flags it was told."""

from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from journal.accounts import queries as account_queries
from journal.accounts import service as accounts
from journal.clinic_flags import queries as flag_queries
from journal.clinic_flags import service as clinic_flags
from journal.clinics import service as clinics
from journal.clinics.queries import Membership, get_settings, list_memberships
from journal.clinics.service import NewPatient, NewStaff
from journal.digests import queries as digest_queries
from journal.digests import service as digests
from journal.domain.access import KINDS, Scope, Viewer
from journal.factors import service as factors
from journal.kit import outbox
from journal.shares import service as shares
from journal.shares.service import Wish

NAME = "Harbor Light"
DOMAIN = "demo.example.org"
STILL_OPEN = timedelta(days=2)
"""What was told since then is left for whoever tries the demo."""
PLAN = (
    "Dr Sol reads flags until 5 pm on work days, and Remy rings the patient the same day. Out of hours the second "
    "contact has the clinic's phone. Every call is written down in the flag."
)
STAFF = (
    ("sol", "Dr Sol", "clinician", "works at the clinic, and reads whom it follows"),
    ("remy", "Remy", "front-desk", "the clinic's front desk: names and invitations"),
    ("dana", "Dana", "admin", "the clinic's admin: staff and settings"),
)


class Hashes(Protocol):
    """Makes a passphrase's hash for an address."""

    def hash(self, passphrase: str, email_key: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Worker:
    """Somebody of the staff who can sign in, with the secret of an authenticator app."""

    email: str
    role: str
    name: str
    story: str
    totp: str


def secret_of(seed: int, email: str) -> str:
    """The same for the same seed, so that a second run changes nobody's app."""
    return b32encode(sha256(f"{seed}:{email}".encode()).digest()[:20]).decode()


def open_clinic(
    session: Session, hasher: Hashes, passphrase: str, *, weeks: int, seed: int, zone: ZoneInfo, now: datetime
) -> tuple[UUID | None, tuple[Worker, ...]]:
    """The clinic with its staff, and (its id where it was made now, who can sign in)."""
    then = now - timedelta(weeks=weeks, days=1)
    workers = tuple(
        Worker(f"{name}@{DOMAIN}", role, title, story, secret_of(seed, f"{name}@{DOMAIN}"))
        for name, title, role, story in STAFF
    )
    if account_queries.list_accounts_by_email(session, [one.email for one in workers]):
        for one in workers:
            accounts.set_passphrase(session, one.email, hasher.hash(passphrase, one.email))
        return None, workers
    clinic_id = clinics.create_clinic(session, NAME, zone.key, "US", then)
    members = {one.role: _hire(session, clinic_id, hasher, passphrase, one, zone, then) for one in workers}
    admin = members["admin"]
    words = {
        "phone": "+1 505 555 0100",
        "hours": "Monday to Friday, 8 am to 5 pm",
        "after_hours": "Leave a message at the clinic’s number, or call 988.",
        "second_contact": f"on-call@{DOMAIN}",
    }
    clinics.save_settings(session, clinic_id, words, then, admin.account_id)
    clinics.confirm_plan(session, clinic_id, admin.staff_id, PLAN, then, admin.account_id)
    desk = members["front-desk"]
    for name in ("Bo", "Wren"):
        asked = NewPatient("mail", name, f"{name.lower()}@{DOMAIN}")
        clinics.ask_patient(
            session, clinic_id, uuid4(), asked, now - timedelta(days=3), desk.staff_id, desk.account_id
        )
    _send_nothing(session, clinic_id)
    return clinic_id, workers


def _hire(
    session: Session,
    clinic_id: UUID,
    hasher: Hashes,
    passphrase: str,
    one: Worker,
    zone: ZoneInfo,
    then: datetime,
) -> Membership:
    hashed = hasher.hash(passphrase, accounts.email_key(one.email))
    account_id = accounts.sign_up(
        session, one.email, hashed, accounts.Place(zone.key, "US"), then, send_mail=False
    )
    accounts.settle(session, account_id, verified_at=then)
    factors.set_app(session, account_id, one.totp, then)
    staff_id = uuid4()
    clinics.invite_staff(
        session, clinic_id, staff_id, NewStaff(one.name, one.email, frozenset({one.role})), then, None
    )
    token = clinics.new_staff_invitation(session, staff_id, then)
    if token is None or clinics.accept_staff(session, token, account_id, one.email, then) is None:
        raise RuntimeError("the demo's own staff could not join")
    return list_memberships(session, account_id)[0]


def follow(session: Session, clinic_id: UUID, patient_id: UUID, name: str, at: datetime) -> None:
    """A patient agrees to the usual kinds of everything, from their first day on."""
    viewer = Viewer.patient(patient_id)
    usual = frozenset(kind.id for kind in KINDS.values() if kind.usual)
    shares.follow(session, viewer, Wish(uuid4(), name, NAME, Scope(usual), None), clinic_id, at)


def tell(session: Session, at: datetime) -> None:
    """Deliver what an entry just raised, as the worker would have a moment later."""
    if session.info.pop("wakes", False):
        clinic_flags.deliver(session, at)


def work_through(session: Session, clinic_id: UUID, now: datetime) -> None:
    """Dr Sol acknowledged and closed what is older than two days. Nobody in the demo has a mailbox."""
    sol = account_queries.find_proven(session, f"sol@{DOMAIN}")
    member = list_memberships(session, sol)[0] if sol is not None else None
    if member is None:
        raise RuntimeError("the demo's own clinician is gone")
    flags_of = clinic_flags.list_all(session, member, flag_queries.OPEN_STATES, now)
    for place, one in enumerate(flags_of):
        if one.flag.told_at > now - STILL_OPEN:
            continue
        seen_at = one.flag.told_at + timedelta(minutes=12 + place % 40)
        clinic_flags.acknowledge(session, member, one.flag, seen_at)
        text = "Rang, all well by now." if place % 3 == 0 else ""
        viewer = one.reading.viewer
        done_at = min(seen_at + timedelta(hours=5), now)
        clinic_flags.close(session, member, viewer, one.flag, "talked", text, done_at)
    clinic_flags.escalate(session, now)
    _send_nothing(session, clinic_id)


def make_digests(session: Session, clinic_id: UUID, now: datetime) -> None:
    """The digest of each week that is over, as if it had gone out on its Monday."""
    while True:
        with session.no_autoflush:
            following = digest_queries.find_next(session, get_settings(session, clinic_id))
        if following.due_at > now:
            break
        prepared = digests.prepare(session, clinic_id, following.week, following.due_at)
        digests.keep(session, prepared, following.due_at)
    _send_nothing(session, clinic_id)


def _send_nothing(session: Session, clinic_id: UUID) -> None:
    outbox.withdraw_group(session, clinic_id)
