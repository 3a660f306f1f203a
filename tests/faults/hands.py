"""What only somebody with their hands on the server can do: end somebody's sessions, put a backup back."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from journal.accounts.service import end_other_sessions
from journal.config import Settings
from journal.kit.db import Database
from journal.kit.vault import Vault
from tests.servers import Journal


@contextmanager
def _writing(journal: Journal) -> Iterator[Session]:
    settings = Settings.from_env(dict(journal.env))
    database = Database(settings.database_url, {"vault": Vault(settings.master_key)})
    try:
        with database.writing() as session:
            yield session
            session.commit()
    finally:
        database.close()


def end_sessions(journal: Journal, email: str) -> None:
    """Whoever is signed in there is so no more."""
    with _writing(journal) as session:
        found = session.execute(text("SELECT id FROM accounts WHERE email = :email"), {"email": email})
        account_id = UUID(str(found.scalar_one()))
        end_other_sessions(session, account_id, None, datetime.now(UTC))


def forget_tries(journal: Journal) -> None:
    """As if nobody had signed up or in from here yet: hundreds do in a long game."""
    with _writing(journal) as session:
        session.execute(text("DELETE FROM throttles"))
