"""Is all well? Plain sentences that say nothing of anybody, and the mark that each worker leaves each minute."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import CheckConstraint, SmallInteger, Table, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from journal.kit import outbox
from journal.kit.db import Base, Instant, upsert
from journal.kit.logs import where

MAIL_LATE_AFTER = timedelta(hours=1)
WORKER_GONE_AFTER = timedelta(minutes=5)

Check = Callable[[Session, datetime], Iterable[str]]
"""What else a feature wants looked at: sentences for what is wrong now."""

log = structlog.get_logger()


class WorkerMark(Base):
    """When a worker was last seen; one row."""

    __tablename__ = "worker_marks"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    seen_at: Mapped[datetime] = mapped_column(Instant)


def mark_worker(session: Session, now: datetime) -> None:
    """A worker is here. Several write the same row."""
    table = WorkerMark.__table__
    assert isinstance(table, Table)  # noqa: S101 - tells the type checker what SQLAlchemy knows
    statement = upsert(session, table).values(id=1, seen_at=now)
    session.execute(statement.on_conflict_do_update(index_elements=[table.c.id], set_={"seen_at": now}))


def worker_seen(session: Session) -> datetime | None:
    return session.execute(select(WorkerMark.seen_at)).scalar_one_or_none()


def faults(
    session: Session, now: datetime, started_at: datetime, checks: Sequence[Check] = ()
) -> tuple[str, ...]:
    """What is wrong. A worker has its five minutes from the start of this process, when all was down before."""
    try:
        told = list(_own(session, now, started_at))
    except SQLAlchemyError as error:
        log.error("database not reached", error=type(error).__name__)
        return ("The database can’t be reached.",)
    for check in checks:
        try:
            told += check(session, now)
        except Exception as error:  # a check that fails must not look like health
            log.error("health check failed", error=type(error).__name__, where=where(error))
            told.append("A check failed. The log says where.")
    return tuple(told)


def is_worker_gone(session: Session, now: datetime, started_at: datetime) -> bool:
    """Whether no worker has been seen for five minutes; it has that long from the start of this process."""
    seen = worker_seen(session)
    return now - max(started_at, seen or started_at) > WORKER_GONE_AFTER


def _own(session: Session, now: datetime, started_at: datetime) -> Iterable[str]:
    oldest = outbox.oldest_waiting(session)
    if oldest is not None and now - oldest > MAIL_LATE_AFTER:
        yield "A mail has been waiting for more than an hour."
    if is_worker_gone(session, now, started_at):
        yield "No worker has been seen for 5 minutes."
