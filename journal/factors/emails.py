"""The mails about passkeys and second steps. They say what was done, never what for."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from journal.kit.mail import Mail
from journal.kit.outbox import Waiting, Writer

PURPOSES = (
    "factor-added",
    "factor-removed",
    "passkey-added",
    "passkey-refused",
    "recovery-codes-made",
    "recovery-code-used",
    "second-step-refused",
)


def writers(render: Callable[..., Mail], base_url: str) -> dict[str, Writer]:
    """What each purpose in the outbox becomes."""

    def of(purpose: str) -> Writer:
        def write(_session: Session, waiting: Waiting, _now: datetime) -> Mail:
            return render(purpose.replace("-", "_"), waiting.recipient, base_url=base_url)

        return write

    return {purpose: of(purpose) for purpose in PURPOSES}
