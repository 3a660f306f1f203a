"""What is known of a phone's operations, and what a phone has to know so that somebody can write without signal."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import Session

from journal.domain.access import Viewer
from journal.domain.days import Moment
from journal.domain.flag_rules import LATER_HOURS, asks_for_help
from journal.domain.instrument_files import instruments
from journal.domain.measures import DISSOCIATION_DAYS, MOST, Measure
from journal.kit.db import upsert
from journal.questionnaires.queries import get_shelf
from journal.sync.models import DataEpoch, SyncOperation

# Made once: putting a statement together costs more than it takes to run.
_O = SyncOperation
_MINE = _O.patient_id == bindparam("patient")
_NEWEST = select(func.max(_O.number)).where(_MINE).scalar_subquery()
_WITH_LAST = select(_O.id, _O.number, _O.body_hash, _O.entry_id, _O.revision).where(
    _MINE, or_(_O.id == bindparam("operation"), _O.number == _NEWEST)
)
_LIFE = select(select(DataEpoch.epoch).scalar_subquery(), func.coalesce(_NEWEST, 0))


class Known(NamedTuple):
    """What is remembered of an operation that was kept."""

    number: int
    body_hash: bytes
    entry_id: UUID
    revision: int


def find_with_last(session: Session, viewer: Viewer, operation_id: UUID) -> tuple[Known | None, int]:
    """The patient's operation of that id, if it was kept, and the number of the newest one, 0 where there is none."""
    found = session.execute(_WITH_LAST, {"patient": viewer.patient_id, "operation": operation_id}).all()
    known = next((Known(*row[1:]) for row in found if row.id == operation_id), None)
    return known, max((row.number for row in found), default=0)


def get_epoch_with_last(session: Session, viewer: Viewer, now: datetime) -> tuple[UUID, int]:
    """As `get_epoch`, and the number of the patient's newest operation, 0 where there is none."""
    epoch, last = session.execute(_LIFE, {"patient": viewer.patient_id}).one()
    return epoch or get_epoch(session, now), last


def get_epoch(session: Session, now: datetime) -> UUID:
    """Which life of the database this is. The first one to ask begins it, so the unit has to be one that writes."""
    found = session.execute(select(DataEpoch.epoch)).scalar_one_or_none()
    if found is None:
        begun = upsert(session, DataEpoch.__table__).values(id=1, epoch=uuid4(), began_at=now)  # type: ignore[arg-type] # a Table, as SQLAlchemy knows
        session.execute(begun.on_conflict_do_nothing())
        found = session.execute(select(DataEpoch.epoch)).scalar_one()
    return found


def get_kit(session: Session, viewer: Viewer, moment: Moment, days: int) -> dict[str, Any]:
    """What is asked, and which infusions a report can be about: no answer and no score. For the patient alone. `days`:
    how old an infusion may be that a report is about. Raises NotYours."""
    shelf = get_shelf(session, viewer)
    recent = [held for held in shelf.infusions if held.day >= moment.today - timedelta(days=days)]
    profile = shelf.profile
    last = max((held.day for held in shelf.infusions), default=None)
    until = None if last is None else last + timedelta(days=DISSOCIATION_DAYS)
    every = instruments()
    codes = [
        code
        for code, one in every.items()
        if one.kept_as == "questionnaire" and shelf.is_on(one) and code not in shelf.withheld
    ]
    return {
        "laterHours": LATER_HOURS,
        "measures": [_measure(one) for one in profile.asked(True)],
        "dissociationUntil": "9999-12-31"
        if profile.always_dissociation
        else (None if until is None else until.isoformat()),
        "infusions": [
            {
                "id": str(held.id),
                "number": held.number,
                "day": held.day.isoformat(),
                "endsAt": None if held.ends_at is None else held.ends_at.isoformat(),
            }
            for held in reversed(recent)
        ],
        "questionnaires": [
            {
                "code": code,
                "title": every[code].short_title,
                "language": every[code].language(profile.language),
            }
            for code in codes
        ],
    }


def _measure(one: Measure) -> dict[str, Any]:
    """`help` says which answers bring help up on a phone without signal, and when."""
    marks = {str(n): asks_for_help(one.id, str(n)) for n in range(MOST + 1)}
    return {
        "id": one.id,
        "question": one.question,
        "low": one.low,
        "high": one.high,
        "help": {value: when for value, when in marks.items() if when},
    }
