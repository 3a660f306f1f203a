"""Workers killed at random against a mail server that fails at random; then the books are compared.

A lane is a database, a mail server and four workers; runs follow each other in it, and several lanes go side by side.
`Lane.run` takes how the outbox is filled, so that whatever makes mails can be put in: `fill(database, number, now)`
commits those of the run with this number, and gives their ids.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from random import Random
from uuid import UUID, uuid4

from sqlalchemy import create_engine, select, text
from sqlalchemy.engine import make_url

from journal.config import Settings
from journal.kit.assets import Assets
from journal.kit.cli import migrate
from journal.kit.db import Database
from journal.kit.jobs import Bell
from journal.kit.outbox import OutboxMail
from journal.kit.vault import Vault
from tests.certificates import make_certificate
from tests.faults.mail_servers import Account, BadController, Taken, server_context
from tests.servers import ROOT

WORKERS = 4
KILLS = 3
KILLING_S = 0.8
FAULTY_S = 4.0
LONGEST_S = 60.0
SHARE = 0.5

Fill = Callable[[Database, int, datetime], Collection[UUID]]


@dataclass
class Books:
    """What one run left: at the server, in the outbox, and whom we killed when."""

    expected: set[str]
    taken: list[Taken]
    refused: int
    faults: list[str]
    given_up: dict[str, str]
    open: set[str]
    killed_at: dict[int, float] = field(default_factory=dict)
    unmarked: set[int] = field(default_factory=set)
    """Places in `taken` whose worker was killed, or hung for longer than its lease, before it had marked them."""
    hung: set[str] = field(default_factory=set)
    """Mails whose worker said itself that it hung for so long: this machine had too much to do."""


def wrongs(books: Books) -> list[str]:
    """What must not be: a mail missing, two Message-IDs, copies that differ, a copy without a cut."""
    told: list[str] = []
    copies: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(books.taken):
        copies[one.mail_id].append(place)
    refused = {mail for mail, fault in books.given_up.items() if "said 550" in fault}
    told += [f"{mail} is missing" for mail in sorted(books.expected - copies.keys() - refused)]
    told += [f"{mail} was asked for by nobody" for mail in sorted(copies.keys() - books.expected)]
    told += [f"{mail} was given up: {books.given_up[mail]}" for mail in books.given_up.keys() - refused]
    told += [f"{mail} is still waiting" for mail in sorted(books.open)]
    if len(refused) > books.refused:
        told.append(f"{len(refused)} mails were given up, the server refused {books.refused}")
    for mail, places in copies.items():
        if len({books.taken[p].message_id for p in places}) != 1:
            told.append(f"{mail} has several Message-IDs")
        if len({books.taken[p].content for p in places}) != 1:
            told.append(f"{mail} has copies that differ")
        for place in places[:-1]:
            if books.taken[place].seen and place not in books.unmarked:
                told.append(f"{mail} was sent again though its worker knew and had time to mark it")
    return told


class Nursery:
    """The process that forks the workers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.mail_worker"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, env: dict[str, str]) -> int:
        with self._lock:
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.stdin.write(json.dumps(env) + "\n")
            self._process.stdin.flush()
            return int(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()


class Harness:
    """A nursery, certificates, and a migrated database to copy for each run."""

    def __init__(self, folder: Path, cluster: str | None) -> None:
        self.folder, self.cluster = folder, cluster
        self._numbers = count()
        self.good, key = make_certificate(folder)
        other, other_key = make_certificate(folder, "elsewhere")
        self._contexts = server_context(self.good, key), server_context(other, other_key)
        self.pattern = folder / "pattern"
        self.pattern.mkdir()
        self._template = f"pattern_{uuid4().hex[:8]}"
        if cluster is not None:
            self._sql(f'CREATE DATABASE "{self._template}"')
        address = None if cluster is None else self._named(self._template)
        env = {"DATA_DIR": str(self.pattern), **({"DATABASE_URL": address} if address else {})}
        settings = Settings.from_env(env)
        migrate(settings)
        Assets(ROOT / "static", self.pattern / "static")
        self.nursery = Nursery()

    def close(self) -> None:
        self.nursery.close()

    def _sql(self, statement: str) -> None:
        assert self.cluster is not None
        engine = create_engine(self.cluster, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()

    def _named(self, name: str) -> str:
        assert self.cluster is not None
        return make_url(self.cluster).set(database=name).render_as_string(hide_password=False)

    @contextmanager
    def _place(self) -> Iterator[dict[str, str]]:
        """A data folder and a database for one run."""
        number = next(self._numbers)
        folder = self.folder / f"run-{number}"
        shutil.copytree(self.pattern, folder)
        env = {"DATA_DIR": str(folder), "LOG": str(folder / "log"), "SSL_CERT_FILE": str(self.good)}
        if self.cluster is None:
            yield env
            return
        name = f"{self._template}_{number}"
        self._sql(f'CREATE DATABASE "{name}" TEMPLATE "{self._template}"')
        yield {**env, "DATABASE_URL": self._named(name)}
        self._sql(f'DROP DATABASE "{name}" WITH (FORCE)')

    @contextmanager
    def lane(self, **more: str) -> Iterator["Lane"]:
        """Four workers that are started anew when they are killed, and ended with the lane."""
        server = BadController(*self._contexts)
        server.start()
        try:
            with self._place() as env:
                lane = Lane(
                    self.nursery, env | {"MAIL_URL": f"smtp://localhost:{server.port}", **more}, server
                )
                try:
                    yield lane
                finally:
                    lane.close()
        finally:
            server.stop()

    def run_all(self, fill: Fill, runs: int, lanes: int, **more: str) -> list[Books]:
        """Runs 0 to `runs`, shared out among the lanes."""
        numbers = iter(range(runs))

        def go(_lane: int) -> list[Books]:
            with self.lane(**more) as lane:
                return [lane.run(number, fill) for number in numbers]

        with ThreadPoolExecutor(lanes) as pool:
            return [books for some in pool.map(go, range(lanes)) for books in some]


class Lane:
    """Where runs follow each other."""

    def __init__(self, nursery: Nursery, env: dict[str, str], server: BadController) -> None:
        self.nursery, self.env, self.server = nursery, env, server
        settings = Settings.from_env(env)
        self.database = Database(settings.database_url, {"vault": Vault(settings.master_key)})
        self.bell = Bell(self.database, settings.data_dir / "jobs.sqlite3")
        self.workers = [nursery.start(env) for _ in range(WORKERS)]
        self.killed_at: dict[int, float] = {}
        self.unmarked: set[int] = set()
        self.known: set[str] = set()

    def close(self) -> None:
        for worker in self.workers:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        self.database.close()

    def run(self, number: int, fill: Fill, *, share: float = SHARE, kills: int = KILLS) -> Books:
        """Fill, kill, and wait until every mail is settled. The same number plans the same faults."""
        account = self.server.begin(number, share)
        self.killed_at, self.unmarked = {}, set()
        expected = {one.hex for one in fill(self.database, number, datetime.now(UTC))}
        self._see_it_through(account, Random(number), kills)
        rows = self._rows()
        self.known |= {row.id.hex for row in rows}
        hung = self._hung() & expected
        late = {
            place
            for place, one in enumerate(account.taken)
            if one.at >= self.killed_at.get(one.worker, float("inf")) or one.mail_id in hung
        }
        return Books(
            expected,
            account.taken,
            account.refused,
            account.faults,
            {row.id.hex: row.fault for row in rows if row.due_at is None and row.fault},
            {row.id.hex for row in rows if row.due_at is not None},
            self.killed_at,
            self.unmarked | late,
            hung,
        )

    def _see_it_through(self, account: Account, random: Random, kills: int) -> None:
        began = time.monotonic()
        moments = sorted(began + random.uniform(0.02, KILLING_S) for _ in range(kills))
        while time.monotonic() - began < LONGEST_S:
            now = time.monotonic()
            if moments and now >= moments[0]:
                moments.pop(0)
                place = random.randrange(WORKERS)
                self._kill(self.workers[place], account)
                self.workers[place] = self.nursery.start(self.env)
            if now - began > FAULTY_S:
                self.server.calm()
            if not moments and all(row.due_at is None for row in self._rows()):
                return
            self.bell.ring()
            time.sleep(0.05)

    def _kill(self, worker: int, account: Account) -> None:
        """Stopped first, so that we can read what it had marked when it died."""
        os.kill(worker, signal.SIGSTOP)
        self.killed_at[worker] = time.monotonic()
        settled = {row.id.hex for row in self._rows() if row.due_at is None}
        os.kill(worker, signal.SIGKILL)
        for place, one in enumerate(list(account.taken)):
            if one.worker == worker and one.mail_id not in settled:
                self.unmarked.add(place)

    def _hung(self) -> set[str]:
        lines = Path(self.env["LOG"]).read_text().splitlines()
        told = [json.loads(line) for line in lines if '"claim lost"' in line]
        return {UUID(one["mail_id"]).hex for one in told if one["was_sent"]}

    def _rows(self) -> list[OutboxMail]:
        with self.database.reading() as session:
            rows = session.execute(select(OutboxMail)).scalars()
            return [row for row in rows if row.id.hex not in self.known]
