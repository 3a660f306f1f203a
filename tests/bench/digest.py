"""The weekly digest of one big clinic: CPU and statements per patient, memory, beside a plain loop over the patients and
a bare read of the same rows, in one run. `PATIENTS=10000` makes the long one."""

import os
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
from sqlalchemy import event, insert, select, text

from journal.accounts.models import Account
from journal.clinics.models import Clinic
from journal.digests import service, tasks
from journal.digests.models import Digest, DigestRow
from journal.domain.access import KINDS, Viewer
from journal.domain.checkin import CheckIn
from journal.domain.infusion import Infusion
from journal.domain.instrument_files import instruments
from journal.domain.questionnaires import Response
from journal.domain.weeks import Week
from journal.entries.models import Entry, PatientKey, Revision
from journal.entries.queries import Want, belongs_to, list_entries
from journal.kit.cli import migrate
from journal.kit.db import Database
from journal.kit.vault import Vault
from journal.shares.models import Share
from journal.shares.queries import NO_END
from journal.shares.queries import belongs_to as share_belongs_to
from tests import servers
from tests.conftest import MASTER_KEY, make_settings

PATIENTS = int(os.environ.get("PATIENTS", "2000"))
WEEKS = 16
WEEK = Week(2026, 47)
NOW = datetime(2026, 11, 23, 14, tzinfo=UTC)
LAST = date(2026, 11, 22)
LOOPED = 100
"""Patients in the plain loop; it is linear."""


def fill(database: Database, patients: int) -> UUID:
    """A clinic that follows so many people with sixteen weeks each: four days of five logged, an infusion twice a week
    in the first three weeks, a questionnaire a week. Gives the clinic's id."""
    vault, clinic_id = Vault(MASTER_KEY), uuid4()
    began = NOW - timedelta(weeks=WEEKS + 1)
    with database.writing() as session:
        session.add(
            Clinic(
                id=clinic_id,
                wrapped_key=vault.new_wrapped_key(clinic_id.bytes),
                name="Big",
                created_at=NOW - timedelta(days=6),
                zone="America/Denver",
                digest_due_at=NOW,
                look_due_at=NOW,
            )
        )
        session.commit()
    for start in range(0, patients, 200):
        tables: dict[Any, list[dict[str, Any]]] = {
            one: [] for one in (Account, PatientKey, Entry, Revision, Share)
        }
        for place in range(start, min(patients, start + 200)):
            _one(tables, vault, clinic_id, place, began)
        with database.writing() as session:
            for model, rows in tables.items():
                session.execute(insert(model.__table__), rows)
            session.commit()
    return clinic_id


def _fill_apart(address: str, patients: int) -> UUID:
    database = Database(address, {"vault": Vault(MASTER_KEY)})
    clinic_id = fill(database, patients)
    database.close()
    return clinic_id


def _one(
    tables: dict[Any, list[dict[str, Any]]], vault: Vault, clinic_id: UUID, place: int, began: datetime
) -> None:
    patient, share, email = uuid4(), uuid4(), f"p{place}@example.org"
    wrapped = vault.new_wrapped_key(patient.bytes)
    box = vault.box(wrapped, patient.bytes)
    tables[Account].append(
        {
            "id": patient,
            "email": email,
            "email_key": email,
            "passphrase_hash": "x",
            "created_at": began,
            "zone": "America/Denver",
            "day_ends_hour": 0,
        }
    )
    tables[PatientKey].append({"patient_id": patient, "wrapped_key": wrapped, "created_at": began})
    told = orjson.dumps({"name": f"Person {place}", "to": "the clinic"})
    tables[Share].append(
        {
            "id": share,
            "patient_id": patient,
            "way": "clinic",
            "clinic_id": clinic_id,
            "kinds": " ".join(sorted(KINDS)),
            "created_at": began,
            "changed_at": began,
            "accepted_at": began,
            "expires_at": NO_END,
            "tell_me": False,
            "tries": 0,
            "sealed": box.seal(told, share_belongs_to(patient, share)),
        }
    )
    for payload, day in _story(place):
        entry = uuid4()
        at = datetime(day.year, day.month, day.day, 23, tzinfo=UTC)
        tables[Entry].append(
            {
                "patient_id": patient,
                "id": entry,
                "kind": payload.kind,
                "day": day,
                "zone": "America/Denver",
                "is_late": False,
                "is_deleted": False,
                "current_revision": 1,
                "last_revision": 1,
                "settled_revision": 0,
                "beside": 0,
            }
        )
        tables[Revision].append(
            {
                "patient_id": patient,
                "entry_id": entry,
                "number": 1,
                "base": 0,
                "is_beside": False,
                "day": day,
                "captured_at": at,
                "received_at": at,
                "device": "Chrome on Android",
                "sealed": box.seal(orjson.dumps(payload.dump()), belongs_to(patient, entry, 1)),
            }
        )


def _story(place: int) -> Iterator[tuple[Any, date]]:
    first = LAST - timedelta(days=7 * WEEKS - 1)
    phq = instruments()["phq-9"]
    for back in range(7 * WEEKS):
        day = LAST - timedelta(days=back)
        if (back + place) % 5:
            mood = (back // 9 + place) % 11
            yield (
                CheckIn(
                    {"mood": mood, "anxiety": 3, "sleep": 5, "hope": 4},
                    {"fatigue": "mild", "nausea": "none"},
                    {},
                    "a few words",
                ),
                day,
            )
        if back % 7 == place % 7:
            answers = {item.id: 0 if item.flag else (back // 20 + place) % 4 for item in phq.items}
            yield Response("phq-9", "en", answers, "finished"), day
    for number in range(6):
        yield Infusion(number=number + 1), first + timedelta(days=10 + 3 * number + 60 * (place % 2))


@contextmanager
def counting(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(*args: Any) -> None:
        seen.append(args[2])

    event.listen(database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(database.engine, "before_cursor_execute", note)


def rss_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


@contextmanager
def watching_memory() -> Iterator[list[float]]:
    """How much the process grew at most, in MB."""
    begin, grown, stop = rss_mb(), [0.0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.02):
            grown[0] = max(grown[0], rss_mb() - begin)

    thread = threading.Thread(target=watch)
    thread.start()
    yield grown
    stop.set()
    thread.join()


def cpu_s(work: Callable[[], Any]) -> tuple[float, float]:
    """CPU and wall time of a piece of work, in seconds."""
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used, time.perf_counter() - began


def plain_loop(database: Database, clinic_id: UUID) -> None:
    """What a digest looks like without a thought: patient by patient, by the mapper."""
    with database.reading() as session:
        followed = session.execute(select(Share).where(Share.clinic_id == clinic_id).limit(LOOPED)).scalars()
        for share in followed:
            viewer = Viewer.patient(share.patient_id)
            list_entries(session, viewer, [Want("check-in"), Want("infusion"), Want("questionnaire")])
            entries = select(Entry, Revision).join(
                Revision,
                (Revision.patient_id == Entry.patient_id)
                & (Revision.entry_id == Entry.id)
                & (Revision.number == Entry.current_revision),
            )
            session.execute(entries.where(Entry.patient_id == share.patient_id)).all()


def bare_read(database: Database) -> None:
    with database.reading() as session:
        rows = session.execute(
            text(
                "SELECT e.patient_id, e.kind, e.day, r.sealed FROM entries e JOIN revisions r "
                "ON r.patient_id = e.patient_id AND r.entry_id = e.id AND r.number = e.current_revision "
                "WHERE e.day >= '2026-10-18'"
            )
        )
        for _row in rows:
            pass


def measure(kind: str, patients: int = PATIENTS) -> None:
    with tempfile.TemporaryDirectory() as name:
        if kind == "sqlite":
            _measure(Path(name), f"sqlite:///{name}/journal.sqlite3", kind, patients)
        else:
            with servers.postgres() as cluster:
                _measure(Path(name), cluster, kind, patients)


def _measure(folder: Path, address: str, kind: str, patients: int) -> None:
    migrate(make_settings(folder, address))
    database = Database(address, {"vault": Vault(MASTER_KEY)})
    with ProcessPoolExecutor(
        1
    ) as apart:  # in a process of its own, so that what it used doesn't hide what we use
        clinic_id = apart.submit(_fill_apart, address, patients).result()
    if kind == "postgresql":
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
    print(f"\n{kind}: a digest of {patients} patients with {WEEKS} weeks each")

    def prepare() -> None:
        with database.reading() as session:
            service.prepare(session, clinic_id, WEEK, NOW)

    with watching_memory() as grown:
        prepare()
    with counting(database) as statements:
        used, took = cpu_s(prepare)
    print(
        f"  read: {used * 1000 / patients:.2f} ms CPU a patient, {took:.1f} s, {len(statements)} statements"
    )
    print(f"  memory grew by {grown[0]:.0f} MB at most")
    with counting(database) as statements:
        used, took = cpu_s(lambda: tasks.make(database, clinic_id, WEEK, NOW))
    print(
        f"  made: {used * 1000 / patients:.2f} ms CPU a patient, {took:.1f} s, {len(statements)} statements"
    )
    print("  goal: at most 1 ms a patient; 10,000 in 10 s")
    loop, _ = cpu_s(lambda: plain_loop(database, clinic_id))
    bare, _ = cpu_s(lambda: bare_read(database))
    ours, per_loop = used / patients, loop / min(LOOPED, patients)
    print(
        f"  a plain loop over the patients: {per_loop * 1000:.2f} ms a patient, {per_loop / ours:.1f} × as much"
    )
    print(
        f"  a bare read of five weeks: {bare * 1000 / patients:.2f} ms a patient; ours is {used / bare:.1f} ×"
    )
    with database.reading() as session:
        made = session.get(Digest, session.execute(select(Digest.id)).scalar_one())
        rows = session.execute(select(DigestRow.sealed)).scalars().all()
    assert made is not None
    print(f"  {len(rows)} rows, {sum(map(len, rows)) // 1024} KB sealed; {made.told}")
    database.close()


if __name__ == "__main__":
    for one in ("sqlite", "postgresql"):
        measure(one)
