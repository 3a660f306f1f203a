"""The daily look: whom a clinic follows and who got worse or fell silent, put into the clinic's list of flags."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog

from journal.care.queries import Person, list_people
from journal.clinic_flags import service as clinic_flags
from journal.clinic_flags.service import Found
from journal.clinics import queries as clinics
from journal.clinics import service as clinics_service
from journal.kit.db import Database
from journal.kit.logs import where
from journal.shares import queries as shares
from journal.shares.queries import Reading

log = structlog.get_logger()
AT_ONCE = 200
"""So many people are read in one unit of work."""


def look(database: Database, now: datetime) -> int:
    """Look at everybody whom a clinic follows, for each clinic whose early morning has come. Gives how many flags are
    new. A clinic that two workers look for at the same time gets each flag once: its cause is unique."""
    with database.reading() as session:
        due = clinics.list_due_looks(session, now)
    new = 0
    for clinic_id in due:
        try:
            new += _look(database, clinic_id, now)
        except Exception as error:  # one clinic's fault must not hold back the others
            log.error(
                "daily look failed", clinic_id=str(clinic_id), error=type(error).__name__, where=where(error)
            )
    return new


def _look(database: Database, clinic_id: UUID, now: datetime) -> int:
    with database.reading() as session:
        readings = shares.list_followed(session, clinic_id, None, now)
    new = 0
    for start in range(0, len(readings), AT_ONCE):
        new += _look_at(database, clinic_id, readings[start : start + AT_ONCE], now)
    with database.writing() as session:
        clinics_service.looked(session, clinic_id, now)
        session.commit()
    return new


def _look_at(database: Database, clinic_id: UUID, readings: Sequence[Reading], now: datetime) -> int:
    """Look at some people; where that fails, at each by themselves, so that one who can't be read hides no other."""
    try:
        with database.reading() as session:
            people = list_people(session, readings, now)
        return _raise(database, clinic_id, people, readings, now)
    except Exception as error:
        log.error("people not read", clinic_id=str(clinic_id), error=type(error).__name__, where=where(error))
        if len(readings) == 1:
            return 0
        return sum(_look_at(database, clinic_id, [one], now) for one in readings)


def _raise(
    database: Database, clinic_id: UUID, people: Sequence[Person], readings: Sequence[Reading], now: datetime
) -> int:
    found = {one.reading.share_id: _found(one) for one in people}
    if not any(found.values()):
        return 0
    new = 0
    with database.writing() as session:
        off = clinics.get_settings(session, clinic_id).rules_off
        for reading in readings:
            new += clinic_flags.raise_found(session, reading, found.get(reading.share_id, ()), off, now)
        session.commit()
    return new


def _found(person: Person) -> tuple[Found, ...]:
    return tuple(
        Found(one.looked, one.subject, one.says, one.kinds, one.first, one.last)
        for one in person.reasons
        if one.looked and one.first is not None and one.last is not None
    )
