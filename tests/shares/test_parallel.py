"""What may be used once is used once, however many try at the same moment. `FULL=1` runs all fifty rounds."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.audit.queries import get_access_log
from journal.domain.access import Scope, Viewer
from journal.kit.db import Database
from journal.shares import service
from journal.shares.service import Wish
from tests.cast import TODAY, ZONE
from tests.entries.test_parallel import NOW, patient

pytestmark = pytest.mark.slow
__all__ = ["patient"]
AT_ONCE = 20
ROUNDS = 50 if os.environ.get("FULL") else 5
READER = "lee@example.org"


def together(database: Database, do: Callable[[Session], Any]) -> list[Any]:
    start = Barrier(AT_ONCE)

    def one(_: int) -> Any:
        start.wait()
        with database.writing() as session:
            told = do(session)
            session.commit()
            return told

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(AT_ONCE)))


def a_reader(database: Database) -> UUID:
    with database.writing() as session:
        account_id = accounts.sign_up(session, READER, "x", accounts.Place(ZONE), NOW)
        session.commit()
    return account_id


def a_wish() -> tuple[Wish, Any]:
    wish = Wish(uuid4(), "A", "Lee", Scope(frozenset({"daily"})), TODAY + timedelta(days=7), READER)
    return wish, service.expiry(wish.ends_on, ZoneInfo(ZONE), 0)


def test_an_invitation_is_accepted_once(patient: tuple[Database, Viewer]) -> None:
    database, viewer = patient
    reader = a_reader(database)
    for _ in range(ROUNDS):
        wish, ends_at = a_wish()
        with database.writing() as session:
            service.invite(session, viewer, wish, ends_at, NOW)
            token = service.new_invitation(session, wish.share_id, NOW) or ""
            session.commit()
        told = together(database, lambda s, token=token: service.accept(s, token, reader, READER, NOW))
        assert [one for one in told if one] == [wish.share_id]
        with database.writing() as session:
            service.end(session, viewer, wish.share_id, NOW)
            session.commit()


def test_a_link_for_one_opening_opens_once(patient: tuple[Database, Viewer]) -> None:
    database, viewer = patient
    for _ in range(ROUNDS):
        wish, ends_at = a_wish()
        with database.writing() as session:
            link = service.give_link(session, viewer, wish, ends_at, "p", NOW, once=True) or ""
            session.commit()

        def open_it(session: Session, link: str = link) -> str | None:
            tried = service.count_try(session, link, NOW)
            session.commit()  # as the door does, before it looks at the passcode
            return None if tried is None else service.let_in(session, tried[0], NOW)

        assert len([one for one in together(database, open_it) if one]) == 1
        with database.writing() as session:
            service.end(session, viewer, wish.share_id, NOW)
            session.commit()


def test_twenty_guesses_at_once_are_ten(patient: tuple[Database, Viewer]) -> None:
    database, viewer = patient
    wish, ends_at = a_wish()
    with database.writing() as session:
        link = service.give_link(session, viewer, wish, ends_at, "p", NOW, once=False) or ""
        session.commit()
    tried = together(database, lambda s: service.count_try(s, link, NOW))
    assert len([one for one in tried if one]) == 10


def test_twenty_readers_at_once_make_one_chain(patient: tuple[Database, Viewer]) -> None:
    database, viewer = patient
    reader = a_reader(database)
    wish, ends_at = a_wish()
    with database.writing() as session:
        service.invite(session, viewer, wish, ends_at, NOW)
        service.accept(
            session, service.new_invitation(session, wish.share_id, NOW) or "", reader, READER, NOW
        )
        session.commit()
    together(database, lambda s: service.read(s, reader, wish.share_id, "page", NOW).share_id)
    together(database, lambda s: len(service.read_list(s, reader, NOW)))
    with database.reading() as session:
        log = get_access_log(session, viewer)
    assert log.is_whole and log.count == 2 * AT_ONCE
    assert sorted(one.number for one in log.rows) == list(range(1, 2 * AT_ONCE + 1))
