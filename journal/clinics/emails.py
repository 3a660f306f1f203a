"""The mails by which a clinic invites, and by which its admins hear of addresses that refuse mail. They name no clinic, since a clinic's name may say what it treats, and no
person."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from journal.clinics import service
from journal.kit.mail import Mail
from journal.kit.outbox import Waiting, Writer

Render = Callable[..., Mail]
"""render(mail name, recipient, **values) -> Mail"""


def writers(render: Render, base_url: str) -> dict[str, Writer]:
    """What each purpose in the outbox becomes."""

    def of(name: str, find_token: Callable[[Session, UUID, datetime], str | None]) -> Writer:
        def write(session: Session, waiting: Waiting, now: datetime) -> Mail | None:
            token = None if waiting.subject_id is None else find_token(session, waiting.subject_id, now)
            if token is None:
                return None
            return render(name, waiting.recipient, link=f"{base_url}/invitations/{token}")

        return write

    def address_off(_session: Session, waiting: Waiting, _now: datetime) -> Mail:
        return render("address_off", waiting.recipient, link=f"{base_url}/clinic")

    return {
        "address-off": address_off,
        "staff-invitation": of("staff_invitation", service.new_staff_invitation),
        "clinic-invitation": of("clinic_invitation", service.new_patient_invitation),
    }
