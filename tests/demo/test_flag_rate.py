"""Few flags: on the demo's data at most one patient in ten has, in a week, a flag that isn't a safety answer."""

from collections import defaultdict
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select

from journal.care.queries import list_people
from journal.clinic_flags.models import ClinicFlag
from journal.clinic_flags.service import QUIET_DAYS
from journal.clinics.models import Clinic
from journal.demo.service import fill
from journal.kit.db import Database
from journal.shares import queries as shares

pytestmark = [pytest.mark.long, pytest.mark.once]
WEEKS = 16
ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 23, 12, tzinfo=ZONE)


@pytest.mark.parametrize("seed", [7, 1])
def test_at_most_one_patient_in_ten_a_week(app: Flask, database: Database, seed: int) -> None:
    hasher = app.extensions["hasher"]
    flagged: dict[str, set[UUID]] = defaultdict(set)
    with database.writing() as session:
        fill(session, hasher, "four green lamps", patients=12, weeks=WEEKS, seed=seed, zone=ZONE, now=NOW)
        clinic_id = session.execute(select(Clinic.id)).scalar_one()
        readings = shares.list_followed(session, clinic_id, None, NOW)
        for flag in session.execute(select(ClinicFlag).where(ClinicFlag.urgency != "safety")).scalars():
            flagged[week_of(flag.told_at)].add(flag.patient_id)
        told: dict[tuple[UUID, str, str], datetime] = {}
        for back in range(WEEKS * 7 - 1, -1, -1):  # the daily look, as each day was; all closed at once
            at = NOW - timedelta(days=back)
            for person in list_people(session, readings, at):
                for one in person.reasons:
                    cause = (person.reading.viewer.patient_id, one.looked, one.subject)
                    if one.looked and at - told.get(cause, at - timedelta(days=99)) > timedelta(
                        days=QUIET_DAYS
                    ):
                        told[cause] = at
                        flagged[week_of(at)].add(cause[0])
    patient_weeks = sum(map(len, flagged.values()))
    assert 0 < patient_weeks <= len(readings) * WEEKS / 10


def week_of(at: datetime) -> str:
    year, week, _day = at.astimezone(ZONE).isocalendar()
    return f"{year}-{week}"
