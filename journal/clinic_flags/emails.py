"""The mails about a clinic's flags: that something waits, and one link. No name, no kind, no number."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from journal.kit.mail import Mail
from journal.kit.outbox import Waiting, Writer

Render = Callable[..., Mail]
"""render(mail name, recipient, **values) -> Mail"""


def writers(render: Render, base_url: str) -> dict[str, Writer]:
    """What each purpose in the outbox becomes."""

    def plain(name: str) -> Writer:
        def write(_session: Session, waiting: Waiting, _now: datetime) -> Mail:
            return render(name, waiting.recipient, link=f"{base_url}/clinic/flags")

        return write

    return {"flag": plain("flag"), "flag-waits": plain("flag_waits")}
