"""Reading the access log, and telling whether it is whole."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from hmac import compare_digest
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from journal.audit.models import AccessHead, AccessRead
from journal.domain.access import Viewer
from journal.kit.db import vault_of
from journal.kit.vault import Vault

START = bytes(32)
"""What the first row's hash is made from."""
PAGE = 200


@dataclass(frozen=True, slots=True)
class Read:
    """Who reads (None: whoever has the link), by which share, in what shape, which kinds, which days (None: open)."""

    patient_id: UUID
    share_id: UUID
    reader_id: UUID | None
    way: str
    shape: str
    kinds: str
    since: date | None
    until: date | None

    def values(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Logged:
    """A row of the access log."""

    number: int
    at: datetime
    share_id: UUID
    reader_id: UUID | None
    way: str
    shape: str
    kinds: tuple[str, ...]
    since: date | None
    until: date | None


@dataclass(frozen=True, slots=True)
class AccessLog:
    """The newest rows, how many there are in all, and whether the whole chain holds."""

    rows: tuple[Logged, ...]
    count: int
    is_whole: bool


_IN_CHAIN = ("patient_id", "number", "at", "share_id", "reader_id", "way", "shape", "kinds", "since", "until")


def chain(vault: Vault, before: bytes, values: Mapping[str, Any]) -> bytes:
    """The hash of a row that follows the one with the hash `before`."""
    told = [values[name] for name in _IN_CHAIN]
    told[2] = told[2].astimezone(UTC).isoformat(timespec="microseconds")
    plain = orjson.dumps([str(one) if isinstance(one, UUID) else one for one in told])
    return vault.keyed_hash(before + plain, b"access log")


def get_access_log(session: Session, viewer: Viewer, *, everything: bool = False) -> AccessLog:
    """The patient's own access log, the newest first. Every row is held against the chain. Raises NotYours for anybody
    else."""
    viewer.must_be_patient()
    table: Any = AccessRead.__table__
    rows = session.execute(
        select(table).where(table.c.patient_id == viewer.patient_id).order_by(table.c.number)
    ).all()
    head = session.execute(
        select(AccessHead.number, AccessHead.hash).where(AccessHead.patient_id == viewer.patient_id)
    ).one_or_none()
    vault, last, is_whole = vault_of(session), START, True
    for place, row in enumerate(rows, 1):
        made = chain(vault, last, row._asdict())
        is_whole = is_whole and row.number == place and compare_digest(made, row.hash)
        last = row.hash
    ends_right = (
        head is None if not rows else head is not None and (head.number, head.hash) == (len(rows), last)
    )
    if head is not None and head.number == 0 and not rows:
        ends_right = True
    shown = rows if everything else rows[-PAGE:]
    return AccessLog(
        tuple(
            Logged(
                row.number,
                row.at,
                row.share_id,
                row.reader_id,
                row.way,
                row.shape,
                tuple(row.kinds.split()),
                row.since,
                row.until,
            )
            for row in reversed(shown)
        ),
        len(rows),
        is_whole and ends_right,
    )
