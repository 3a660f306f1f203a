"""Keeping what a phone sends, each operation once. Nothing here commits.

Every operation goes through the same doors as the page's form does. What a phone says of its own clock is taken as a
hint: see `captured`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import CursorResult, delete, insert, update
from sqlalchemy.orm import Session

from journal.checkins import service as checkins
from journal.domain.access import Viewer
from journal.domain.after_infusion import AfterInfusion
from journal.domain.checkin import CheckIn, Note
from journal.domain.days import Moment
from journal.domain.errors import Refused
from journal.domain.infusion import Infusion
from journal.domain.instrument import Instrument
from journal.domain.instrument_files import find_instrument
from journal.entries import service as entries
from journal.entries.queries import find_last_revision
from journal.entries.service import Kept
from journal.flags.service import Considered
from journal.infusions import service as infusions
from journal.infusions.queries import get_course, report_id
from journal.kit.db import vault_of
from journal.questionnaires import service as questionnaires
from journal.sync.models import DataEpoch, SyncOperation
from journal.sync.queries import find_with_last, get_epoch

CLOCK_OFF = timedelta(minutes=2)
"""Own choice: from here on a phone's clock counts as wrong, rather than the way as long."""
KEPT_FOR = timedelta(days=60)
"""Own choice: so long an operation is known by its id; after that, by what it says and what it was made from."""
_OPERATIONS: Any = SyncOperation.__table__
_KEEP = insert(_OPERATIONS)
OTHER_CONTENT = "This was sent before with other words. Change it once more, and save it."


@dataclass(frozen=True, slots=True)
class Operation:
    """What a phone asks for. `payload` is the kind's data, as its form gives it; `digest` all of it, for telling a
    repeat from another one with the same id."""

    id: UUID
    entry: UUID
    base: int
    after: UUID | None
    kind: str
    day: date
    payload: Mapping[str, Any]
    digest: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """`status`: applied, duplicate, conflict or rejected. `base`: the revision to make a mended one from, where
    part of a rejected operation was kept."""

    status: str
    entry: UUID
    revision: int = 0
    number: int = 0
    help_first: bool = False
    says: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)
    base: int | None = None


def captured(claimed: datetime, sent_at: datetime, now: datetime) -> datetime:
    """When something was made, by the server's clock: the phone's own is put right by how far it was off when it sent.
    Never later than now."""
    off = now - sent_at
    return min(claimed + off if abs(off) > CLOCK_OFF else claimed, now)


def apply(session: Session, viewer: Viewer, asked: Operation, moment: Moment) -> Outcome:
    """Do what the phone asks for, once, wholly or not at all. Never raises Refused: that is an outcome too. Raises
    NotYours."""
    try:
        with session.begin_nested():
            return _apply(session, viewer, asked, moment)
    except Refused as refused:
        with session.begin_nested():
            return _refuse(session, viewer, asked, moment, refused)


def _apply(session: Session, viewer: Viewer, asked: Operation, moment: Moment) -> Outcome:
    entries.lock(session, viewer, moment.now)
    body_hash = vault_of(session).keyed_hash(asked.digest, b"sync operation")
    before, last = find_with_last(session, viewer, asked.id)
    if before is not None:
        if before.body_hash != body_hash:
            return Outcome("rejected", asked.entry, reasons={"form": OTHER_CONTENT})
        return Outcome("duplicate", before.entry_id, before.revision, before.number)
    asked = replace(asked, base=_base(session, viewer, asked))
    done = KEEPERS[asked.kind](session, viewer, asked, moment)
    kept = done.kept
    number = last + 1
    told = {
        "patient_id": viewer.patient_id,
        "id": asked.id,
        "number": number,
        "body_hash": body_hash,
        "entry_id": kept.entry_id,
        "revision": kept.number,
        "received_at": moment.now,
    }
    session.execute(_KEEP, told)
    status = {"beside": "conflict", "same": "duplicate"}.get(kept.how, "applied")
    return Outcome(status, kept.entry_id, kept.number, number, done.help_first, done.says)


def _base(session: Session, viewer: Viewer, asked: Operation) -> int:
    """The revision that the operation was made from. A server that was restored may not have it any more: then what it
    does have, since the newest words are the phone's."""
    base = asked.base
    if asked.after is not None:
        before, _ = find_with_last(session, viewer, asked.after)
        base = before.revision if before is not None and before.entry_id == _entry_id(asked) else base
    return min(base, find_last_revision(session, viewer, _entry_id(asked))) if base else 0


def _entry_id(asked: Operation) -> UUID:
    if asked.kind == AfterInfusion.kind:
        return report_id(asked.payload["infusion_id"], str(asked.payload.get("part")))
    return asked.entry


def _refuse(session: Session, viewer: Viewer, asked: Operation, moment: Moment, refused: Refused) -> Outcome:
    """What can't be kept as it is. Warning signs in it are kept all the same, as the page does."""
    entries.lock(session, viewer, moment.now)  # the turn ended with what was undone
    asked = replace(asked, base=_base(session, viewer, asked))
    warned: Considered | None = None
    if asked.kind == CheckIn.kind:
        warned = checkins.record_warning_signs(
            session, viewer, asked.payload, moment, entry_id=asked.entry, base=asked.base, day=asked.day
        )
    elif asked.kind == AfterInfusion.kind:
        held = get_course(session, viewer).get(asked.payload["infusion_id"])
        warned = infusions.report_warning_signs(session, viewer, asked.payload, held, moment, base=asked.base)
    if warned is None:
        return Outcome("rejected", asked.entry, reasons=refused.reasons)
    return Outcome(
        "rejected",
        asked.entry,
        help_first=warned.help_first,
        reasons=refused.reasons,
        base=warned.kept.number,
    )


def _keep_checkin(session: Session, viewer: Viewer, asked: Operation, moment: Moment) -> Considered:
    checkin = CheckIn.parse(asked.payload)
    return checkins.record(
        session, viewer, checkin, moment, entry_id=asked.entry, base=asked.base, day=asked.day
    )


def _keep_note(session: Session, viewer: Viewer, asked: Operation, moment: Moment) -> Considered:
    note = Note.parse(asked.payload)
    return Considered(
        checkins.record_note(session, viewer, note, moment, entry_id=asked.entry, day=asked.day)
    )


def _keep_infusion(session: Session, viewer: Viewer, asked: Operation, moment: Moment) -> Considered:
    told, others = Infusion.parse(asked.payload), get_course(session, viewer).infusions
    return Considered(
        infusions.record(
            session,
            viewer,
            told,
            moment,
            entry_id=asked.entry,
            base=asked.base,
            day=asked.day,
            others=others,
        )
    )


def _keep_report(session: Session, viewer: Viewer, asked: Operation, moment: Moment) -> Considered:
    held = get_course(session, viewer).get(asked.payload["infusion_id"])
    told = AfterInfusion.parse({**asked.payload, "infusion_id": str(held.id)})
    return infusions.report(session, viewer, told, held, moment, base=asked.base)


def _keep_response(session: Session, viewer: Viewer, asked: Operation, moment: Moment) -> Considered:
    """Each answer is put in by itself, as a tap is, so that what another phone answered stays."""
    instrument = find_instrument(str(asked.payload.get("instrument")))
    told = asked.payload["answers"]
    if instrument is None or not any(item.id in told for item in instrument.items):
        raise Refused({"form": "There is nothing to keep yet. Tap what you can, or come back later."})
    return _put_in(session, viewer, instrument, asked, moment)


def _put_in(
    session: Session, viewer: Viewer, instrument: Instrument, asked: Operation, moment: Moment
) -> Considered:
    entry_id, told, help_first, says, changed = asked.entry, asked.payload["answers"], False, "", False
    language = str(asked.payload.get("language"))
    done = Kept(entry_id, 0, "same")
    for item in instrument.items:
        if item.id not in told:
            continue
        answered = questionnaires.answer(
            session,
            viewer,
            instrument,
            item.id,
            told[item.id],
            moment,
            entry_id=entry_id,
            language=language if language in instrument.languages else instrument.languages[0],
        )
        entry_id, done = answered.entry_id, answered.considered.kept
        changed = changed or done.how != "same"
        help_first = help_first or answered.considered.help_first
        says = answered.considered.says or says
    if asked.payload.get("finish"):
        settled = questionnaires.settle(session, viewer, instrument, "finished", moment, entry_id=entry_id)
        changed = changed or settled.how != "same"
        done = settled
    return Considered(Kept(entry_id, done.number, "revised" if changed else "same"), help_first, says)


Keeper = Callable[[Session, Viewer, Operation, Moment], Considered]
KEEPERS: Mapping[str, Keeper] = {
    CheckIn.kind: _keep_checkin,
    Note.kind: _keep_note,
    Infusion.kind: _keep_infusion,
    AfterInfusion.kind: _keep_report,
    "questionnaire": _keep_response,
}


def begin_epoch(session: Session, now: datetime) -> UUID:
    """The database was put back from a backup: phones will send the last two days once more."""
    get_epoch(session, now)
    epoch = uuid4()
    session.execute(update(DataEpoch).values(epoch=epoch, began_at=now))
    return epoch


def sweep(session: Session, now: datetime) -> int:
    """Forget old operations. The entries they made stay, of course. Gives how many."""
    old = delete(SyncOperation).where(SyncOperation.received_at < now - KEPT_FOR)
    return cast("CursorResult[Any]", session.execute(old)).rowcount


def forget(session: Session, patient_id: UUID) -> None:
    """Delete every operation of the patient."""
    session.execute(delete(SyncOperation).where(SyncOperation.patient_id == patient_id))
