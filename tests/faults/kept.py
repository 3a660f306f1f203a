"""What the server really holds, read past its pages: every revision of every entry of every account."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from journal.config import Settings
from journal.domain.access import Viewer
from journal.entries.queries import list_whole
from journal.kit.db import Database
from journal.kit.vault import Vault
from tests.servers import Journal

MARK = re.compile(r"w[0-9a-f]{10}w")
"""How the tests mark what they write, so that it is found again wherever it went."""


@dataclass(frozen=True)
class Kept:
    """One revision of an entry."""

    owner: str
    entry: UUID
    kind: str
    day: date
    number: int
    payload: dict[str, Any]

    @property
    def marks(self) -> list[str]:
        return MARK.findall(str(self.payload))


@contextmanager
def _reading(journal: Journal) -> Iterator[Session]:
    settings = Settings.from_env(dict(journal.env))
    database = Database(settings.database_url, {"vault": Vault(settings.master_key)})
    try:
        with database.reading() as session:
            yield session
    finally:
        database.close()


def list_kept(journal: Journal) -> list[Kept]:
    """Everything that was ever kept, deletions left out."""
    found = []
    with _reading(journal) as session:
        for account_id, email in session.execute(text("SELECT id, email FROM accounts")).all():
            owner = account_id if isinstance(account_id, UUID) else UUID(account_id)
            found += [
                Kept(email, whole.id, whole.kind, one.day, one.number, dict(one.payload))
                for whole in list_whole(session, Viewer.patient(owner))
                for one in whole.revisions
                if one.payload is not None
            ]
    return found


def each_once(journal: Journal, email: str, marks: Iterable[str]) -> None:
    """Raises AssertionError unless each mark is in one revision of one entry of this person's, and in no other's."""
    wanted, kept = set(marks), list_kept(journal)
    mine = Counter(mark for one in kept if one.owner == email for mark in one.marks)
    others = {mark for one in kept if one.owner != email for mark in one.marks}
    assert not wanted - mine.keys(), f"lost: {wanted - mine.keys()}"
    assert not {mark: n for mark, n in mine.items() if mark in wanted and n > 1}, "kept twice"
    assert not wanted & others, "kept for somebody else"
