"""The worker: Huey's consumer with threads. Its one task says "look at what is due"; the truth is in the database.

Loaded only by `flask worker`, so that no web process carries the library.
"""

import json
import logging
import os
import signal
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import structlog
from huey import Huey
from huey.consumer import Consumer
from huey.registry import Message
from huey.serializer import Serializer
from huey.storage import PostgresStorage, SqliteStorage

from journal.kit.jobs import LOOK, QUEUE, SCHEMA

THREADS = 4
"""Own choice: a look may hang on a mail server for three minutes, and another begins each minute."""
CONNECT_S = 5
SCHEMA_LOCK = 7_205_014
"""Any number: several workers that start at once make the queue's tables one after the other."""

log = structlog.get_logger()


class Json(Serializer):  # type: ignore[misc] # the library has no types
    """A task as JSON. The library's own way is pickle, by which whoever can write to the queue can run code here."""

    def _serialize(self, data: Any) -> bytes:
        if not isinstance(data, Message):
            raise TypeError("only tasks go through the queue")
        return json.dumps({name: value for name, value in data._asdict().items() if value}).encode()

    def _deserialize(self, data: Any) -> Any:
        told = json.loads(bytes(data))
        return Message(id=str(told["id"]), name=str(told["name"]), retries=0, retry_delay=0)


class QueueFile(SqliteStorage):  # type: ignore[misc] # the library has no types
    """The queue in a file of its own, for its owner alone. NORMAL: a lost ring costs a minute, a sync for each costs more."""

    def _create_connection(self) -> sqlite3.Connection:
        path = Path(self.filename)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection: sqlite3.Connection = super()._create_connection()
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection


class QueueSchema(PostgresStorage):  # type: ignore[misc] # the library has no types
    """The queue in a schema of its own."""

    def initialize_schema(self) -> None:
        with self.db(commit=True, close=True) as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (SCHEMA_LOCK,))
            cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            for statement in self.ddl:
                cursor.execute(statement)


def make_queue(database_url: str, queue_path: Path) -> Any:
    """The queue that belongs to the journal's database: a file beside SQLite's, or in PostgreSQL itself."""
    shared = {"results": False, "serializer": Json()}
    if database_url.startswith("sqlite"):
        return Huey(QUEUE, storage_class=QueueFile, filename=str(queue_path), timeout=15, **shared)
    address = database_url.replace("postgresql+psycopg://", "postgresql://", 1)

    def connect() -> psycopg.Connection[Any]:
        return psycopg.connect(address, connect_timeout=CONNECT_S, options=f"-c search_path={SCHEMA}")

    return Huey(QUEUE, storage_class=QueueSchema, connection=connect, **shared)


def work(database_url: str, queue_path: Path, look: Callable[[], object], stopping: threading.Event) -> None:
    """Look at what is due now, each minute, and whenever the bell rings, until TERM or INT; then finish what is in hand.
    `stopping` is set at the signal, for chores that can stop half-way. `kill -9` loses nothing either."""
    _tame_logs()
    queue = make_queue(database_url, queue_path)

    def run() -> None:
        look()

    queue.periodic_task(lambda _now: True, name=LOOK)(run)
    consumer = Consumer(
        queue,
        workers=THREADS,
        periodic=True,
        initial_delay=0.1,
        max_delay=0.5,
        graceful_signal="TERM",
    )
    _stop_gently(consumer, stopping)
    log.info("worker started", threads=THREADS)
    consumer.run()
    log.info("worker ended")


def _stop_gently(consumer: Any, stopping: threading.Event) -> None:
    """Ctrl-C as gently as TERM; the same signal once more stops at once. The library knows one gentle signal."""
    handle = consumer._handle_signal

    def handle_and_tell(number: int, frame: Any) -> None:
        stopping.set()
        handle(number, frame)

    consumer._handle_signal = handle_and_tell
    consumer._signal_actions = dict.fromkeys((signal.SIGTERM, signal.SIGINT, signal.SIGHUP), (False, True))


class _Told(logging.Handler):
    """The library's warnings in our own logs, without what an error says: it may quote a row."""

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0] if record.exc_info else None
        log.warning("queue", told=str(record.msg)[:200], error=kind.__name__ if kind else None)


def _tame_logs() -> None:
    logger = logging.getLogger("huey")
    logger.handlers, logger.propagate = [_Told()], False
    logger.setLevel(logging.WARNING)
