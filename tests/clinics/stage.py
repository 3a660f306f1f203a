"""Two clinics that know nothing of each other, and everybody who works there, once did, or never will."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from flask import Flask
from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.clinics import service
from journal.clinics.service import NewPatient, NewStaff
from journal.domain.access import KINDS, Scope, Viewer
from journal.shares import service as shares
from tests.cast import PASSPHRASE, ZONE
from tests.conftest import NOON
from tests.shares.stage import Reader

STAFF: dict[str, tuple[str, ...]] = {
    "admin": ("admin",),
    "clinician": ("clinician",),
    "front-desk": ("front-desk",),
    "removed": ("admin", "clinician", "front-desk"),
    "other-admin": ("admin",),
    "other-clinician": ("clinician", "front-desk"),
}
"""Who works where: "other-…" in the other clinic."""
HARBOR, OTHER = "Harbor Light", "Second Shore"


@dataclass(frozen=True)
class ClinicStage:
    """`ids`: the two clinics by name. `staff`: each one's row. `asked`: an invitation of each clinic's."""

    app: Flask
    ids: dict[str, UUID]
    players: dict[str, Reader]
    staff: dict[str, UUID]
    asked: dict[str, UUID]


def make_account(app: Flask, session: Session, email: str) -> Reader:
    """Somebody with a proven address and a second step."""
    hashed = app.extensions["hasher"].hash(PASSPHRASE, accounts.email_key(email))
    account_id = accounts.sign_up(session, email, hashed, accounts.Place(ZONE, "US"), NOON)
    accounts.settle(session, account_id, verified_at=NOON, second_step_since=NOON)
    return Reader(account_id, email, app)


def hire(
    session: Session, clinic_id: UUID, player: Reader, *roles: str, name: str = "", now: datetime = NOON
) -> UUID:
    """Invited, and joined."""
    staff_id = uuid4()
    asked = NewStaff(name or player.email.partition("@")[0], player.email, frozenset(roles))
    assert service.invite_staff(session, clinic_id, staff_id, asked, now, None)
    token = service.new_staff_invitation(session, staff_id, now)
    assert token
    assert service.accept_staff(session, token, player.account_id, player.email, now) == clinic_id
    return staff_id


def follow(session: Session, clinic_id: UUID, viewer: Viewer, name: str) -> UUID:
    """The patient lets the clinic follow them, under this name."""
    wish = shares.Wish(uuid4(), name, HARBOR, Scope(frozenset(KINDS)), None)
    assert shares.follow(session, viewer, wish, clinic_id, NOON)
    return wish.share_id


def make_clinics(app: Flask) -> ClinicStage:
    with app.extensions["database"].writing() as session:
        ids = {
            name: service.create_clinic(session, name, "America/Denver", "US", NOON)
            for name in (HARBOR, OTHER)
        }
        players, staff = {}, {}
        for name, roles in STAFF.items():
            players[name] = make_account(app, session, f"{name}@clinic.example.org")
            clinic = ids[OTHER if name.startswith("other") else HARBOR]
            staff[name] = hire(session, clinic, players[name], *roles)
        service.remove_staff(session, ids[HARBOR], staff["removed"], NOON, players["admin"].account_id)
        players["never"] = make_account(app, session, "never@clinic.example.org")
        asked = {}
        for clinic, who, name in ((HARBOR, "front-desk", "Ana canary"), (OTHER, "other-admin", "Bea canary")):
            asked[clinic] = uuid4()
            service.ask_patient(
                session,
                ids[clinic],
                asked[clinic],
                NewPatient("mail", name, f"{name[:3].lower()}@example.org"),
                NOON,
                staff[who],
                players[who].account_id,
            )
        session.commit()
    return ClinicStage(app, ids, players, staff, asked)
