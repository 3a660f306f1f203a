"""The digests that are due, made and sent. Any number of workers may do this at once: what one has kept, the others
find."""

import random
from datetime import datetime
from uuid import UUID

import structlog

from journal.clinics import queries as clinics
from journal.clinics.queries import Settings
from journal.digests import queries, service
from journal.domain.weeks import Week
from journal.kit.db import Database

MOST_TRIES = 3
"""So often a digest is prepared anew when the clinic's weeks moved meanwhile. After that, the next tick tries."""
log = structlog.get_logger()


def send_due(database: Database, now: datetime) -> int:
    """Make and send what is due, each missed week with its own dates; gives how many digests were made. One clinic's
    failure doesn't hold back the others: it is logged, and tried again at the next tick."""
    with database.reading() as session:
        due = list(clinics.list_digests_due(session, now))
    random.shuffle(due)  # workers that woke together begin with different clinics; no secret
    made = 0
    for clinic_id in due:
        try:
            made += _catch_up(database, clinic_id, now)
        except Exception as error:  # whatever is wrong with one clinic, the others want theirs
            log.error("digest failed", clinic_id=str(clinic_id), error=type(error).__name__)
    return made


def _catch_up(database: Database, clinic_id: UUID, now: datetime) -> int:
    """Every week of the clinic that is due, one after the other."""
    made = 0
    while True:
        with database.reading() as session:
            following = queries.find_next(session, clinics.get_settings(session, clinic_id))
        if following.due_at > now:
            break
        made += make(database, clinic_id, following.week, now)[0]
    if not made:  # the settings were changed, or somebody else was quicker
        with database.writing() as session:
            service.reschedule(session, clinic_id)
            session.commit()
    return made


def make(database: Database, clinic_id: UUID, week: Week, now: datetime) -> tuple[bool, int]:
    """Make the clinic's digest of the week if there is none, and put mails into the outbox for everybody entitled who
    hasn't had it. Gives whether it was made just now, and how many mails. Raises Refused for a week that isn't over, or
    was before the clinic."""
    for _ in range(MOST_TRIES):
        with database.reading() as session:
            found = queries.find_digest(session, clinic_id, week)
            prepared = None if found else service.prepare(session, clinic_id, week, now)
        with database.writing() as session:
            if found is not None:
                mails = service.send(session, found, now)
                session.commit()
                return False, mails
            kept = service.keep(session, prepared, now) if prepared else None
            if kept is not None:
                session.commit()
                return kept[1], kept[2]
    raise RuntimeError("the clinic's weeks moved again and again")


def send_by_hand(database: Database, settings: Settings, week: Week | None, now: datetime) -> list[str]:
    """What `flask digests send` does for one clinic, in plain sentences. Without a week: those that are due, and mails
    of the newest one for whoever hasn't had it. Raises Refused as `make` does."""
    with database.reading() as session:
        newest = next(iter(queries.list_digests(session, settings.id)), None)
        following = queries.find_next(session, settings)
    if week is not None:
        weeks = [week]
    elif following.due_at <= now:
        weeks = [following.week]
    else:
        weeks = [newest.week] if newest else []
    told = []
    while weeks:
        one = weeks.pop()
        made, mails = make(database, settings.id, one, now)
        how = "made" if made else "made already"
        told.append(f"{one.label} {how}, {mails} {'mail' if mails == 1 else 'mails'} to send.")
        if week is None:
            with database.reading() as session:
                following = queries.find_next(session, settings)
            weeks = [following.week] if following.due_at <= now else []
    return told or [
        f"nothing is due. {following.week.label} will be, at {following.due_at:%Y-%m-%d %H:%M} UTC."
    ]
