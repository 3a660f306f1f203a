"""Reading flags, for the patient. What they hold is opened only where it is shown."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from journal.domain.access import Viewer
from journal.domain.errors import NotYours
from journal.domain.flag_rules import AGAIN_DAYS, RULES, URGENCIES, Rule
from journal.entries.queries import get_box
from journal.flags.models import Flag

_F: Any = Flag.__table__.c


@dataclass(frozen=True, slots=True)
class Standing:
    """`waits`: help has not been seen yet; it comes before anything else. `again`: it is offered once more."""

    waits: bool
    again: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """A flag as its patient may read it."""

    id: UUID
    rule: Rule
    why: str
    raised_at: datetime
    told_at: datetime


# Asked on every page, so it is put together once.
_STANDING = select(_F.help_on, _F.again_on).where(
    _F.patient_id == bindparam("patient", type_=_F.patient_id.type),
    or_(_F.help_on.is_not(None), _F.again_on.is_not(None)),
)


def get_standing(session: Session, viewer: Viewer, today: date) -> Standing:
    """Whether help waits for the patient."""
    rows = session.execute(_STANDING, {"patient": viewer.patient_id}).all()
    since = today - timedelta(days=AGAIN_DAYS - 1)
    return Standing(
        any(row.help_on is not None for row in rows),
        any(
            row.help_on is None and row.again_on is not None and since <= row.again_on <= today
            for row in rows
        ),
    )


def list_waiting(session: Session, viewer: Viewer) -> tuple[Waiting, ...]:
    """The flags for which help has not been seen yet, the gravest first."""
    statement = select(_F.id, _F.raised_at, _F.told_at, _F.sealed).where(
        _F.patient_id == viewer.patient_id, _F.help_on.is_not(None)
    )
    rows = session.execute(statement).all()
    if not rows:
        return ()
    box = get_box(session, viewer)
    opened = []
    for row in rows:
        told = orjson.loads(box.open(row.sealed, belongs_to(viewer.patient_id, row.id)))
        opened.append(Waiting(row.id, RULES[told["rule"]], told["why"], row.raised_at, row.told_at))
    return tuple(sorted(opened, key=lambda one: (URGENCIES.index(one.rule.urgency), one.raised_at)))


@dataclass(frozen=True, slots=True)
class Told:
    """A flag with everything that is kept about it."""

    entry_id: UUID
    rule: str
    why: str
    urgency: str
    state: str
    raised_at: datetime
    told_at: datetime
    help_seen_at: datetime | None


def list_told(session: Session, viewer: Viewer) -> tuple[Told, ...]:
    """Every flag there is, in the order in which they were raised: for the patient alone. Raises NotYours."""
    if viewer.account_id != viewer.patient_id:
        raise NotYours("flags")
    rows = session.execute(select(Flag).where(_F.patient_id == viewer.patient_id)).scalars().all()
    if not rows:
        return ()
    box = get_box(session, viewer)
    told = []
    for row in rows:
        said = orjson.loads(box.open(row.sealed, belongs_to(viewer.patient_id, row.id)))
        times = (row.raised_at, row.told_at, row.help_seen_at)
        told.append(Told(row.entry_id, said["rule"], said["why"], row.urgency, row.state, *times))
    return tuple(sorted(told, key=lambda one: (one.raised_at, one.rule, str(one.entry_id))))


def belongs_to(patient_id: UUID, flag_id: UUID) -> bytes:
    """What a flag's sealed part is bound to."""
    return b"flag|" + patient_id.bytes + flag_id.bytes
