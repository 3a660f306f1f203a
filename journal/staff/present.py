"""What the clinic's first page tells of the newest digest, and of the worker."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import current_app, url_for

from journal.digests.queries import list_digests
from journal.kit import health, outbox
from journal.kit.web import unit


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest digest: its page, which week it tells of, and when it was made."""

    address: str
    week: str
    made_at: datetime


def find_newest_digest(clinic_id: UUID) -> Newest | None:
    """The clinic's newest digest, or None before the first one."""
    made = next(iter(list_digests(unit(), clinic_id)), None)
    if made is None:
        return None
    return Newest(url_for("digests.digest", week=made.week), made.week.says, made.made_at)


def worker_is_missing(now: datetime) -> bool:
    """Whether nobody sends mail at the moment: no worker has been seen for five minutes."""
    return health.is_worker_gone(unit(), now, current_app.extensions["started_at"])


def mail_is_stuck(now: datetime) -> bool:
    """Whether some mail has been waiting for more than an hour."""
    oldest = outbox.oldest_waiting(unit())
    return oldest is not None and now - oldest > health.MAIL_LATE_AFTER
