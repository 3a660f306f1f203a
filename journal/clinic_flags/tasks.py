"""What the worker looks at for clinics: flags to deliver, and flags that nobody has acknowledged in time."""

from collections.abc import Callable
from datetime import datetime

from journal.clinic_flags import service
from journal.kit.db import Database


def tell(database: Database, now: datetime) -> int:
    """Deliver what was raised, and tell second contacts. Gives how many flags were looked at."""
    return _until_done(database, service.deliver, now) + _until_done(database, service.escalate, now)


def _until_done(database: Database, step: Callable[..., int], now: datetime) -> int:
    done = 0
    while True:
        with database.writing() as session:
            count = step(session, now)
            session.commit()
        done += count
        if count < service.BATCH:
            return done
