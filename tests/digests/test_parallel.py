"""Several workers, and hands beside them, make the same digests at the same moment: one digest, one mail each."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from uuid import UUID

import pytest
from sqlalchemy import func, select

from journal.clinics.queries import get_settings
from journal.digests import queries, tasks
from journal.digests.models import Digest, DigestRow, DigestSending
from journal.domain.weeks import Week
from journal.kit.cli import migrate
from journal.kit.db import Database
from journal.kit.vault import Vault
from tests.conftest import MASTER_KEY, make_settings
from tests.digests import stage

pytestmark = pytest.mark.slow
WORKERS = 6
ROUNDS = 20 if os.environ.get("FULL") else 3
OPENED = datetime(2026, 11, 17, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, 14, tzinfo=UTC)
CLINICS, PATIENTS = 5, 4


@pytest.fixture
def filled(empty_database: str, tmp_path: Path) -> Iterator[tuple[Database, list[UUID]]]:
    migrate(make_settings(tmp_path, empty_database))
    database = Database(empty_database, {"vault": Vault(MASTER_KEY)})
    clinics = []
    with database.writing() as session:
        for place in range(CLINICS):
            clinic = stage.a_clinic(session, OPENED, name=f"Clinic {place}")
            clinics.append(clinic)
            for role in ("clinician", "admin"):
                stage.hire(session, clinic, f"{role}{place}@example.org", role, now=OPENED)
            for number in range(PATIENTS):
                viewer = stage.a_patient(session, f"p{place}-{number}@example.org", OPENED)
                stage.follow(session, clinic, viewer, "P", OPENED)
                stage.log(session, viewer, datetime(2026, 11, 18, 19, tzinfo=UTC))
        session.commit()
    yield database, clinics
    database.close()


def test_one_digest_and_one_mail_each(filled: tuple[Database, list[UUID]]) -> None:
    database, clinics = filled
    for week in range(ROUNDS):
        now = MONDAY + timedelta(days=7 * week)
        start = Barrier(WORKERS + 2)

        def work(_: int, now: datetime = now, start: Barrier = start) -> int:
            start.wait()
            return tasks.send_due(database, now)

        def by_hand(clinic: UUID, now: datetime = now, start: Barrier = start, week: int = week) -> int:
            with database.reading() as session:
                settings = get_settings(session, clinic)
            start.wait()
            label = Week.of((now - timedelta(days=3)).date())
            return sum("made," in line for line in tasks.send_by_hand(database, settings, label, now))

        with ThreadPoolExecutor(WORKERS + 2) as pool:
            ours = pool.map(work, range(WORKERS))
            hands = pool.map(by_hand, clinics[:2])
            assert sum(ours) + sum(hands) == CLINICS
    with database.reading() as session:
        counted = [
            session.execute(select(func.count()).select_from(one)).scalar_one()
            for one in (Digest, DigestRow, DigestSending)
        ]
        mails = stage.mails(session)
        assert queries.overdue(session, now + timedelta(days=6)) is None
    assert counted == [CLINICS * ROUNDS, CLINICS * PATIENTS * ROUNDS, 2 * CLINICS * ROUNDS]
    assert len(mails) == len({one.id for one in mails}) == 2 * CLINICS * ROUNDS
