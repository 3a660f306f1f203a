"""Several workers at once: each flag is told once, the second contact once, and of two who acknowledge one is first."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.checkins import service as checkins
from journal.clinic_flags import queries, service
from journal.clinic_flags.models import ClinicFlag, FlagStep
from journal.clinics import service as clinics
from journal.clinics.queries import list_memberships
from journal.domain.access import Viewer
from journal.domain.checkin import CheckIn
from journal.domain.days import Moment
from journal.flags import service as flags
from journal.kit.db import Database
from journal.kit.outbox import OutboxMail
from tests.cast import TODAY, ZONE
from tests.clinic_flags.told import follow
from tests.clinics.test_parallel import invite
from tests.entries.test_parallel import NOW, patient
from tests.shares.stage import WHERE
from tests.shares.test_parallel import AT_ONCE, ROUNDS, together

pytestmark = pytest.mark.slow
__all__ = ["patient"]
LEE = "lee@example.org"


@pytest.fixture
def followed(patient: tuple[Database, Viewer]) -> tuple[Database, Viewer, UUID, UUID]:
    """A patient whom a clinic with one clinician follows."""
    database, viewer = patient
    with database.writing() as session:
        lee = accounts.sign_up(session, LEE, "x", accounts.Place(ZONE), NOW)
        clinic = clinics.create_clinic(session, "Harbor Light", ZONE, "US", NOW)
        _staff, token = invite(session, clinic, LEE, "clinician")
        assert clinics.accept_staff(session, token, lee, LEE, NOW)
        follow(session, viewer, clinic, now=NOW - timedelta(days=1))
        session.commit()
    return database, viewer, clinic, lee


def log(session: Session, viewer: Viewer, back: int) -> None:
    day = TODAY - timedelta(days=back)
    checkins.record(
        session,
        viewer,
        CheckIn({}, {"yellow_skin": "mild"}, {}, ""),
        Moment(NOW, TODAY, WHERE),
        entry_id=uuid4(),
        base=0,
        day=day,
    )


def count(database: Database, statement: Any) -> int:
    with database.reading() as session:
        return int(session.execute(statement).scalar_one())


def test_each_is_told_once(followed: tuple[Database, Viewer, UUID, UUID]) -> None:
    database, viewer, _clinic, _lee = followed
    for back in range(min(ROUNDS, 10)):
        with database.writing() as session:
            log(session, viewer, back)
            session.commit()
        told = together(database, lambda s: service.deliver(s, NOW))
        assert sum(one.count for one in told) >= 1
        mails = select(func.count()).select_from(OutboxMail).where(OutboxMail.purpose == "flag")
        assert count(database, select(func.count()).select_from(ClinicFlag)) == back + 1
        assert count(database, mails) == back + 1
    late = NOW + timedelta(hours=2)
    together(database, lambda s: service.escalate(s, late))
    steps = select(func.count()).select_from(FlagStep).where(FlagStep.step == "second-contact")
    assert count(database, steps) == min(ROUNDS, 10)


def test_looking_again_while_it_is_told(followed: tuple[Database, Viewer, UUID, UUID]) -> None:
    """The patient changes what the clinic sees while workers deliver: still one flag, still one mail."""
    database, viewer, _clinic, _lee = followed
    with database.writing() as session:
        log(session, viewer, 0)
        session.commit()
    turn = iter(range(AT_ONCE))

    def either(session: Session) -> object:
        return flags.look_again(session, viewer) if next(turn) % 2 else service.deliver(session, NOW)

    for _ in range(ROUNDS):
        turn = iter(range(AT_ONCE))
        together(database, either)
    together(database, lambda s: service.deliver(s, NOW))
    assert count(database, select(func.count()).select_from(ClinicFlag)) == 1
    mails = select(func.count()).select_from(OutboxMail).where(OutboxMail.purpose == "flag")
    assert count(database, mails) == 1


def test_one_is_first_to_acknowledge(followed: tuple[Database, Viewer, UUID, UUID]) -> None:
    database, viewer, _clinic, lee = followed
    with database.writing() as session:
        log(session, viewer, 0)
        session.commit()
        service.deliver(session, NOW)
        session.commit()

    def acknowledge(session: Session) -> bool:
        member = list_memberships(session, lee)[0]
        shown = service.list_all(session, member, (*queries.OPEN_STATES, "closed"), NOW)
        return service.acknowledge(session, member, shown[0].flag, NOW)

    assert together(database, acknowledge).count(True) == 1
    steps = select(func.count()).select_from(FlagStep).where(FlagStep.step == "acknowledged")
    assert count(database, steps) == 1
