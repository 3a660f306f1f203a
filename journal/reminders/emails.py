"""The mail that reminds. It names nothing and nobody: not in its subject, its words, its links."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from journal.kit.mail import Mail
from journal.kit.outbox import Waiting, Wanted, Writer
from journal.reminders import queries
from journal.reminders.service import PURPOSE

Render = Callable[..., Mail]
"""render(mail name, recipient, **values) -> Mail"""


def links(base_url: str, token: str) -> dict[str, str]:
    """The two links in the mail: to the check-in, and to the page that pauses."""
    return {"today": f"{base_url}/today", "pause": f"{base_url}/unsubscribe/{token}"}


def writers(render: Render, base_url: str) -> dict[str, Writer]:
    """What each purpose in the outbox becomes."""

    def reminder(session: Session, waiting: Waiting, _now: datetime) -> Mail | None:
        if waiting.account_id is None:
            return None
        found = links(base_url, queries.pause_token(session, waiting.account_id))
        return replace(render("reminder", waiting.recipient, **found), unsubscribe=found["pause"])

    def is_wanted(session: Session, waiting: Waiting, now: datetime) -> bool:
        if waiting.account_id is None:
            return False
        wanted = queries.find_wanted(session, waiting.account_id, waiting.created_at, now)
        return wanted is not None and wanted == waiting.recipient

    return {PURPOSE: Wanted(reminder, is_wanted)}
