"""Reading flags, for the patient and for whoever holds the kinds they come from."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import and_, bindparam, or_, select
from sqlalchemy.orm import Session

from journal.domain.access import Viewer
from journal.domain.flag_rules import AGAIN_DAYS, RULES, URGENCIES, Rule, may_see
from journal.entries.queries import ENTRIES, KEYS, get_box
from journal.flags.models import Flag
from journal.kit.db import vault_of

FLAGS: Any = Flag.__table__
"""For joining to from features to the right."""
_F: Any = FLAGS.c
_E: Any = ENTRIES.c
_K: Any = KEYS.c


@dataclass(frozen=True, slots=True)
class Standing:
    """`waits`: help has not been seen yet; it comes before anything else. `again`: it is offered once more."""

    waits: bool
    again: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """A flag as its patient may read it; `kind` and `day` are its entry's."""

    id: UUID
    rule: Rule
    why: str
    raised_at: datetime
    told_at: datetime
    kind: str
    day: date


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
    viewer.must_be_patient()
    statement = (
        select(_F.id, _F.raised_at, _F.told_at, _F.sealed, _E.kind, _E.day)
        .join(ENTRIES, and_(_E.patient_id == _F.patient_id, _E.id == _F.entry_id))
        .where(_F.patient_id == viewer.patient_id, _F.help_on.is_not(None))
    )
    rows = session.execute(statement).all()
    if not rows:
        return ()
    box = get_box(session, viewer)
    opened = []
    for row in rows:
        told = orjson.loads(box.open(row.sealed, belongs_to(viewer.patient_id, row.id)))
        opened.append(
            Waiting(row.id, RULES[told["rule"]], told["why"], row.raised_at, row.told_at, row.kind, row.day)
        )
    return tuple(sorted(opened, key=lambda one: (URGENCIES.index(one.rule.urgency), one.raised_at)))


TAKEN_BACK = "You logged what gave cause for this, and deleted it since."
"""What was deleted is told to nobody in its words; that there was a cause stays, until somebody closes the flag."""
_OPEN = (
    select(
        _F.patient_id,
        _F.id,
        _F.raised_at,
        _F.told_at,
        _F.sealed,
        _E.kind,
        _E.day,
        _E.is_deleted,
        _K.wrapped_key,
    )
    .select_from(
        Flag.__table__.join(ENTRIES, and_(_E.patient_id == _F.patient_id, _E.id == _F.entry_id)).join(
            KEYS, _K.patient_id == _F.patient_id
        )
    )
    .where(_F.state == "open", _F.patient_id.in_(bindparam("patients", expanding=True)))
)


def list_open(session: Session, viewer: Viewer) -> tuple[Waiting, ...]:
    """The open flags that come from something the viewer may see, the newest first."""
    return list_open_of(session, [viewer])[0]


def list_open_of(session: Session, viewers: Sequence[Viewer]) -> list[tuple[Waiting, ...]]:
    """The same for several viewers, in their order: one statement, however many."""
    if not viewers:
        return []
    rows = session.execute(_OPEN, {"patients": list({one.patient_id for one in viewers})}).all()
    vault = vault_of(session)
    by_patient: dict[UUID, list[Waiting]] = {}
    for row in rows:
        box = vault.box(row.wrapped_key, row.patient_id.bytes)
        told = orjson.loads(box.open(row.sealed, belongs_to(row.patient_id, row.id)))
        why = TAKEN_BACK if row.is_deleted else told["why"]
        flag = Waiting(row.id, RULES[told["rule"]], why, row.raised_at, row.told_at, row.kind, row.day)
        by_patient.setdefault(row.patient_id, []).append(flag)
    return [
        tuple(
            sorted(
                (
                    flag
                    for flag in by_patient.get(viewer.patient_id, ())
                    if viewer.scope is None or may_see(viewer.scope, flag.rule, flag.kind, flag.day)
                ),
                key=lambda flag: flag.told_at,
                reverse=True,
            )
        )
        if viewer.scope is not None or viewer.may_write
        else ()
        for viewer in viewers
    ]


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A flag, still sealed: opened only for the share that may hold it."""

    patient_id: UUID
    id: UUID
    cause_hash: bytes
    urgency: str
    raised_at: datetime
    told_at: datetime
    kind: str
    day: date
    sealed: bytes
    wrapped_key: bytes


_RAISED = (
    select(
        _F.patient_id,
        _F.id,
        _F.cause_hash,
        _F.urgency,
        _F.raised_at,
        _F.told_at,
        _E.kind,
        _E.day,
        _F.sealed,
        _K.wrapped_key,
    )
    .select_from(
        Flag.__table__.join(ENTRIES, and_(_E.patient_id == _F.patient_id, _E.id == _F.entry_id)).join(
            KEYS, _K.patient_id == _F.patient_id
        )
    )
    .order_by(_F.told_at)
)


def list_undelivered(session: Session, most: int, without: Collection[UUID] = ()) -> tuple[Undelivered, ...]:
    """The oldest of them, held for this unit of work; what another one holds is left to it."""
    statement = _RAISED.where(_F.delivered_at.is_(None), _F.id.not_in(list(without))).limit(most)
    rows = session.execute(statement.with_for_update(skip_locked=True, of=FLAGS)).all()
    return tuple(Undelivered(**row._asdict()) for row in rows)


def list_raised(session: Session, patient_ids: Sequence[UUID]) -> tuple[Undelivered, ...]:
    """Every flag of these patients, still sealed, the oldest first."""
    if not patient_ids:
        return ()
    rows = session.execute(_RAISED.where(_F.patient_id.in_(list(patient_ids)))).all()
    return tuple(Undelivered(**row._asdict()) for row in rows)


def has_undelivered(session: Session, viewer: Viewer) -> bool:
    """Whether a clinic is still to be looked for, for a flag of the patient's own. Raises NotYours."""
    viewer.must_be_patient()
    waits = select(_F.id).where(_F.patient_id == viewer.patient_id, _F.delivered_at.is_(None))
    return session.execute(waits).first() is not None


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
    viewer.must_be_patient()
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
