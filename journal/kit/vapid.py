"""The key pair by which push services know this journal (VAPID, RFC 8292): made at the first start, and kept sealed in
the database, because every phone's subscription is bound to it: the two are backed up and brought back together."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import CheckConstraint, LargeBinary, SmallInteger, Table, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from journal.kit.db import Base, Instant, upsert
from journal.kit.vault import Vault

SECRET_BYTES = 32


class PushKey(Base):
    """The key pair; one row. `public_key`: an uncompressed point on P-256."""

    __tablename__ = "push_keys"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    public_key: Mapped[bytes] = mapped_column(LargeBinary(65))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Instant)


@dataclass(frozen=True)
class KeyPair:
    """The public half as browsers take it, and the secret number."""

    public_key: bytes
    secret: bytes = field(repr=False)


def make_key(session: Session, vault: Vault, now: datetime) -> None:
    """Make the pair where there is none. Of several processes that start at once, the first one's stays."""
    made = ec.generate_private_key(ec.SECP256R1())
    public_key = made.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    secret = made.private_numbers().private_value.to_bytes(SECRET_BYTES)
    table = PushKey.__table__
    assert isinstance(table, Table)  # noqa: S101 - tells the type checker what SQLAlchemy knows
    statement = upsert(session, table).values(
        id=1, public_key=public_key, sealed=vault.seal(secret, b"push key", public_key), created_at=now
    )
    session.execute(statement.on_conflict_do_nothing())


def drop_key(session: Session) -> None:
    """Forget the pair. Whatever was subscribed with it can be reached no more."""
    session.execute(delete(PushKey))


def find_key(session: Session, vault: Vault) -> KeyPair | None:
    row = session.execute(select(PushKey.public_key, PushKey.sealed)).one_or_none()
    if row is None:
        return None
    return KeyPair(row.public_key, vault.open(row.sealed, b"push key", row.public_key))


def find_public_key(session: Session) -> str | None:
    """The public half as text, for the browser."""
    found = session.execute(select(PushKey.public_key)).scalar_one_or_none()
    return None if found is None else as_text(found)


def as_text(data: bytes) -> str:
    """Base64 for addresses, without padding."""
    return urlsafe_b64encode(data).decode().rstrip("=")
