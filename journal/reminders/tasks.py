"""What the worker does for reminders, every minute or so: look at what is due. When that is stands in the database."""

from datetime import datetime

from journal.kit.db import Database
from journal.reminders import service


def send_due(database: Database, now: datetime, *, by_push: bool = True) -> int:
    """Ask for the notes and mails of all reminders that are due; gives how many. Any number of workers may do this at
    once. Without `by_push`, phones are left alone and everybody gets a mail."""
    with database.writing() as session:
        service.follow_journeys(session, now)
        session.commit()
    sent = 0
    while True:
        with database.writing() as session:
            batch = service.send_batch(session, now, by_push=by_push)
            session.commit()
        sent += batch.sent
        if batch.looked_at < service.AT_ONCE:
            return sent
