"""Counting tries in fixed windows: one row a key, one upsert a try. Keys are hashed before they come here."""

from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, Integer, LargeBinary, Table, case, delete, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from journal.kit.db import Base, Instant, upsert


class Throttle(Base):
    """How often something was tried since its window opened."""

    __tablename__ = "throttles"
    __table_args__ = (CheckConstraint("tries >= 0", name="tries_not_negative"),)

    key: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    window_opened_at: Mapped[datetime] = mapped_column(Instant, index=True)
    tries: Mapped[int] = mapped_column(Integer)


def count_try(session: Session, key: bytes, window: timedelta, now: datetime) -> int:
    """Count one try and give the number of tries in the open window, this one included."""
    table = Throttle.__table__
    assert isinstance(table, Table)  # noqa: S101 - tells the type checker what SQLAlchemy knows
    over = table.c.window_opened_at <= now - window
    statement = upsert(session, table).values(key=key, window_opened_at=now, tries=1)
    statement = statement.on_conflict_do_update(
        index_elements=[table.c.key],
        set_={
            "tries": case((over, 1), else_=table.c.tries + 1),
            "window_opened_at": case((over, now), else_=table.c.window_opened_at),
        },
    ).returning(table.c.tries)
    return int(session.execute(statement).scalar_one())


def take_back(session: Session, key: bytes) -> None:
    """Forget the key's tries: the last one was right."""
    session.execute(delete(Throttle).where(Throttle.key == key))


def forgive(session: Session, key: bytes) -> None:
    """Take one try back: it was right. Wrong ones before it stay counted."""
    session.execute(
        update(Throttle).where(Throttle.key == key, Throttle.tries > 0).values(tries=Throttle.tries - 1)
    )


def sweep(session: Session, before: datetime) -> None:
    """Forget windows opened before the instant."""
    session.execute(delete(Throttle).where(Throttle.window_opened_at < before))
