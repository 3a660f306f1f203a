"""Keeping answers, one at a time. Nothing here commits.

An answer says something about one question only, so it is put into what stands there now: two phones that answer
different questions disturb each other nowhere, and for the same question the later tap counts. What stood there before
stays in the log."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from journal.domain.access import Viewer
from journal.domain.days import Moment
from journal.domain.errors import NotYours, Refused
from journal.domain.instrument import Instrument
from journal.domain.questionnaires import RESPONSES, RESUME_DAYS, Response, unanswered
from journal.entries import service as entries
from journal.entries.queries import Opened, find_entry
from journal.entries.service import Draft, Kept
from journal.flags import service as flags
from journal.flags.service import Considered

CHANGE_DAYS = 0
"""Own choice: the answers of a finished response can be changed until its day ends; then its score stands."""
CLOSED = "This one was finished on an earlier day, so it stays as it is. You can fill in a new one."
TOO_OLD = "This one was begun more than a week ago. Please begin a new one, so that it looks back from today."


@dataclass(frozen=True, slots=True)
class Answered:
    """What is kept now, and whether help comes first."""

    response: Response
    considered: Considered


def answer(
    session: Session,
    viewer: Viewer,
    instrument: Instrument,
    item_id: str,
    value: Any,
    moment: Moment,
    *,
    entry_id: UUID,
    language: str,
) -> Answered:
    """Keep one answer, at once; the last one that was missing finishes the response. Raises Refused for an answer that
    isn't offered, NotYours for a response of another questionnaire, or one that was deleted."""
    entries.lock(session, viewer, moment.now)
    held = _find(session, viewer, instrument, entry_id)
    before = _load(held, instrument)
    if held is not None and before.state == "finished" and (moment.today - held.day).days > CHANGE_DAYS:
        raise Refused({"answer": CLOSED})
    if held is not None and (moment.today - held.day).days > RESUME_DAYS:
        raise Refused({"answer": TOO_OLD})
    after = before.answer(item_id, value, language)
    if item_id not in after.answers:
        raise Refused({"answer": "Tap one of the answers, or skip the question."})
    if before.state != "finished":
        after = after.become("open" if unanswered(instrument, after.answers) else "finished")
    if held is not None and after == before:
        return Answered(after, Considered(Kept(entry_id, held.revision, "same")))
    kept = _append(session, viewer, after, held, entry_id, moment)
    considered = flags.consider(session, viewer, kept, after, moment.today, moment, before=before)
    return Answered(after, considered)


def record(
    session: Session, viewer: Viewer, response: Response, moment: Moment, *, entry_id: UUID
) -> Considered:
    """Keep a response that was filled in elsewhere as one."""
    kept = _append(session, viewer, response, None, entry_id, moment)
    return flags.consider(session, viewer, kept, response, moment.today, moment)


def settle(
    session: Session, viewer: Viewer, instrument: Instrument, state: str, moment: Moment, *, entry_id: UUID
) -> Kept:
    """Finish an unfinished response as it is, or set it aside. Raises NotYours where there is none."""
    entries.lock(session, viewer, moment.now)
    held = _find(session, viewer, instrument, entry_id)
    if held is None:
        raise NotYours(instrument.kept_as)
    response = _load(held, instrument)
    if response.state == "finished":
        return Kept(entry_id, held.revision, "same")
    return _append(session, viewer, response.become(state), held, entry_id, moment)


def _find(session: Session, viewer: Viewer, instrument: Instrument, entry_id: UUID) -> Opened | None:
    held = find_entry(session, viewer, entry_id, instrument.kept_as)
    if held is not None and (held.is_deleted or held.payload["instrument"] != instrument.code):
        raise NotYours(instrument.kept_as)
    return held


def _load(held: Opened | None, instrument: Instrument) -> Response:
    kind = RESPONSES[instrument.kept_as]
    return kind(instrument.code) if held is None else kind.load(held.payload)


def _append(
    session: Session, viewer: Viewer, response: Response, held: Opened | None, entry_id: UUID, moment: Moment
) -> Kept:
    # An unfinished response belongs to the day of its last answer: that is the time it looks back from.
    draft = Draft(
        id=entry_id,
        kind=response.kind,
        payload=response,
        day=moment.today,
        zone=moment.zone.key,
        captured_at=moment.now,
        base=held.revision if held else 0,
        device=moment.device,
    )
    return entries.append(session, viewer, draft, moment.now)
