"""What may be done once is done once, and a clinic keeps an admin, however many try at the same moment."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.clinics import queries, service
from journal.clinics.service import NewPatient, NewStaff
from journal.domain.access import Viewer
from journal.domain.errors import Refused
from journal.kit.db import Database
from tests.cast import ZONE
from tests.entries.test_parallel import NOW, patient
from tests.shares.test_parallel import AT_ONCE, ROUNDS, together

pytestmark = pytest.mark.slow
__all__ = ["patient"]
LEE = "lee@example.org"


def make(database: Database, *emails: str) -> tuple[UUID, list[UUID]]:
    """A clinic, and accounts with these addresses."""
    with database.writing() as session:
        clinic = service.create_clinic(session, "Harbor Light", ZONE, "US", NOW)
        found = [accounts.sign_up(session, one, f"x{one}", accounts.Place(ZONE), NOW) for one in emails]
        session.commit()
    return clinic, found


def invite(session: Session, clinic: UUID, email: str, *roles: str) -> tuple[UUID, str]:
    staff_id = uuid4()
    service.invite_staff(session, clinic, staff_id, NewStaff("Lee", email, frozenset(roles)), NOW, None)
    return staff_id, service.new_staff_invitation(session, staff_id, NOW) or ""


def test_an_invitation_of_staff_is_accepted_once(patient: tuple[Database, Viewer]) -> None:
    database = patient[0]
    clinic, [lee] = make(database, LEE)
    for _ in range(ROUNDS):
        with database.writing() as session:
            staff_id, token = invite(session, clinic, LEE, "clinician")
            session.commit()
        told = together(database, lambda s, token=token: service.accept_staff(s, token, lee, LEE, NOW))
        assert [one for one in told if one] == [clinic]
        with database.writing() as session:
            assert len(queries.list_memberships(session, lee)) == 1
            service.remove_staff(session, clinic, staff_id, NOW, lee)
            session.commit()


def test_a_printed_code_is_used_once(patient: tuple[Database, Viewer]) -> None:
    database = patient[0]
    clinic, [lee, *_] = make(database, LEE)
    for _ in range(ROUNDS):
        with database.writing() as session:
            staff_id, _token = invite(session, clinic, f"{uuid4().hex}@example.org", "front-desk")
            asked = NewPatient("code", "Cleo")
            code = service.ask_patient(session, clinic, uuid4(), asked, NOW, staff_id, lee) or ""
            session.commit()
        told = together(database, lambda s, code=code: service.answer(s, code, "agreed", lee, LEE, NOW))
        assert [one for one in told if one] == [clinic]


def test_admins_who_remove_each_other_leave_one(patient: tuple[Database, Viewer]) -> None:
    database = patient[0]
    emails = [f"admin{n}@example.org" for n in range(AT_ONCE)]
    clinic, people = make(database, *emails)
    ids = []
    with database.writing() as session:
        for email, account_id in zip(emails, people, strict=True):
            staff_id, token = invite(session, clinic, email, "admin")
            assert service.accept_staff(session, token, account_id, email, NOW)
            ids.append(staff_id)
        session.commit()
    turn = iter(ids)

    def leave(session: Session) -> bool:
        staff_id = next(turn)
        try:
            service.remove_staff(session, clinic, staff_id, NOW, people[0])
        except Refused:
            return False
        return True

    told = together(database, leave)
    assert told.count(False) == 1
    with database.reading() as session:
        assert [one.state for one in queries.list_staff(session, clinic, NOW)].count("active") == 1
