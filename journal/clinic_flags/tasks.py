"""What the worker looks at for clinics: flags to deliver, and flags that nobody has acknowledged in time. Two chores, so
that a fault in one doesn't silence the other."""

from datetime import datetime
from uuid import UUID

from journal.clinic_flags import service
from journal.kit.db import Database


def tell(database: Database, now: datetime) -> int:
    """Deliver what was raised. Gives how many flags were looked at."""
    done, failed = 0, frozenset[UUID]()
    while True:
        with database.writing() as session:
            delivered = service.deliver(session, now, failed)
            session.commit()
        done, failed = done + delivered.count, failed | delivered.failed
        if delivered.count < service.BATCH:
            return done


def escalate(database: Database, now: datetime) -> int:
    """Tell second contacts. Gives how many flags were looked at."""
    done = 0
    while True:
        with database.writing() as session:
            count = service.escalate(session, now)
            session.commit()
        done += count
        if count < service.BATCH:
            return done
