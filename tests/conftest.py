"""What every test stands on: both databases, a rolled-back transaction each, a checking client, one cast for all."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session
from time_machine import travel

from journal import create_app
from journal.config import Settings
from journal.kit.cli import migrate
from journal.kit.db import Database
from journal.kit.vault import Vault
from tests import servers
from tests.cast import Cast, make_cast
from tests.client import CheckingClient

MASTER_KEY = bytes(range(32))
NOON = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)
"""A Sunday; noon in Denver, where the cast lives."""

hypothesis_settings.register_profile(
    "journal",
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    print_blob=True,
)
hypothesis_settings.load_profile("journal")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=["sqlite", "postgresql"], default="sqlite")


ONCE = ("tests/domain/", "tests/architecture/test_imports.py", "tests/kit/test_pdf.py")
"""What says nothing about the database runs with SQLite only, so that the whole suite stays under a quarter of an hour."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--database") == "sqlite":
        return
    once = [
        item
        for item in items
        if item.get_closest_marker("once")
        or item.path.relative_to(config.rootpath).as_posix().startswith(ONCE)
    ]
    config.hook.pytest_deselected(items=once)
    items[:] = [item for item in items if item not in set(once)]


@pytest.fixture(scope="session", autouse=True)
def closed_network() -> Iterator[None]:
    """Nothing in a test reaches beyond this machine."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in (
            "127.0.0.1",
            "localhost",
            "::1",
        ):
            raise AssertionError(f"a test wanted to reach {address[0]}")
        return real(self, address)

    socket.socket.connect = connect  # type: ignore[method-assign]
    yield
    socket.socket.connect = real  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def database_kind(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--database"))


@pytest.fixture(scope="session")
def cluster(database_kind: str) -> Iterator[str | None]:
    """The address of a PostgreSQL that is ours alone, or None on SQLite."""
    if database_kind == "sqlite":
        yield None
        return
    with servers.postgres() as address:
        yield address


@contextmanager
def _new_postgres(cluster: str) -> Iterator[str]:
    name = f"journal_{uuid4().hex[:12]}"
    engine = create_engine(cluster, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    yield make_url(cluster).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    engine.dispose()


@pytest.fixture
def empty_database(cluster: str | None, tmp_path: Path) -> Iterator[str]:
    """The address of a database with nothing in it, for tests that need real commits."""
    if cluster is None:
        yield f"sqlite:///{tmp_path / 'journal.sqlite3'}"
        return
    with _new_postgres(cluster) as address:
        yield address


def make_settings(folder: Path, database_url: str, **changes: Any) -> Settings:
    values: dict[str, Any] = {
        "data_dir": folder,
        "database_url": database_url,
        "base_url": "http://localhost:8000",
        "port": 8000,
        "secret_key": "for-tests-only-0123456789-abcdefghijk",
        "master_key": MASTER_KEY,
        "default_zone": "America/Denver",
        "passphrase_rounds": 1,
        "passphrase_kib": 8,
    }
    return Settings(**(values | changes))


@pytest.fixture(scope="session")
def shared_database(
    cluster: str | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Settings, Database]]:
    """One migrated database for all tests that roll back."""
    folder = tmp_path_factory.mktemp("shared")
    with _new_postgres(cluster) if cluster else _sqlite(folder) as address:
        settings = make_settings(folder, address)
        migrate(settings)
        database = Database(address, {"vault": Vault(MASTER_KEY)})
        yield settings, database
        database.close()


@contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder / 'journal.sqlite3'}"


class RolledBack(Database):
    """Every unit of work in one transaction, which is undone at the end; a commit is a savepoint."""

    def __init__(self, database: Database) -> None:
        self.engine, self.is_sqlite, self._info = database.engine, database.is_sqlite, database._info
        self.connection = self.engine.connect().execution_options(journal_writes=True)
        self._outer = self.connection.begin()

    def _open(self) -> Session:
        return Session(
            self.connection,
            expire_on_commit=False,
            info=self._info,
            join_transaction_mode="create_savepoint",
        )

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with self._open() as session:
            yield session

    writing = reading

    def forget(self, _tables: Sequence[str]) -> bool:
        """Nothing was committed, so nothing lingers."""
        return True

    def end(self) -> None:
        self._outer.rollback()
        self.connection.close()


@pytest.fixture
def database(shared_database: tuple[Settings, Database]) -> Iterator[Database]:
    rolled_back = RolledBack(shared_database[1])
    yield rolled_back
    rolled_back.end()


@pytest.fixture(scope="session")
def session_app(shared_database: tuple[Settings, Database]) -> Flask:
    return create_app(shared_database[0], shared_database[1])


@pytest.fixture
def app(session_app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch) -> Flask:
    monkeypatch.setitem(session_app.extensions, "database", database)
    return session_app


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.writing() as unit:
        yield unit


@pytest.fixture(autouse=True)
def clock(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Time stands still at noon, unless the test runs real servers."""
    if any(request.node.get_closest_marker(name) for name in ("browser", "slow")):
        yield None
        return
    with travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def cast(app: Flask) -> Cast:
    """A patient, another patient whose rows are always there, and strangers."""
    return make_cast(app)


@pytest.fixture
def client(app: Flask) -> CheckingClient:
    """A browser in which nobody is signed in."""
    return CheckingClient(app)
