"""The mails about an account. They carry no health information, not even what kind of journal this is about."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from journal.accounts import queries, service
from journal.kit.mail import Mail
from journal.kit.outbox import Waiting, Wanted, Writer

Render = Callable[..., Mail]
"""render(mail name, recipient, **values) -> Mail"""


def writers(render: Render, base_url: str) -> dict[str, Writer]:
    """What each purpose in the outbox becomes."""

    def verify(session: Session, waiting: Waiting, now: datetime) -> Mail | None:
        if waiting.account_id is None or waiting.recipient not in queries.list_addresses(
            session, waiting.account_id
        ):
            return None
        owner = queries.find_proven(session, service.email_key(waiting.recipient))
        if owner == waiting.account_id:
            return None
        if owner is not None:
            return render("address_known", waiting.recipient, base_url=base_url)
        token = service.make_link(session, "verify", waiting.account_id, waiting.recipient, now)
        return render("verify", waiting.recipient, link=f"{base_url}/account/verify/{token}")

    def reset(session: Session, waiting: Waiting, now: datetime) -> Mail | None:
        found = queries.find_for_reset(session, service.email_key(waiting.recipient))
        if found is None:
            return None
        account_id, email = found
        token = service.make_link(session, "reset", account_id, email, now)
        return render("reset", email, link=f"{base_url}/account/reset/{token}")

    def sign_in(session: Session, waiting: Waiting, now: datetime) -> Mail | None:
        key = service.email_key(waiting.recipient)
        found = queries.find_for_reset(session, key)
        if found is None:
            return None
        account_id, email = found
        if queries.find_proven(session, key) is None:
            # Somebody else may have signed up with this address: only a new passphrase shuts them out.
            token = service.make_link(session, "reset", account_id, email, now)
            return render("sign_in_unproven", email, link=f"{base_url}/account/reset/{token}")
        token = service.make_link(session, "sign-in", account_id, email, now)
        return render("sign_in", email, link=f"{base_url}/sign-in/link/{token}")

    def is_fresh(_session: Session, waiting: Waiting, now: datetime) -> bool:
        return now - waiting.created_at < queries.LINK_LIVES["sign-in"]

    def plain(name: str) -> Writer:
        def write(_session: Session, waiting: Waiting, _now: datetime) -> Mail:
            return render(name, waiting.recipient, base_url=base_url)

        return write

    return {
        "verify": verify,
        "reset": reset,
        "sign-in": Wanted(sign_in, is_fresh),
        "passphrase-changed": plain("passphrase_changed"),
        "address-changed": plain("address_changed"),
    }
