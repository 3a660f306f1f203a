"""What the clinic's first page tells of rooms that stand to its right, and of the worker: the hall says how to ask."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import current_app

from journal.kit.web import unit

WORKER_MISSING = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest digest: its page, which week it tells of, and when it was made."""

    address: str
    week: str
    made_at: datetime


def find_newest_digest(clinic_id: UUID) -> Newest | None:
    """What the extension "newest_digest" says, where there is one."""
    ask: Callable[[Any, UUID], Newest | None] | None = current_app.extensions.get("newest_digest")
    return None if ask is None else ask(unit(), clinic_id)


def worker_is_missing(now: datetime) -> bool:
    """Whether nobody sends mail at the moment, by the extension "worker_seen_at"; false where nobody can tell."""
    ask: Callable[[Any], datetime | None] | None = current_app.extensions.get("worker_seen_at")
    if ask is None:
        return False
    seen_at = ask(unit())
    return seen_at is None or now - seen_at >= WORKER_MISSING
