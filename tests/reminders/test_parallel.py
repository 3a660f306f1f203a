"""However many workers look at once, and wherever one is killed, each patient has one mail a day. `FULL=1` runs 40
rounds."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from datetime import time as wall
from pathlib import Path
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from journal.domain.days import instant_of
from journal.kit.cli import migrate
from journal.kit.db import Database
from journal.kit.vault import Vault
from journal.reminders import service
from journal.reminders.tasks import send_due
from tests.cast import TODAY
from tests.conftest import MASTER_KEY, NOON, make_settings
from tests.reminders.people import asked_for, settle_in
from tests.servers import ROOT

pytestmark = pytest.mark.slow
PATIENTS, WORKERS = 90, 6
ROUNDS = 40 if os.environ.get("FULL") else 4
EIGHT = instant_of(TODAY, wall(20), ZoneInfo("America/Denver"))
DAY = timedelta(days=1)


@pytest.fixture
def crowd(empty_database: str, tmp_path: Path) -> Iterator[Database]:
    """Many patients who want a reminder at eight."""
    migrate(make_settings(tmp_path, empty_database))
    database = Database(empty_database, {"vault": Vault(MASTER_KEY)})
    with database.writing() as session:
        for n in range(PATIENTS):
            settle_in(session, f"p{n}@example.org", "America/Denver", NOON).wish(session, NOON)
        session.commit()
    yield database
    database.close()


def check(database: Database, now: datetime, days: int) -> None:
    """One mail for each patient and day so far, all looked at, none to be looked at on the same day again."""
    with database.reading() as session:
        sent = Counter(whose for whose, _at in asked_for(session))
        ahead = session.execute(
            text("SELECT count(*) FROM reminders WHERE next_due_at > :now AND last_turn_on = :day"),
            {
                "now": now if not database.is_sqlite else f"{now:%Y-%m-%d %H:%M:%S}",
                "day": TODAY + (days - 1) * DAY,
            },
        ).scalar_one()
    assert sent.values() and set(sent.values()) == {days} and len(sent) == PATIENTS
    assert ahead == PATIENTS


def test_several_threads_at_once(crowd: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "AT_ONCE", 3)
    for n in range(ROUNDS):
        start, now = Barrier(WORKERS), EIGHT + n * DAY

        def work(_: int, start: Barrier = start, now: datetime = now) -> int:
            start.wait()
            return send_due(crowd, now)

        with ThreadPoolExecutor(WORKERS) as pool:
            assert sum(pool.map(work, range(WORKERS))) == PATIENTS
        check(crowd, now, n + 1)


def count(database: Database) -> int:
    with database.reading() as session:
        return len(asked_for(session))


def begin(address: str, now: datetime, rounds: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.reminders.worker", address, now.isoformat(), str(rounds)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def go(workers: list["subprocess.Popen[str]"]) -> None:
    """All at once: each has come so far that it only waits for the word."""
    for one in workers:
        assert one.stdout and one.stdout.readline() == "ready\n"
    for one in workers:
        assert one.stdin
        one.stdin.write("go\n")
        one.stdin.flush()


def end(workers: list["subprocess.Popen[str]"]) -> list[str]:
    return [one.communicate(timeout=60)[0] for one in workers]


def test_several_processes_some_of_them_killed(crowd: Database, empty_database: str) -> None:
    chance, cut_short = random.Random(5), 0
    for n in range(ROUNDS):
        now = EIGHT + n * DAY
        workers = [begin(empty_database, now, 1000) for _ in range(3)]
        go(workers)
        enough = n * PATIENTS + chance.randint(1, PATIENTS // 2)
        while count(crowd) < enough:
            time.sleep(0.001)
        for one in workers:
            one.kill()
        end(workers)
        cut_short += count(crowd) < (n + 1) * PATIENTS
        send_due(crowd, now + timedelta(minutes=1))  # the next worker finds what they left
        check(crowd, now, n + 1)
    assert cut_short, "every kill came too late to say anything"


def test_several_processes_that_live(crowd: Database, empty_database: str) -> None:
    for n in range(ROUNDS):
        workers = [begin(empty_database, EIGHT + n * DAY, 1) for _ in range(3)]
        go(workers)
        told = [int(line) for said in end(workers) for line in said.split()]
        assert sum(told) == PATIENTS and len(told) == 3
        check(crowd, EIGHT + n * DAY, n + 1)
