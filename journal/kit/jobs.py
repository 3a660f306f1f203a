"""The worker's chores, and the bell by which a request wakes it.

A chore looks at what is due and does it; what is due stands in the database, never in a process or a queue. So a chore
may run at any time, twice, or in several workers at once, and a lost ring of the bell costs a minute.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from journal.kit import clock, health
from journal.kit.db import Database
from journal.kit.logs import where

QUEUE = "journal"
SCHEMA = "jobs"
"""On PostgreSQL the queue's tables have a schema of their own: they are the library's, and no migration's."""
LOOK = "look"
RING = b'{"id": "ring", "name": "journal.kit.worker.' + LOOK.encode() + b'"}'
BELL_TIMEOUT_S = 1.0

log = structlog.get_logger()


@dataclass(frozen=True)
class Chore:
    """Something to be done each minute: `run(now)` gives how much there was to do."""

    name: str
    run: Callable[[datetime], int]


def look(database: Database, chores: Sequence[Chore]) -> Mapping[str, int | None]:
    """Leave the mark of a living worker, then run each chore once, in their order; how much each had to do, None for
    one that failed. It holds up no other, and is tried again the next minute."""
    done: dict[str, int | None] = {}
    try:
        with database.writing() as session:
            health.mark_worker(session, clock.now())
            session.commit()
    except Exception as error:  # the chores may still work, or say themselves that they don't
        log.error("mark failed", error=type(error).__name__, where=where(error))
    for chore in chores:
        try:
            done[chore.name] = chore.run(clock.now())
        except Exception as error:  # it is logged, and the others get their turn
            done[chore.name] = None
            log.error("chore failed", chore=chore.name, error=type(error).__name__, where=where(error))
    return done


class Bell:
    """Wakes a worker at once, by the very row that the worker's own queue would write. The queue's library is not
    loaded here: in each web process it would cost 9 MB on SQLite, for one INSERT."""

    def __init__(self, database: Database, queue_path: Path) -> None:
        self._database, self._path = database, queue_path

    def ring(self) -> None:
        """Ask for a look now, unless one is asked for already. Never fails: the worker looks each minute anyway."""
        try:
            if self._database.is_sqlite:
                self._ring_file()
            else:
                self._ring_postgres()
        except (sqlite3.Error, SQLAlchemyError) as error:
            log.info("no worker could be woken", error=type(error).__name__)

    def _ring_file(self) -> None:
        if not self._path.exists():  # no worker has been here yet; it looks when it starts
            return
        with closing(sqlite3.connect(self._path, timeout=BELL_TIMEOUT_S, isolation_level=None)) as line:
            line.execute("PRAGMA synchronous=NORMAL")
            line.execute(
                "INSERT INTO task (queue, data, priority) SELECT ?, ?, 0 "
                "WHERE NOT EXISTS (SELECT 1 FROM task WHERE queue = ?)",
                (QUEUE, RING, QUEUE),
            )

    def _ring_postgres(self) -> None:
        with self._database.engine.begin() as connection:
            connection.execute(
                text(
                    f"INSERT INTO {SCHEMA}.huey_task (queue, data, priority) SELECT :queue, :data, 0 "  # noqa: S608 - a constant
                    f"WHERE NOT EXISTS (SELECT 1 FROM {SCHEMA}.huey_task WHERE queue = :queue)"
                ),
                {"queue": QUEUE, "data": RING},
            )
            connection.execute(text("SELECT pg_notify(:channel, '')"), {"channel": f"huey.q.{QUEUE}"})
