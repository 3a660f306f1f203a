"""Workers killed at random against a mail server that fails at random; then the books are compared.

A lane is a database, a mail server and four workers; runs follow each other in it, and several lanes go side by side.
`Lane.run` takes how the outbox is filled, so that whatever makes mails can be put in: `fill(database, number, now)`
commits those of the run with this number, or what makes the workers ask for them, and gives the ids they must have.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
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
from journal.kit.outbox import SWITCHED_OFF, OutboxMail
from journal.kit.vault import Vault
from tests.certificates import make_certificate
from tests.faults.mail_servers import Account, BadController, Taken, server_context
from tests.servers import ROOT

WORKERS = 4
KILLS = 3
KILLING_S = 0.8
AT_ONCE_S = 0.3
FAULTY_S = 4.0
RING_EVERY_S = 0.25
RING_SELDOM_S = 0.5
"""While it is made: each ring sets one more thread to making the same."""
LONGEST_S = 60.0
SHARE = 0.5

OFF_AFTER = 2
"""So many refusals for good switch an address off."""

Fill = Callable[[Database, int, datetime], Collection[UUID]]
Check = Callable[[Database, int], list[str]]
"""What is wrong with what a run left in the database, beside the outbox."""


def nothing_else(_database: Database, _number: int) -> list[str]:
    """Where the outbox is all there is."""
    return []


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
    off: set[str] = field(default_factory=set)
    """Mails that were not sent because the server had refused two to the same address."""
    early: int = 0
    """How many workers were killed before every mail had been asked for."""
    told: list[str] = field(default_factory=list)
    """What else was found wrong."""


def wrongs(books: Books) -> list[str]:
    """What must not be: a mail missing, two Message-IDs, copies that differ, a copy without a cut."""
    told = list(books.told)
    copies: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(books.taken):
        copies[one.mail_id].append(place)
    refused = {mail for mail, fault in books.given_up.items() if "said 550" in fault}
    settled = refused | books.off
    told += [f"{mail} is missing" for mail in sorted(books.expected - copies.keys() - settled)]
    told += [f"{mail} was asked for by nobody" for mail in sorted(copies.keys() - books.expected)]
    told += [f"{mail} was given up: {books.given_up[mail]}" for mail in books.given_up.keys() - settled]
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

    def __init__(self, env: dict[str, str]) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.mail_worker"],
            cwd=ROOT,
            env={**os.environ, **env},
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
        self.nursery = Nursery(env)

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

    def run_all(
        self,
        fill: Fill,
        runs: int,
        lanes: int,
        *,
        check: Check = nothing_else,
        kills: int = KILLS,
        **more: str,
    ) -> list[Books]:
        """Runs 0 to `runs`, shared out among the lanes."""
        numbers = iter(range(runs))

        def go(_lane: int) -> list[Books]:
            with self.lane(**more) as lane:
                return [lane.run(number, fill, check=check, kills=kills) for number in numbers]

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
        self.expected: set[str] = set()
        self.early = 0
        self.known: set[str] = set()

    def close(self) -> None:
        for worker in self.workers:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        self.database.close()

    def run(
        self,
        number: int,
        fill: Fill,
        *,
        check: Check = nothing_else,
        share: float = SHARE,
        kills: int = KILLS,
    ) -> Books:
        """Fill, kill, and wait until every mail is settled. The same number plans the same faults."""
        account = self.server.begin(number, share)
        self.killed_at, self.unmarked, self.early = {}, set(), 0
        self.expected = {one.hex for one in fill(self.database, number, datetime.now(UTC))}
        self._see_it_through(account, Random(number), kills)
        rows = self._rows()
        self.known |= {row.id.hex for row in rows}
        refusals = Counter(row.recipient for row in rows if row.fault and "said 550" in row.fault)
        is_off = {one for one, times in refusals.items() if times >= OFF_AFTER}
        if is_off:  # the journal writes to its admins by itself then
            self.expected |= {row.id.hex for row in rows if row.purpose == "address-off"}
        hung = self._hung() & self.expected
        late = {
            place
            for place, one in enumerate(account.taken)
            if one.at >= self.killed_at.get(one.worker, float("inf")) or one.mail_id in hung
        }
        return Books(
            self.expected,
            account.taken,
            account.refused,
            account.faults,
            {row.id.hex: row.fault for row in rows if row.due_at is None and row.fault},
            {row.id.hex for row in rows if row.due_at is not None},
            self.killed_at,
            self.unmarked | late,
            hung,
            {row.id.hex for row in rows if row.fault == SWITCHED_OFF and row.recipient in is_off},
            self.early,
            check(self.database, number),
        )

    def _see_it_through(self, account: Account, random: Random, kills: int) -> None:
        """Some are killed right after the filling, while what it leads to is made; some when all mails are asked for."""
        began = time.monotonic()
        rung = asked = 0.0
        planned = [random.choice((("at once", AT_ONCE_S), ("asked", KILLING_S))) for _ in range(kills)]
        moments = [(when, random.uniform(0.02, longest)) for when, longest in planned]
        while (now := time.monotonic()) - began < LONGEST_S:
            rows = self._rows()
            if not asked and self.expected <= {row.id.hex for row in rows}:
                asked = now
            for when, after in moments[:]:
                since = began if when == "at once" else asked
                if since and now - since >= after:
                    moments.remove((when, after))
                    place = random.randrange(WORKERS)
                    self._kill(self.workers[place], account)
                    self.workers[place] = self.nursery.start(self.env)
            if asked and now - asked > FAULTY_S:
                self.server.calm()
            if asked and not moments and all(row.due_at is None for row in rows):
                return
            if now - rung > (RING_EVERY_S if asked else RING_SELDOM_S):
                rung = now
                self.bell.ring()
            time.sleep(0.05 if moments else 0.15)

    def _kill(self, worker: int, account: Account) -> None:
        """Stopped first, so that we can read what it had marked when it died."""
        os.kill(worker, signal.SIGSTOP)
        self.killed_at[worker] = time.monotonic()
        rows = self._rows()
        settled = {row.id.hex for row in rows if row.due_at is None}
        self.early += not self.expected <= {row.id.hex for row in rows}
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
