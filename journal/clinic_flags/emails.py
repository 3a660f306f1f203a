"""The mails about a clinic's flags: that something waits, and one link. No name, no kind, no number."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from journal.clinics.queries import list_recipients
from journal.kit.mail import Mail
from journal.kit.outbox import Waiting, Wanted, Writer

Render = Callable[..., Mail]
"""render(mail name, recipient, **values) -> Mail"""


def writers(render: Render, base_url: str) -> dict[str, Writer]:
    """What each purpose in the outbox becomes."""

    def plain(name: str) -> Writer:
        def write(session: Session, waiting: Waiting, _now: datetime) -> Mail:
            """To whom can open flags; an admin is led to where the role is given."""
            staff = list_recipients(session, waiting.group_id, "clinician") if waiting.group_id else ()
            sees = waiting.account_id is None or any(one.account_id == waiting.account_id for one in staff)
            return render(name, waiting.recipient, link=f"{base_url}/clinic{'/flags' if sees else ''}")

        return write

    def is_wanted(session: Session, waiting: Waiting, _now: datetime) -> bool:
        """Whether it goes to the second contact, who has no account here, or to somebody who is staff still."""
        if waiting.account_id is None or waiting.group_id is None:
            return waiting.group_id is not None
        told = list_recipients(session, waiting.group_id, "clinician", "admin")
        return any(one.account_id == waiting.account_id for one in told)

    return {
        "flag": Wanted(plain("flag"), is_wanted),
        "flag-waits": Wanted(plain("flag_waits"), is_wanted),
    }
