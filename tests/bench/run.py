"""`make bench`: the journal beside the bare floor, interleaved, on both databases; then its pages on a slow phone, and
Lighthouse's marks for them. Prints ratios and times; judges nothing.

CPU is that of the server's processes, in user and system mode, per request: the steadiest figure on a shared machine.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from journal.accounts import service as accounts
from journal.accounts.passphrases import Hasher
from journal.checkins import service as checkins
from journal.config import Settings
from journal.domain.access import Viewer
from journal.domain.checkin import CheckIn
from journal.domain.days import Moment
from journal.domain.infusion import Infusion
from journal.infusions import service as infusions
from journal.kit.db import Database
from journal.kit.vault import Vault
from tests import servers
from tests.bench import digest, marks, phone
from tests.bench.reading import READER, SECRET, fill_shares
from tests.faults.person import PASSPHRASE, Person
from tests.servers import ROOT, Journal, free_port

REPEATS = int(os.environ.get("REPEATS", "5"))
REQUESTS = int(os.environ.get("REQUESTS", "200"))
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_of(group: int) -> float:
    """Seconds of CPU that the processes of a group have used."""
    used = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            used += (int(fields[11]) + int(fields[12])) / TICKS
    return used


class Floor:
    """The floor under the same gunicorn settings."""

    def __init__(self, folder: Path, address: str | None) -> None:
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        env = {**os.environ, "FLOOR_URL": address or f"sqlite:///{folder / 'floor.sqlite3'}"}
        gunicorn = str(Path(sys.executable).parent / "gunicorn")
        command = [gunicorn, "-b", f"127.0.0.1:{self.port}", "-k", "gthread", "-w", "1", "--threads", "8"]
        command += ["--no-control-socket", "tests.bench.floor:app"]
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=quiet, stderr=quiet, start_new_session=True
        )
        self.person = Person(self.url)
        for _ in range(200):
            try:
                if self.person.open("/sign-in/1")[0] == 302:
                    break
            except OSError:
                time.sleep(0.05)
        self.token = self.person.token("/")

    def save(self, n: int) -> int:
        return self.person.open("/save", {"csrf_token": self.token, "mood": "5", "note": f"note {n}"})[0]


def fill(journal: Journal, address: str, years: int, email: str) -> None:
    """A patient with years of check-ins and an infusion every two weeks."""
    settings = Settings.from_env(dict(journal.env))
    vault = Vault(settings.master_key)
    database = Database(address, {"vault": vault})
    now = datetime.now(UTC)
    today = now.date()
    hasher = Hasher(vault, settings.passphrase_rounds, settings.passphrase_kib)
    with database.writing() as session:
        hashed = hasher.hash(PASSPHRASE, email)
        viewer = Viewer.patient(
            accounts.sign_up(session, email, hashed, accounts.Place("UTC", "US"), now, send_mail=False)
        )
        for back in range(1, years * 365 + 1):
            day = today - timedelta(days=back)
            effects = {"fatigue": "mild", "nausea": "none"} if back % 14 < 3 else {}
            checkin = CheckIn(
                {"mood": back % 11, "anxiety": 3, "sleep": back % 7, "hope": 5}, effects, {}, ""
            )
            checkins.record(
                session,
                viewer,
                checkin,
                Moment(now, day, ZoneInfo("UTC")),
                entry_id=uuid4(),
                base=0,
                day=day,
            )
            if back % 14 == 0:
                infusions.record(
                    session,
                    viewer,
                    Infusion(number=years * 27 - back // 14),
                    Moment(now, day, ZoneInfo("UTC")),
                    entry_id=uuid4(),
                    base=0,
                    day=day,
                )
        session.commit()
    database.close()


def cpu_ms(group: int, work: Callable[[], None], count: int) -> float:
    before = cpu_of(group)
    work()
    return (cpu_of(group) - before) * 1000 / count


def repeat(person: Person, path: str, count: int) -> Callable[[], None]:
    def work() -> None:
        for _ in range(count):
            assert person.open(path)[0] == 200, path

    return work


@contextmanager
def both(kind: str) -> Iterator[tuple[Journal, Floor, str]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if kind == "sqlite":
            journal = Journal(folder / "journal").start()
            yield journal, Floor(folder, None), f"sqlite:///{folder / 'journal' / 'journal.sqlite3'}"
            return
        with servers.postgres(fsync=True) as cluster:
            engine = create_engine(cluster, isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.execute(text("CREATE DATABASE floor"))
            engine.dispose()
            floor = make_url(cluster).set(database="floor").render_as_string(hide_password=False)
            journal = Journal(folder / "journal", cluster).start()
            yield journal, Floor(folder, floor), cluster


def measure(kind: str) -> None:
    with both(kind) as (journal, floor, address):
        fill(journal, address, 1, "one-year@example.org")
        fill(journal, address, 3, "three-years@example.org")
        share_id = fill_shares(journal, address, "one-year@example.org")
        reader = Person(journal.url)
        assert reader.sign_in(READER, PASSPHRASE, SECRET) == 303
        one, three, fresh = Person(journal.url), Person(journal.url), Person(journal.url)
        assert one.sign_in("one-year@example.org", PASSPHRASE) == 303
        assert three.sign_in("three-years@example.org", PASSPHRASE) == 303
        fresh.sign_up("fresh@example.org")
        assert journal.process is not None
        ours, theirs = os.getpgid(journal.process.pid), os.getpgid(floor.process.pid)

        def save_ours() -> None:
            for n in range(REQUESTS):
                fields = {
                    "entry_id": str(uuid4()),
                    "mood": "5",
                    "anxiety": "4",
                    "sleep": "6",
                    "note": f"note {n}",
                }
                assert fresh.save(fields) == 303

        def save_theirs() -> None:
            for n in range(REQUESTS):
                assert floor.save(n) == 303

        owner = str(fresh.json("/sync/kit.json")["owner"])

        def save_by_phone() -> None:
            for n in range(REQUESTS):
                [answer] = fresh.send(_waiting(owner, {"mood": "5", "anxiety": "4", "note": f"note {n}"}))
                assert answer["status"] == "applied", answer

        rows: dict[str, tuple[Callable[[], None], Callable[[], None], str]] = {
            "save a check-in": (save_ours, save_theirs, "at most 2.0"),
            "save from the phone": (save_by_phone, save_theirs, "at most 2.0"),
            "Today": (repeat(one, "/today", REQUESTS), repeat(floor.person, "/", REQUESTS), "at most 2.0"),
            "trends page, one year": (
                repeat(one, "/trends?days=all", REQUESTS // 4),
                repeat(floor.person, "/chart", REQUESTS // 4),
                "at most 2.5",
            ),
            "trends data, one year": (
                repeat(one, "/trends.json?days=all", REQUESTS // 4),
                repeat(floor.person, "/chart", REQUESTS // 4),
                "at most 2.5",
            ),
            "trends page, 90 days": (
                repeat(one, "/trends?days=90", REQUESTS // 4),
                repeat(floor.person, "/chart", REQUESTS // 4),
                "",
            ),
            "trends page, 3 years to 1": (
                repeat(three, "/trends?days=all", REQUESTS // 4),
                repeat(one, "/trends?days=all", REQUESTS // 4),
                "at most 2.0",
            ),
            "care list, 201 people": (
                repeat(reader, "/care", REQUESTS // 10),
                repeat(floor.person, "/", REQUESTS),
                "at most 20",
            ),
            "summary page, one year": (
                repeat(reader, f"/care/{share_id}?days=all", REQUESTS // 10),
                repeat(floor.person, "/chart", REQUESTS // 4),
                "at most 4",
            ),
            "summary page, 90 days": (
                repeat(reader, f"/care/{share_id}", REQUESTS // 10),
                repeat(floor.person, "/chart", REQUESTS // 4),
                "at most 4",
            ),
        }
        print(f"\n{kind}: CPU of the server per request, medians of {REPEATS} interleaved repeats")
        print(f"{'':28}{'journal':>10}{'floor':>10}{'ratio':>8}{'from':>8}{'to':>8}   goal")
        for name, (mine, other, goal) in rows.items():
            other_group = ours if "3 years" in name else theirs
            count = REQUESTS if name.startswith(("save", "Today")) else REQUESTS // 4
            others = REQUESTS if name.startswith("care list") else count
            if name.startswith(("care", "summary")):
                count = REQUESTS // 10
            mine()
            other()
            pairs = [(cpu_ms(ours, mine, count), cpu_ms(other_group, other, others)) for _ in range(REPEATS)]
            ratios = sorted(a / b for a, b in pairs)
            a, b = (statistics.median(p[i] for p in pairs) for i in (0, 1))
            ratio = statistics.median(ratios)
            print(f"{name:28}{a:8.2f}ms{b:8.2f}ms{ratio:8.2f}{ratios[0]:8.2f}{ratios[-1]:8.2f}   {goal}")
        _files(reader, share_id)
        _many_at_once(journal, kind)
        _memory(ours, theirs)
        journal.stop()
        floor.process.terminate()
        floor.process.wait(20)


def _waiting(owner: str, payload: dict[str, str]) -> dict[str, Any]:
    """One check-in of today, as a phone sends it."""
    now = datetime.now(UTC)
    operation = {
        "id": str(uuid4()),
        "owner": owner,
        "entry": str(uuid4()),
        "base": 0,
        "after": None,
        "kind": "check-in",
        "day": now.date().isoformat(),
        "zone": "UTC",
        "captured_at": now.isoformat(),
        "payload": payload,
    }
    told = {"version": 1, "owner": owner, "sent_at": now.isoformat(), "shown": None, "epoch": None, "seen": 0}
    return told | {"operations": [operation]}


def _files(reader: Person, share_id: UUID) -> None:
    """How long a summary's files take, and whether another page waits for a PDF."""
    reader.open_bytes(f"/care/{share_id}.pdf")  # the process that draws starts with the first one
    for ending in ("pdf", "csv", "fhir.json"):
        took = []
        for _ in range(REPEATS):
            began = time.perf_counter()
            code, body = reader.open_bytes(f"/care/{share_id}.{ending}")
            assert code == 200 and body
            took.append(time.perf_counter() - began)
        print(f"summary of 90 days as {ending}: {statistics.median(took):.2f} s, {len(body) // 1024} KB")


def _many_at_once(journal: Journal, kind: str) -> None:
    """10,000 saves (SAVES changes that), 32 at once: how many failed."""
    total, at_once = int(os.environ.get("SAVES", "10000")), 32
    people = [Person(journal.url) for _ in range(at_once)]
    for number, person in enumerate(people):
        person.sign_up(f"many{number}@example.org")
    failed: list[int] = []
    lock = threading.Lock()

    def writes(person: Person) -> None:
        for _ in range(total // at_once):
            code = person.save({"entry_id": str(uuid4()), "mood": "5", "note": "one of many"})
            if code != 303:
                with lock:
                    failed.append(code)

    started = time.monotonic()
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(writes, people))
    took = time.monotonic() - started
    print(f"{kind}: {total} saves, {at_once} at once: {len(failed)} failed, {total / took:.0f} a second")


def _memory(ours: int, theirs: int) -> None:
    def largest(group: int) -> int:
        sizes = [0]
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if int((folder / "stat").read_text().rpartition(")")[2].split()[2]) == group:
                    found = re.search(r"VmRSS:\s+(\d+)", (folder / "status").read_text())
                    sizes.append(int(found[1]) if found else 0)
            except OSError:
                continue
        return max(sizes) // 1024

    print(
        f"memory of the largest process: journal {largest(ours)} MB (goal: at most 90), floor {largest(theirs)} MB"
    )


if __name__ == "__main__":
    for one_kind in sys.argv[1:] or ("sqlite", "postgresql"):
        measure(one_kind)
        digest.measure(one_kind)
    phone.measure()
    marks.measure()
