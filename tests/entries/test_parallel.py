"""Forty at once, with real commits: nothing lost, nothing silently overwritten."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier
from uuid import UUID, uuid4

import pytest

from journal.accounts import service as accounts
from journal.domain.access import Viewer
from journal.domain.checkin import CheckIn
from journal.entries.queries import Want, get_entry, list_entries, list_versions
from journal.entries.service import Draft, Kept, append
from journal.kit.cli import migrate
from journal.kit.db import Database
from journal.kit.vault import Vault
from tests.cast import TODAY, ZONE
from tests.conftest import MASTER_KEY, make_settings

pytestmark = pytest.mark.slow
MANY = 40
NOW = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)


@pytest.fixture
def patient(empty_database: str, tmp_path: Path) -> Iterator[tuple[Database, Viewer]]:
    migrate(make_settings(tmp_path, empty_database))
    database = Database(empty_database, {"vault": Vault(MASTER_KEY)})
    with database.writing() as session:
        account_id = accounts.sign_up(session, "a@example.org", "x", accounts.Place(ZONE), NOW)
        session.commit()
    yield database, Viewer.patient(account_id)
    database.close()


def all_at_once(database: Database, viewer: Viewer, make: Callable[[int], Draft]) -> list[Kept]:
    start = Barrier(MANY)

    def one(n: int) -> Kept:
        start.wait()
        with database.writing() as session:
            kept = append(session, viewer, make(n), NOW)
            session.commit()
            return kept

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(one, range(MANY)))


def _draft(entry_id: UUID, note: str, base: int) -> Draft:
    return Draft(entry_id, "check-in", CheckIn({}, {}, {}, note), TODAY, ZONE, NOW, base)


def test_forty_saves_of_the_same_day(patient: tuple[Database, Viewer]) -> None:
    database, viewer = patient
    all_at_once(database, viewer, lambda n: _draft(uuid4(), f"note {n}", 0))
    with database.reading() as session:
        kept = list_entries(session, viewer, [Want("check-in", TODAY, TODAY)])
    assert {one.payload["note"] for one in kept} == {f"note {n}" for n in range(MANY)}


def test_forty_changes_of_the_same_revision(patient: tuple[Database, Viewer]) -> None:
    database, viewer = patient
    entry_id = uuid4()
    with database.writing() as session:
        append(session, viewer, _draft(entry_id, "first", 0), NOW)
        session.commit()
    kept = all_at_once(database, viewer, lambda n: _draft(entry_id, f"change {n}", 1))
    assert sorted(k.how for k in kept) == ["beside"] * (MANY - 1) + ["revised"]
    with database.reading() as session:
        versions = list_versions(session, viewer, entry_id, "check-in")
        held = get_entry(session, viewer, entry_id, "check-in")
    assert {v.payload["note"] for v in versions if v.payload} == {
        "first",
        *(f"change {n}" for n in range(MANY)),
    }
    assert [v.number for v in versions] == list(range(1, MANY + 2))
    assert sum(v.is_open for v in versions) == held.beside == MANY - 1


def test_forty_taps_on_the_same_save_are_one_entry(patient: tuple[Database, Viewer]) -> None:
    database, viewer = patient
    entry_id = uuid4()
    kept = all_at_once(database, viewer, lambda _n: _draft(entry_id, "once", 0))
    assert sorted(k.how for k in kept) == ["new"] + ["same"] * (MANY - 1)
    with database.reading() as session:
        assert len(list_versions(session, viewer, entry_id, "check-in")) == 1
