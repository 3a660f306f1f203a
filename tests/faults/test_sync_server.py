"""POST /sync on a bad line, as the simplest possible phone sees it: it takes out of its queue only what a whole answer
names, and sends the rest again. However the line broke, the server holds everything once."""

import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.faults.kept import each_once, list_kept
from tests.faults.person import Person
from tests.faults.proxy import MODES, Proxy
from tests.servers import Journal

pytestmark = pytest.mark.slow
DONE = {"applied", "duplicate", "conflict"}


class Line:
    """A journal behind its proxy, and somebody with things to send."""

    def __init__(self, folder: Path, address: str) -> None:
        self.journal = Journal(folder, None if address.startswith("sqlite") else address, has_worker=False)
        self.proxy = Proxy(self.journal.port)
        self.journal.env = {**self.journal.env, "BASE_URL": self.proxy.url}
        self.journal.start()
        self.proxy.start()
        self.person = Person(self.proxy.url)
        self.person.sign_up("phone@example.org")
        self.owner = self.person.json("/sync/kit.json")["owner"]

    def stop(self) -> None:
        self.proxy.stop()
        self.journal.stop()

    def operation(self, mark: str, days_ago: int) -> dict[str, Any]:
        now = datetime.now(UTC)
        return {
            "id": str(uuid4()),
            "owner": self.owner,
            "entry": str(uuid4()),
            "base": 0,
            "after": None,
            "kind": "check-in" if days_ago else "note",
            "day": (now - timedelta(days=days_ago)).date().isoformat(),
            "zone": "UTC",
            "captured_at": now.isoformat(),
            "payload": {"note": f"{mark}, that day", **({"mood": "4"} if days_ago else {})},
        }

    def send(self, operations: list[dict[str, Any]], timeout_s: float = 2) -> list[dict[str, Any]]:
        """What is left in the queue. Believes nothing but a whole JSON answer with code 200."""
        body = json.dumps(
            {
                "version": 1,
                "owner": self.owner,
                "sent_at": datetime.now(UTC).isoformat(),
                "shown": None,
                "operations": operations,
            }
        )
        cookies = "; ".join(f"{one.name}={one.value}" for one in self.person.cookies)
        headers = {"Content-Type": "application/json", "Cookie": cookies, "Origin": self.proxy.url}
        line = HTTPConnection("localhost", self.proxy.port, timeout=timeout_s)
        try:
            line.request("POST", "/sync", body, headers)
            answer = line.getresponse()
            told = json.loads(answer.read()) if answer.status == 200 else None
        except (OSError, HTTPException, ValueError):
            told = None
        finally:
            line.close()
        answers = told["answers"] if isinstance(told, dict) else []
        done = {one["id"] for one in answers if one["status"] in DONE}
        return [one for one in operations if one["id"] not in done]


@pytest.fixture
def line(tmp_path: Path, empty_database: str) -> Iterator[Line]:
    made = Line(tmp_path / "journal", empty_database)
    yield made
    made.stop()


def mark() -> str:
    return f"w{uuid4().hex[:10]}w"


def test_each_thing_is_kept_once_in_every_mode(line: Line) -> None:
    line.proxy.delay_s = 0.2
    marks: list[str] = []
    waiting: list[dict[str, Any]] = []
    for mode in MODES:
        line.proxy.fail(mode, only="/sync")
        for days_ago in (0, 1 + len(marks) % 14):
            marks.append(mark())
            waiting.append(line.operation(marks[-1], days_ago))
            before = len(waiting)
            waiting = line.send(waiting, timeout_s=10 if mode == "delay" else 0.4)
            assert len(waiting) == (0 if mode == "delay" else before), mode
        line.proxy.mend()
        waiting = line.send(waiting, timeout_s=10)
        assert not waiting, mode
        each_once(line.journal, "phone@example.org", marks)
    assert all(one.number == 1 for one in list_kept(line.journal) if one.marks)


def test_two_tries_at_the_same_moment(line: Line) -> None:
    """The phone gave up on the first, which is still on its way: the same things, in other orders, all at once."""
    marks = [mark() for _ in range(10)]
    operations = [line.operation(one, n % 5) for n, one in enumerate(marks)]
    orders = [random.sample(operations, len(operations)) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        left = list(pool.map(lambda some: line.send(some, timeout_s=30), orders))
    assert left == [[]] * 6
    each_once(line.journal, "phone@example.org", marks)
