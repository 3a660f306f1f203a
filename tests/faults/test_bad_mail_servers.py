"""Four workers killed with -9 at random against a mail server that fails in every way: nothing is lost, and nothing is
sent twice but where the line was cut after the server had taken the mail.

12 runs, beside the 40 of `test_digest_runs`; 200 with `FULL=1`.
"""

import os
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import pytest

from journal.accounts import service as accounts
from journal.kit import outbox
from journal.kit.db import Database
from tests.faults.mail_harness import Books, Harness, wrongs
from tests.faults.mail_servers import FAULTS, Taken

pytestmark = pytest.mark.slow
RUNS = 200 if os.environ.get("FULL") else 12
LANES = 4
MAILS = 8


def fill(database: Database, run: int, now: datetime) -> Collection[UUID]:
    """Mails with a link of their own each: written a second time, they would differ."""
    ids = []
    with database.writing() as session:
        for number in range(MAILS):
            address = f"person{run}-{number}@example.org"
            owner = accounts.sign_up(session, address, "x", accounts.Place("UTC"), now, send_mail=False)
            mail_id = uuid5(NAMESPACE_URL, f"mail {run} {number}")
            assert outbox.put(session, "verify", address, owner, now, mail_id=mail_id)
            assert not outbox.put(session, "verify", address, owner, now, mail_id=mail_id)
            ids.append(mail_id)
        session.commit()
    return ids


def test_nothing_is_lost_and_nothing_doubled_without_a_cut(harness: Harness) -> None:
    runs = harness.run_all(fill, RUNS, LANES)
    assert len(runs) == RUNS
    found = {seed: told for seed, books in enumerate(runs) if (told := wrongs(books))}
    assert found == {}
    assert sum(len(books.hung) for books in runs) <= RUNS // 8, "too slow a machine to tell"
    met = {fault for books in runs for fault in books.faults}
    assert (
        len(met) > len(set(FAULTS)) // 2
    )  # that each of them happens is seen in the longer runs, of digests
    killed = sum(len(books.killed_at) for books in runs)
    copies = sum(len(books.taken) - len({one.mail_id for one in books.taken}) for books in runs)
    assert killed >= RUNS * 3 and copies >= RUNS // 8, (killed, copies)


def test_a_good_server_gets_each_mail_once(harness: Harness) -> None:
    with harness.lane() as lane:
        books = lane.run(1, fill, share=0.0, kills=0)
    assert wrongs(books) == [] and not books.hung
    assert len(books.taken) == MAILS and all(one.seen for one in books.taken)


def test_the_harness_finds_a_mail_that_is_marked_before_it_is_sent(harness: Harness) -> None:
    found = [line for books in harness.run_all(fill, 2, 2, WRONG_ORDER="yes") for line in wrongs(books)]
    assert [line for line in found if "is missing" in line]


def test_the_books_are_read_strictly() -> None:
    mail = uuid4().hex

    def taken(content: bytes = b"a", name: str = "<1>", *, seen: bool = True) -> Taken:
        return Taken(mail, name, content, 7, 1.0, seen)

    def told(*copies: Taken, unmarked: tuple[int, ...] = (), given_up: str | None = None) -> str:
        faults = {} if given_up is None else {mail: given_up}
        return " ".join(wrongs(Books({mail}, list(copies), 1, [], faults, set(), {}, set(unmarked))))

    assert told(taken()) == ""
    assert told(taken(seen=False), taken()) == ""
    assert told(taken(), taken(), unmarked=(0,)) == ""
    assert "sent again" in told(taken(), taken())
    assert "differ" in told(taken(b"a", seen=False), taken(b"b"))
    assert "Message-IDs" in told(taken(name="<1>", seen=False), taken(name="<2>"))
    assert "missing" in told()
    assert told(given_up="server said 550 to the address") == ""
    assert "given up" in told(taken(), given_up="KeyError")
    assert timedelta(0) < outbox.START_WITHIN < outbox.LEASE
