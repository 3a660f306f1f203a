"""The mails about shares. They name nobody and say nothing of what is shared."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from journal.kit.mail import Mail
from journal.kit.outbox import Waiting, Writer
from journal.shares import service

Render = Callable[..., Mail]
"""render(mail name, recipient, **values) -> Mail"""


def writers(render: Render, base_url: str) -> dict[str, Writer]:
    """What each purpose in the outbox becomes."""

    def invitation(session: Session, waiting: Waiting, now: datetime) -> Mail | None:
        token = (
            None if waiting.subject_id is None else service.new_invitation(session, waiting.subject_id, now)
        )
        if token is None:
            return None
        return render("invitation", waiting.recipient, link=f"{base_url}/invitations/{token}")

    def plain(name: str) -> Writer:
        def write(_session: Session, waiting: Waiting, _now: datetime) -> Mail:
            return render(name, waiting.recipient, base_url=base_url)

        return write

    return {
        "invitation": invitation,
        "share-opened": plain("share_opened"),
        "link-locked": plain("link_locked"),
    }
