"""Four processes, ten readers asking on and on in every shape: after the end is acknowledged nobody gets in."""

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from journal.accounts import service as accounts
from journal.accounts.models import Account
from journal.config import Settings
from journal.domain.access import KINDS, Scope, Viewer
from journal.kit.db import Database
from journal.kit.tokens import hash_token, new_token
from journal.kit.vault import Vault
from journal.shares import service
from journal.shares.models import Share, ShareOpening
from journal.shares.service import Wish
from tests.cast import log_checkin
from tests.faults.person import Person
from tests.servers import Journal

pytestmark = pytest.mark.slow
READERS = 10
ROUNDS = 20 if os.environ.get("FULL") else 3
SHAPES = ("", ".pdf", ".csv", ".fhir.json")


def test_nothing_succeeds_after_the_end(empty_database: str, tmp_path: Path) -> None:
    on_postgres = empty_database.startswith("postgresql")
    more = {"WORKERS": "4"} if on_postgres else {}  # SQLite is served by one process with eight threads
    journal = Journal(tmp_path, empty_database if on_postgres else None, **more).start()
    try:
        person = Person(journal.url)
        person.sign_up("mara@example.org")
        settings = Settings.from_env(journal.env)
        database = Database(settings.database_url, {"vault": Vault(settings.master_key)})
        for _ in range(ROUNDS):
            _one_round(journal, person, database)
        database.close()
    finally:
        journal.stop()


def _one_round(journal: Journal, person: Person, database: Database) -> None:
    now = datetime.now(UTC)
    share_id, link, openings = _give(database, now)
    ended = threading.Event()
    results: list[tuple[float, float, int, bool]] = []
    stop = time.monotonic() + 60

    def read(n: int) -> None:
        reader = Person(journal.url)
        reader.extra = {"Cookie": f"journal-shared-{share_id.hex[:12]}={openings[n]}"}
        after = 0
        while after < 8 and time.monotonic() < stop:
            shape = SHAPES[(n + len(results)) % len(SHAPES)]
            asked = time.monotonic()
            was_over = ended.is_set()
            code, text = reader.open_bytes(f"/shared/{link}{shape}")
            results.append((asked, time.monotonic(), code, b"canary" in text or text[:4] == b"%PDF"))
            after += was_over

    threads = [threading.Thread(target=read, args=(n,)) for n in range(READERS)]
    for thread in threads:
        thread.start()
    while sum(code == 200 for *_, code, _c in results) < READERS * 2 and time.monotonic() < stop:
        time.sleep(0.02)
    code = person.post(f"/sharing/{share_id}/end", {})
    acknowledged = time.monotonic()
    ended.set()
    for thread in threads:
        thread.join()
    assert code == 303
    before = [one for one in results if one[1] <= acknowledged]
    later = [one for one in results if one[0] > acknowledged]
    assert sum(one[2] == 200 and one[3] for one in before) >= READERS, "they read while it was open"
    assert len(later) >= READERS * 5
    assert [one for one in later if one[2] == 200 or one[3]] == []


def _give(database: Database, now: datetime) -> tuple[UUID, str, list[str]]:
    """A link to a journal with something in it, opened in ten browsers."""
    with database.writing() as session:
        patient = session.execute(
            select(Account.id).where(Account.email_key == "mara@example.org")
        ).scalar_one()
        viewer = Viewer.patient(patient)
        accounts.settle(session, patient, verified_at=now)
        log_checkin(session, viewer, now.date(), {"mood": 4}, note="reader canary", made=now)
        wish = Wish(uuid4(), "canary", "reader", Scope(frozenset(KINDS)), now.date() + timedelta(days=7))
        ends_at = service.expiry(wish.ends_on, ZoneInfo("UTC"), 0)
        link = service.give_link(session, viewer, wish, ends_at, "passcode", now, once=False) or ""
        openings = [new_token() for _ in range(READERS)]
        session.flush()
        assert session.get(Share, wish.share_id)
        for token in openings:
            session.add(
                ShareOpening(token_hash=hash_token(token), share_id=wish.share_id, opened_at=now, seen_at=now)
            )
        session.commit()
    return wish.share_id, link, openings
