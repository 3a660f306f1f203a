"""The worker: chores, the bell, the queue and the signals, with real processes where they matter; and the health."""

import asyncio
import json
import os
import pickle
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from huey.registry import Message
from sqlalchemy import create_engine, text, update
from sqlalchemy.orm import Session

from journal.config import UnfitSettings
from journal.kit import health, jobs, outbox
from journal.kit.cli import check_vault, is_ready, migrate
from journal.kit.db import Database
from journal.kit.jobs import Bell, Chore
from journal.kit.vault import Vault
from journal.kit.worker import Json, make_queue
from tests.client import CheckingClient
from tests.conftest import MASTER_KEY, NOON, make_settings
from tests.faults.person import Person
from tests.servers import ROOT, Journal, free_port


def test_one_chore_that_fails_holds_up_no_other(database: Database) -> None:
    ran: list[str] = []

    def chore(name: str, fails: bool = False) -> Chore:
        def run(now: datetime) -> int:
            ran.append(name)
            if fails:
                raise RuntimeError("what a patient wrote")
            assert now == NOON
            return len(name)

        return Chore(name, run)

    done = jobs.look(database, [chore("first"), chore("second", fails=True), chore("third")])
    assert ran == ["first", "second", "third"]
    assert done == {"first": 5, "second": None, "third": 5}
    with database.reading() as unit:
        assert health.worker_seen(unit) == NOON


def test_what_failed_is_logged_without_its_words(
    database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    def run(_now: datetime) -> int:
        raise RuntimeError("what a patient wrote")

    jobs.look(database, [Chore("writes", run)])
    told = capfd.readouterr()
    said = told.out + told.err
    assert "chore failed" in said and "RuntimeError" in said and "patient" not in said


def test_the_queue_speaks_json_alone() -> None:
    made = Json().serialize(Message(id="1", name="x.look", retries=0))
    assert json.loads(made) == {"id": "1", "name": "x.look"}
    assert Json().deserialize(made).name == "x.look"
    with pytest.raises(ValueError):
        Json().deserialize(pickle.dumps({"id": 1}))
    with pytest.raises(TypeError):
        Json().serialize({"not": "a task"})


def test_the_bell_rings_the_librarys_own_queue(empty_database: str, tmp_path: Path) -> None:
    """What we write by hand is what the worker reads; a second ring before it was read is the same ring."""
    database = Database(empty_database)
    bell = Bell(database, tmp_path / "jobs.sqlite3")
    bell.ring()  # no worker has been here: nothing happens
    queue = make_queue(empty_database, tmp_path / "jobs.sqlite3")
    make_queue(empty_database, tmp_path / "jobs.sqlite3")  # a second worker finds the tables there
    seen: list[int] = []
    queue.periodic_task(lambda _now: False, name=jobs.LOOK)(_as_worker(lambda: seen.append(1)))
    bell.ring()
    bell.ring()
    assert queue.pending_count() == 1
    queue.execute(queue.dequeue())
    assert seen == [1] and queue.dequeue() is None
    queue.storage.close()
    if empty_database.startswith("sqlite"):
        assert stat.S_IMODE((tmp_path / "jobs.sqlite3").stat().st_mode) == 0o600
    else:
        with database.engine.connect() as connection:
            where = text(
                "SELECT DISTINCT table_schema FROM information_schema.tables WHERE table_name LIKE 'huey%'"
            )
            assert connection.execute(where).scalars().all() == [jobs.SCHEMA]
    database.close()


def _as_worker(run: Callable[[], object]) -> Callable[[], object]:
    run.__module__ = "journal.kit.worker"
    return run


def test_a_queue_that_is_away_fails_no_request(tmp_path: Path) -> None:
    (tmp_path / "jobs.sqlite3").write_bytes(b"no database at all, only words" * 100)
    database = Database(f"sqlite:///{tmp_path / 'journal.sqlite3'}")
    Bell(database, tmp_path / "jobs.sqlite3").ring()
    database.close()


def test_the_web_does_not_carry_the_queues_library() -> None:
    words = "import sys, journal; sys.exit('huey' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", words], cwd=ROOT).returncode == 0


def test_ready_when_made_and_up_to_date(empty_database: str, tmp_path: Path) -> None:
    settings = make_settings(tmp_path, empty_database)
    assert not is_ready(settings)
    assert not list(tmp_path.glob("*.sqlite3")), "looking made a file, which would pass for a database"
    migrate(settings)
    assert is_ready(settings)


def test_many_may_start_at_the_same_moment(empty_database: str, tmp_path: Path) -> None:
    """Each leaves the vault's mark where there is none, and makes the queue's tables."""
    settings = make_settings(tmp_path, empty_database)
    migrate(settings)
    together = threading.Barrier(6)

    def start(_number: int) -> None:
        together.wait(10)
        check_vault(settings)
        make_queue(empty_database, tmp_path / "jobs.sqlite3").storage.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(start, range(6)))
    other = make_settings(tmp_path, empty_database, master_key=bytes(range(1, 33)))
    with pytest.raises(UnfitSettings):
        check_vault(other)


# Health


def told(session: Session, now: datetime, started_at: datetime, *checks: health.Check) -> tuple[str, ...]:
    return health.faults(session, now, started_at, checks)


MINUTE = timedelta(minutes=1)
NO_WORKER = "No worker has been seen for 5 minutes."
LATE = "A mail has been waiting for more than an hour."


def test_no_worker_for_five_minutes(session: Session) -> None:
    assert told(session, NOON, NOON) == told(session, NOON + 5 * MINUTE, NOON) == ()
    assert told(session, NOON + 5.1 * MINUTE, NOON) == (NO_WORKER,)
    health.mark_worker(session, NOON + 4 * MINUTE)
    health.mark_worker(session, NOON + 5 * MINUTE)
    assert told(session, NOON + 10 * MINUTE, NOON) == ()
    assert told(session, NOON + 10.1 * MINUTE, NOON) == (NO_WORKER,)
    assert told(session, NOON + 30 * MINUTE, NOON + 29 * MINUTE) == ()  # all of it was down, and is back


def test_a_mail_that_waits_an_hour_even_if_it_is_tried_again_and_again(session: Session) -> None:
    outbox.put(session, "hello", "sam@example.org", None, NOON)
    later = NOON + 61 * MINUTE
    health.mark_worker(session, later)
    assert told(session, NOON + 60 * MINUTE, later) == ()
    session.execute(update(outbox.OutboxMail).values(due_at=later + 30 * MINUTE))
    assert told(session, later, later) == (LATE,)


def test_features_add_what_they_look_at(session: Session) -> None:
    def late(_session: Session, now: datetime) -> Iterable[str]:
        yield f"A digest is late at {now:%H}."

    def breaks(_session: Session, _now: datetime) -> Iterable[str]:
        raise RuntimeError("names somebody")

    assert told(session, NOON, NOON, late, breaks) == (
        "A digest is late at 19.",
        "A check failed. The log says where.",
    )


def test_the_page_is_red_with_reasons(
    client: CheckingClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.extensions, "started_at", NOON)
    assert client.raw("GET", "/healthz").json == {"status": "ok"}
    monkeypatch.setitem(app.extensions, "started_at", NOON - timedelta(hours=1))
    answer = client.raw("GET", "/healthz")
    assert answer.status_code == 503
    assert answer.json == {"status": "red", "reasons": [NO_WORKER]}


# Real processes


def wait_for(found: Callable[[], Any], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)


def ask(settings: Any, to: str) -> None:
    database = Database(settings.database_url, {"vault": Vault(settings.master_key)})
    with database.writing() as unit:
        outbox.put(unit, "passphrase-changed", to, None, datetime.now().astimezone())
        unit.commit()
    database.close()


def environment(settings: Any, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": settings.database_url,
        "MASTER_KEY": b64encode(MASTER_KEY).decode(),
        **more,
    }


CHORES = ("tidy", "flags", "second contacts", "daily look", "digests", "reminders", "notes", "mail")


@pytest.mark.slow
def test_once_does_what_is_due_and_ends(empty_database: str, tmp_path: Path) -> None:
    settings = make_settings(tmp_path, empty_database)
    migrate(settings)
    ask(settings, "sam@example.org")
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker", "--once"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(settings), capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (
        0,
        "".join(f"{one}: {int(one == 'mail')} done\n" for one in CHORES),
    ), done.stderr
    assert len(list((tmp_path / "mail").glob("*.eml"))) == 1
    assert not (tmp_path / "jobs.sqlite3").exists()


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_gentle_end_finishes_the_mail_in_hand(
    empty_database: str, tmp_path: Path, how: signal.Signals
) -> None:
    """The server takes its time with the mail; the worker is told to end meanwhile, and ends when it is taken."""

    class Slow:
        begun, got = False, 0

        async def handle_DATA(self, _server: Any, _session: Any, _envelope: Any) -> str:
            self.begun = True
            await asyncio.sleep(1.5)
            self.got += 1
            return "250 taken"

    slow, port = Slow(), free_port()
    controller = Controller(slow, hostname="127.0.0.1", port=port)
    controller.start()
    settings = make_settings(tmp_path, empty_database)
    migrate(settings)
    ask(settings, "sam@example.org")
    ask(settings, "other@example.org")
    env = environment(settings, MAIL_URL=f"smtp://localhost:{port}?tls=off")
    with (tmp_path / "log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "worker"],
            cwd=ROOT,
            env=env,
            stdout=log,
            stderr=log,
        )
    try:
        wait_for(lambda: slow.begun)
        worker.send_signal(how)
        assert worker.wait(20) == 0
    finally:
        worker.kill()
        controller.stop()
    engine = create_engine(empty_database)
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT sent_at IS NOT NULL, attempts FROM outbox ORDER BY attempts")
        ).all()
    engine.dispose()
    assert slow.got == 1
    assert [tuple(row) for row in rows] == [(0, 0), (1, 1)], "one finished and marked, the other not begun"


@pytest.mark.slow
def test_web_and_worker_stand_and_fall_together(tmp_path: Path) -> None:
    """`make run`: TERM ends both; when one dies the other ends too, and the reason is said."""
    for victim in ("worker", "web", None):
        folder = tmp_path / str(victim)
        port = free_port()
        env = {**os.environ, "DATA_DIR": str(folder), "PORT": str(port)}
        run = subprocess.Popen(
            [sys.executable, "deploy/run.py"], cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True
        )
        try:
            wait_for(lambda run=run: len(_children(run.pid)) == 2)
            wait_for(lambda folder=folder: _was_seen(folder))
            children = _children(run.pid)
            if victim is None:
                run.terminate()
            else:
                [pid] = [pid for pid, line in children.items() if ("flask" in line) is (victim == "worker")]
                os.kill(pid, signal.SIGKILL)
            told = run.communicate(timeout=30)[1]
            assert not any(_is_alive(pid) for pid in children)
        finally:
            run.kill()
        assert run.returncode == (0 if victim is None else 1)
        said = {"worker": "The worker ended by itself", "web": "The web server ended by itself"}
        assert victim is None or said[victim] in told


@pytest.mark.slow
def test_when_the_launcher_is_killed_nothing_goes_on(tmp_path: Path) -> None:
    env = {**os.environ, "DATA_DIR": str(tmp_path), "PORT": str(free_port())}
    run = subprocess.Popen([sys.executable, "deploy/run.py"], cwd=ROOT, env=env, stderr=subprocess.DEVNULL)
    wait_for(lambda: len(_children(run.pid)) == 2 and _was_seen(tmp_path))
    children = _children(run.pid)
    run.kill()
    run.wait(10)
    wait_for(lambda: not any(_is_alive(pid) for pid in children))


def _children(pid: int) -> dict[int, str]:
    found = {}
    for stat_file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat_file.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid and fields[0] != "Z":
                found[int(stat_file.parent.name)] = (stat_file.parent / "cmdline").read_text()
        except OSError:
            continue
    return found


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _was_seen(folder: Path) -> bool:
    path = folder / "journal.sqlite3"
    if not path.exists():
        return False
    line = sqlite3.connect(path)
    try:
        return line.execute("SELECT count(*) FROM worker_marks").fetchone()[0] == 1
    except sqlite3.OperationalError:
        return False
    finally:
        line.close()


@pytest.mark.slow
def test_a_page_that_asks_for_a_mail_wakes_the_worker(empty_database: str, tmp_path: Path) -> None:
    """Long before the minute is over; and with the worker gone, the mail waits and nobody is held up."""
    journal = Journal(tmp_path, None if empty_database.startswith("sqlite") else empty_database).start()
    try:
        folder = tmp_path / "mail"
        wait_for(lambda: _marked(empty_database))
        time.sleep(1)
        began = time.monotonic()
        Person(journal.url).sign_up("first@example.org")
        wait_for(lambda: len(list(folder.glob("*.eml"))) == 1, 10)
        assert time.monotonic() - began < 10
        assert journal.worker is not None
        journal.worker.kill()
        journal.worker.wait(10)
        Person(journal.url).sign_up("second@example.org")
        time.sleep(0.5)
        assert len(list(folder.glob("*.eml"))) == 1
        journal.start_worker()
        wait_for(lambda: len(list(folder.glob("*.eml"))) == 2)
    finally:
        journal.stop()


def _marked(address: str) -> bool:
    engine = create_engine(address)
    try:
        with engine.connect() as connection:
            return bool(connection.execute(text("SELECT count(*) FROM worker_marks")).scalar_one())
    finally:
        engine.dispose()


@pytest.mark.slow
def test_health_over_http_is_503_and_names_nobody(tmp_path: Path) -> None:
    journal = Journal(tmp_path, has_worker=False).start()
    try:
        line = sqlite3.connect(tmp_path / "journal.sqlite3")
        line.execute(
            "INSERT INTO outbox (id, purpose, recipient, created_at, due_at, attempts) "
            "VALUES ('0', 'hello', 'canary@example.org', '2026-01-01 00:00:00', '2026-01-01 00:00:00', 0)"
        )
        line.commit()
        line.close()
        with pytest.raises(urllib.error.HTTPError) as red:
            urllib.request.urlopen(f"{journal.url}/healthz", timeout=5)
        with red.value:
            body = red.value.read().decode()
        assert red.value.code == 503 and json.loads(body) == {"status": "red", "reasons": [LATE]}
        assert "canary" not in body
    finally:
        journal.stop()
