"""The mail that reminds. It names nothing and nobody: not in its subject, its words, its links."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from journal.kit.mail import Mail
from journal.kit.outbox import Waiting, Writer
from journal.reminders import queries
from journal.reminders.service import PURPOSE

Render = Callable[..., Mail]
"""render(mail name, recipient, **values) -> Mail"""


def links(base_url: str, token: str) -> dict[str, str]:
    """The two links in the mail: to the check-in, and to the page that pauses."""
    return {"today": f"{base_url}/today", "pause": f"{base_url}/unsubscribe/{token}"}


def writers(render: Render, base_url: str) -> dict[str, Writer]:
    """What each purpose in the outbox becomes."""

    def reminder(session: Session, waiting: Waiting, now: datetime) -> Mail | None:
        account_id = waiting.account_id
        if account_id is None or not queries.is_wanted(
            session, account_id, waiting.recipient, waiting.created_at, now
        ):
            return None
        found = links(base_url, queries.pause_token(session, account_id))
        return replace(render("reminder", waiting.recipient, **found), unsubscribe=found["pause"])

    return {PURPOSE: reminder}
