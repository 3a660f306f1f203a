"""The database: one engine, units of work that read or write, and the column types of our own."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, DateTime, Dialect, Engine, MetaData, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from journal.kit.vault import Vault

BUSY_MS = 15_000


class Base(DeclarativeBase):
    """What every model stands on. Names of constraints are fixed, so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Instant(TypeDecorator[datetime]):
    """An aware instant, kept in UTC. Refuses naive times, which would mean somebody's unknown zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone can't be kept")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def make_engine(url: str) -> Engine:
    """An engine with the durability that "saved" promises. Never shows values in errors or logs."""
    if not url.startswith("sqlite"):
        return create_engine(url, hide_parameters=True, pool_size=10, max_overflow=10, pool_pre_ping=True)
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=10,
        max_overflow=30,
        connect_args={"timeout": BUSY_MS / 1000, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin_sqlite
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        f"busy_timeout={BUSY_MS}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A unit that will write takes the write lock first; upgrading a read later loses updates or fails.
    writes = connection.get_execution_options().get("journal_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


class Database:
    """Opens units of work. On SQLite, writers of this process queue here instead of polling the file. `info` is what
    every session carries along: the vault."""

    def __init__(self, url: str, info: dict[str, Any] | None = None) -> None:
        if url.startswith("sqlite:///"):
            Path(url[len("sqlite:///") :]).parent.mkdir(parents=True, exist_ok=True)
        self.engine = make_engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._reader = self.engine
        self._writer = self.engine.execution_options(journal_writes=True)
        self._write_turn = threading.Lock()
        self._info = info or {}

    def _session(self, bind: Engine) -> Session:
        return Session(bind, expire_on_commit=False, info=self._info)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A unit that only reads; nothing it does is kept."""
        with self._session(self._reader) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A unit that may write; what is not committed by its user at its end is undone."""
        if not self.is_sqlite:
            with self._session(self._writer) as session:
                yield session
            return
        with self._write_turn, self._session(self._writer) as session:
            yield session

    def forget(self, tables: Sequence[str]) -> bool:
        """After rows of these tables were deleted for good, and that was committed: leave nothing of them in the
        write-ahead log (SQLite) or as dead rows (PostgreSQL). False where that could not be done now; it happens
        later, by the database's own housekeeping."""
        try:
            return self._empty_log() if self.is_sqlite else self._vacuum(tables)
        except (SQLAlchemyError, sqlite3.Error):
            return False

    def _empty_log(self) -> bool:
        with self._write_turn:
            raw = self.engine.raw_connection()  # a checkpoint can't be made inside a transaction
            try:
                busy, _pages, _moved = raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                raw.close()
        return not busy

    def _vacuum(self, tables: Sequence[str]) -> bool:
        named = ", ".join(map(self.engine.dialect.identifier_preparer.quote, tables))
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"VACUUM (SKIP_LOCKED) {named}")
        return True

    def close(self) -> None:
        self.engine.dispose()


def vault_of(session: Session) -> Vault:
    """The vault that a session carries along."""
    return cast(Vault, session.info["vault"])


def upsert(session: Session, table: Table) -> Any:
    """An INSERT of the session's own dialect, which knows ON CONFLICT."""
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)
