"""Addresses that mail servers refuse: kept as a keyed hash, switched off after two refusals for good.

A refusal in the conversation itself is forgotten when a later mail is taken. One that the operator's mail server told
of afterwards is not: that server had taken the mail too.
"""

from collections.abc import Callable, Collection
from datetime import datetime

from sqlalchemy import CheckConstraint, Integer, LargeBinary, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from journal.kit.db import Base, Instant, vault_of

MOST_BOUNCES = 2

OnSwitchedOff = Callable[[Session, str, datetime], None]
"""Called in the transaction in which an address is switched off."""


def tell_nobody(_session: Session, _address: str, _now: datetime) -> None:
    """Where nobody has to know."""


class MailAddress(Base):
    """An address that refused a mail for good."""

    __tablename__ = "mail_addresses"
    __table_args__ = (CheckConstraint("hard_bounces >= 0", name="hard_bounces_not_negative"),)

    address_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    hard_bounces: Mapped[int] = mapped_column(Integer)
    last_code: Mapped[int | None] = mapped_column(Integer)
    last_at: Mapped[datetime] = mapped_column(Instant)
    switched_off_at: Mapped[datetime | None] = mapped_column(Instant)


def bounce(
    session: Session,
    address: str,
    code: int | None,
    now: datetime,
    on_switched_off: OnSwitchedOff | None = None,
) -> bool:
    """Count a refusal for good, with the server's code, or None when it was told later. True when it was the one that
    switched the address off."""
    key = _key(session, address)
    row = session.get(MailAddress, key, with_for_update=True)
    if row is None:
        row = MailAddress(address_hash=key, hard_bounces=0)
        session.add(row)
    row.hard_bounces, row.last_at = row.hard_bounces + 1, now
    # Once told by the operator, it stays counted until the operator takes it back.
    row.last_code = None if row.hard_bounces > 1 and row.last_code is None else code
    if row.hard_bounces < MOST_BOUNCES or row.switched_off_at is not None:
        session.flush()
        return False
    row.switched_off_at = now
    session.flush()
    if on_switched_off is not None:
        on_switched_off(session, address, now)
    return True


def note_delivery(session: Session, address: str) -> None:
    """A server took a mail to this address: what it said before no longer counts."""
    session.execute(
        delete(MailAddress).where(
            MailAddress.address_hash == _key(session, address),
            MailAddress.last_code.is_not(None),
            MailAddress.switched_off_at.is_(None),
        )
    )


def is_switched_off(session: Session, address: str) -> bool:
    return bool(list_switched_off(session, [address]))


def list_switched_off(session: Session, addresses: Collection[str]) -> tuple[str, ...]:
    """Those of the addresses that get no mail any more. Only a hash of each is kept, so they have to be named."""
    keys = {_key(session, address): address for address in addresses}
    off = session.execute(
        select(MailAddress.address_hash).where(
            MailAddress.address_hash.in_(keys), MailAddress.switched_off_at.is_not(None)
        )
    ).scalars()
    return tuple(sorted(keys[key] for key in off))


def switch_on(session: Session, address: str) -> bool:
    """Send to the address again, with nothing counted. False where nothing was."""
    return bool(forget(session, [address]))


def forget(session: Session, addresses: Collection[str]) -> int:
    """Delete what is kept about the addresses; how many there were."""
    keys = [_key(session, address) for address in addresses]
    gone = session.execute(
        delete(MailAddress).where(MailAddress.address_hash.in_(keys)).returning(MailAddress.address_hash)
    )
    return len(gone.all())


def _key(session: Session, address: str) -> bytes:
    return vault_of(session).keyed_hash(address.strip().casefold().encode(), b"mail address")
