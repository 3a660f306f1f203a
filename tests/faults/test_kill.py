"""`kill -9` while people save: every acknowledged check-in is there, once. And the disk is told before the person is.

100 cycles in `make test-full`; a short run otherwise.
"""

import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from journal.config import Settings
from journal.domain.access import Viewer
from journal.entries.queries import Want, list_entries
from journal.kit.db import Database
from journal.kit.vault import Vault
from tests import servers
from tests.faults.person import Person
from tests.servers import Journal

pytestmark = pytest.mark.slow
CYCLES = 100 if os.environ.get("FULL") else 12
LEAST_ACKNOWLEDGED = 5
WRITERS = 4


def _acknowledged(journal: Journal, people: list[Person], sent: set[str]) -> set[str]:
    """Save from several people until at least five saves are acknowledged, then kill in the middle of more."""
    told: set[str] = set()
    enough, dead = threading.Event(), threading.Event()

    def writes(person: Person) -> None:
        while not dead.is_set():
            note = uuid4().hex
            sent.add(note)
            try:
                if person.save({"entry_id": str(uuid4()), "mood": "5", "note": note}) == 303:
                    told.add(note)
            except (OSError, HTTPException):
                return
            if len(told) >= LEAST_ACKNOWLEDGED:
                enough.set()

    with ThreadPoolExecutor(WRITERS) as pool:
        waiting = [pool.submit(writes, person) for person in people]
        assert enough.wait(60), "no five saves were acknowledged in a minute"
        journal.kill()
        dead.set()
        for one in waiting:
            one.result()
    return told


def _notes(address: str, journal: Journal) -> list[str]:
    settings = Settings.from_env(dict(journal.env))
    database = Database(address, {"vault": Vault(settings.master_key)})
    kept = []
    with database.reading() as session:
        for (account_id,) in session.execute(text("SELECT id FROM accounts")).all():
            owner = account_id if isinstance(account_id, UUID) else UUID(account_id)
            kept += [
                one.payload["note"]
                for one in list_entries(session, Viewer.patient(owner), [Want("check-in")])
            ]
    database.close()
    return kept


def test_every_acknowledged_save_survives_kill_9(tmp_path: Path, database_kind: str) -> None:
    if database_kind == "postgresql":
        with servers.postgres(fsync=True) as cluster:
            _run(tmp_path, make_url(cluster).render_as_string(hide_password=False))
    else:
        _run(tmp_path, f"sqlite:///{tmp_path / 'journal.sqlite3'}")


def _run(folder: Path, address: str) -> None:
    journal = Journal(folder, None if address.startswith("sqlite") else address).start()
    people = [Person(journal.url) for _ in range(WRITERS)]
    for number, person in enumerate(people):
        person.sign_up(f"writer{number}@example.org")
    acknowledged: set[str] = set()
    sent: set[str] = set()
    for _cycle in range(CYCLES):
        told = _acknowledged(journal, people, sent)
        assert len(told) >= LEAST_ACKNOWLEDGED
        acknowledged |= told
        journal.start()
    kept = _notes(address, journal)
    journal.stop()
    assert acknowledged - set(kept) == set(), "an acknowledged save is gone"
    assert len(kept) == len(set(kept)), "a save is there twice"
    assert set(kept) <= sent
    if address.startswith("sqlite"):
        engine = create_engine(address)
        with engine.connect() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
        engine.dispose()


def test_the_disk_is_told_before_the_person(tmp_path: Path, database_kind: str) -> None:
    """strace sees an fsync of the database's log between the save's arrival and its answer."""
    if database_kind != "sqlite":
        pytest.skip(
            "PostgreSQL syncs in processes of its own; its settings are checked in test_postgres_is_durable"
        )
    trace = tmp_path / "trace.txt"
    calls = "trace=fsync,fdatasync,sendto,sendmsg,write,writev,recvfrom"
    journal = Journal(tmp_path / "data").start(
        before=("strace", "-f", "-tt", "-y", "-s", "160", "-o", str(trace), "-e", calls)
    )
    try:
        person = Person(journal.url)
        person.sign_up("traced@example.org")
        assert person.save({"mood": "5", "note": "the traced one"}) == 303
    finally:
        journal.stop()
    lines = trace.read_text("utf-8", "replace").splitlines()
    arrived = max(i for i, line in enumerate(lines) if "POST /today" in line)
    answered = next(i for i in range(arrived, len(lines)) if "303 SEE OTHER" in lines[i])
    between = lines[arrived:answered]
    assert any(re.search(r"f(data)?sync\(\d+<[^>]*journal\.sqlite3-wal>", line) for line in between), between


def test_postgres_is_durable(cluster: str | None) -> None:
    """We never loosen what PostgreSQL does by itself: a commit waits for the disk."""
    if cluster is None:
        pytest.skip("this is about PostgreSQL")
    with servers.postgres(fsync=True) as address:
        database = Database(address)
        with database.writing() as session:
            told = {
                name: session.execute(text(f"SHOW {name}")).scalar_one()
                for name in ("synchronous_commit", "fsync")
            }
        database.close()
    assert told == {"synchronous_commit": "on", "fsync": "on"}
