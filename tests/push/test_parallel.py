"""Several workers, killed wherever they are: each phone has its note, none has a mail beside it, and a second note only
where a worker died between the push service's answer and its own commit. `FULL=1` runs 20 rounds."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from datetime import time as wall
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from journal.domain.days import instant_of
from journal.kit import vapid
from journal.kit.cli import migrate
from journal.kit.db import Database
from journal.kit.vault import Vault
from tests.cast import TODAY
from tests.conftest import MASTER_KEY, NOON, make_settings
from tests.push.conftest import subscribe
from tests.push.push_service import PushService
from tests.reminders.people import asked_for, settle_in
from tests.servers import ROOT

pytestmark = pytest.mark.slow
PATIENTS, WORKERS = 40, 3
ROUNDS = 20 if os.environ.get("FULL") else 2
EIGHT = instant_of(TODAY, wall(20), ZoneInfo("America/Denver"))
DAY = timedelta(days=1)


@pytest.fixture
def crowd(empty_database: str, tmp_path: Path, pushes: PushService) -> Iterator[Database]:
    """Many patients who want a reminder at eight; every fourth has two phones."""
    migrate(make_settings(tmp_path, empty_database))
    vault = Vault(MASTER_KEY)
    database = Database(empty_database, {"vault": vault})
    with database.writing() as session:
        vapid.make_key(session, vault, NOON)
        for n in range(PATIENTS):
            one = settle_in(session, f"p{n}@example.org", "America/Denver", NOON)
            one.wish(session, NOON)
            for _ in range(2 if n % 4 == 0 else 1):
                subscribe(session, one, pushes.phone())
        session.commit()
    yield database
    database.close()


def begin(address: str, now: datetime) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.push.worker", address, now.isoformat()]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def go(workers: list["subprocess.Popen[str]"]) -> None:
    for one in workers:
        assert one.stdout and one.stdout.readline() == "ready\n"
    for one in workers:
        assert one.stdin
        one.stdin.write("go\n")
        one.stdin.flush()


def kill(workers: list["subprocess.Popen[str]"]) -> None:
    for one in workers:
        one.kill()
    for one in workers:
        one.communicate(timeout=60)


def open_notes(database: Database) -> int:
    with database.reading() as session:
        found = session.execute(text("SELECT count(*) FROM push_notes WHERE settled_at IS NULL"))
        return int(found.scalar_one())


def test_killed_workers(crowd: Database, empty_database: str, pushes: PushService) -> None:
    chance, phones, doubles, cut_short = random.Random(6), set(pushes.plan), 0, 0
    for n in range(ROUNDS):
        now, pushes.got[:] = EIGHT + n * DAY, []
        workers = [begin(empty_database, now) for _ in range(WORKERS)]
        go(workers)
        enough = chance.randint(5, len(phones) // 2)
        while len(pushes.got) < enough:
            time.sleep(0.001)
        kill(workers)
        cut_short += len({got.path for got in pushes.got}) < len(phones)
        workers = [begin(empty_database, now + timedelta(minutes=1)) for _ in range(WORKERS)]
        go(workers)
        until = time.monotonic() + 60
        while time.monotonic() < until and (
            open_notes(crowd) or len({got.path for got in pushes.got}) < len(phones)
        ):
            time.sleep(0.05)
        kill(workers)
        times = Counter(got.path for got in pushes.got)
        assert set(times) == phones and open_notes(crowd) == 0
        assert max(times.values()) <= 2
        doubles += len(pushes.got) - len(phones)
        with crowd.reading() as session:
            assert asked_for(session) == []
    assert cut_short, "every kill came too late to say anything"
    assert doubles <= WORKERS * ROUNDS  # a worker holds one note at a time
