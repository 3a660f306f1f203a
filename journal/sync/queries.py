"""What is known of a phone's operations, and what a phone has to know so that somebody can write without signal."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ScalarSelect, func, or_, select
from sqlalchemy.orm import Session

from journal.domain.access import Viewer
from journal.domain.days import Moment
from journal.domain.flag_rules import LATER_HOURS, asks_for_help
from journal.domain.instrument_files import instruments
from journal.domain.measures import DISSOCIATION_DAYS, MOST, Measure
from journal.kit.db import upsert
from journal.questionnaires.queries import get_shelf
from journal.sync.models import DataEpoch, SyncOperation


def find_operation(session: Session, viewer: Viewer, operation_id: UUID) -> SyncOperation | None:
    """The patient's operation of that id, if it was kept."""
    return session.get(SyncOperation, (viewer.patient_id, operation_id))


def find_with_last(session: Session, viewer: Viewer, operation_id: UUID) -> tuple[SyncOperation | None, int]:
    """The patient's operation of that id, if it was kept, and the number of the newest one, 0 where there is none."""
    mine, it = SyncOperation.patient_id == viewer.patient_id, SyncOperation.id == operation_id
    asked = select(SyncOperation).where(mine, or_(it, SyncOperation.number == _newest(viewer)))
    found = session.scalars(asked).all()
    return next((one for one in found if one.id == operation_id), None), max(
        (one.number for one in found), default=0
    )


def _newest(viewer: Viewer) -> ScalarSelect[int]:
    mine = SyncOperation.patient_id == viewer.patient_id
    return select(func.max(SyncOperation.number)).where(mine).scalar_subquery()


def get_epoch_with_last(session: Session, viewer: Viewer, now: datetime) -> tuple[UUID, int]:
    """As `get_epoch`, and the number of the patient's newest operation, 0 where there is none."""
    epoch, last = session.execute(
        select(select(DataEpoch.epoch).scalar_subquery(), func.coalesce(_newest(viewer), 0))
    ).one()
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
