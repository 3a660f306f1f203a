"""Keeping answers, one at a time. Nothing here commits.

An answer says something about one question only, so it is put into what stands there now: two phones that answer
different questions disturb each other nowhere, and for the same question the later tap counts. What stood there before
stays in the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from journal.domain.access import Viewer
from journal.domain.days import Moment
from journal.domain.errors import NotYours, Refused
from journal.domain.instrument import Instrument
from journal.domain.questionnaires import (
    RESPONSES,
    RESUME_DAYS,
    Response,
    is_whole,
    may_take_answers,
    unanswered,
)
from journal.entries import service as entries
from journal.entries.queries import Opened, Want, find_entry, list_entries
from journal.entries.service import Draft, Kept
from journal.flags import service as flags
from journal.flags.service import Considered

SKIPPED = "Tap one of the answers, or skip the question."
TOO_OLD = "This one was begun more than a week ago. Please begin a new one, so that it looks back from today."


@dataclass(frozen=True, slots=True)
class Answered:
    """What is kept now, in which entry, whether help comes first, and whether it had been finished before."""

    entry_id: UUID
    response: Response
    considered: Considered
    was_finished: bool = False


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
    isn't offered, NotYours for a response of another questionnaire.

    No answer is turned away for being late. Where `entry_id` can take none any more (it was finished on an earlier day,
    begun more than a week ago, or deleted elsewhere), it begins a new response; where it is new and another one is
    unfinished, begun on another phone, it goes into that."""
    entries.lock(session, viewer, moment.now)
    entry_id, held = _find_place(session, viewer, instrument, entry_id, moment)
    before = _load(held, instrument)
    after = before.answer(item_id, value, language)
    if item_id not in after.answers:
        raise Refused({"answer": SKIPPED})
    if before.state != "finished" or (
        is_whole(instrument, before.answers) and not is_whole(instrument, after.answers)
    ):
        after = after.become("open" if unanswered(instrument, after.answers) else "finished")
    if held is not None and after == before:
        return Answered(entry_id, after, Considered(Kept(entry_id, held.revision, "same")))
    kept = _append(session, viewer, after, held, entry_id, moment)
    considered = flags.consider(session, viewer, kept, after, moment.today, moment, before=before)
    return Answered(entry_id, after, considered, before.state == "finished")


def _find_place(
    session: Session, viewer: Viewer, instrument: Instrument, entry_id: UUID, moment: Moment
) -> tuple[UUID, Opened | None]:
    """The entry that an answer goes into, and what it holds so far."""
    for _ in range(2):
        held = find_entry(session, viewer, entry_id, instrument.kept_as)
        if held is None:
            since = moment.today - timedelta(days=RESUME_DAYS)
            held = _resumable(list_entries(session, viewer, [Want(instrument.kept_as, since)]), instrument)
            return (entry_id, None) if held is None else (held.id, held)
        if not held.is_deleted:
            response = _load(held, instrument)
            if response.instrument != instrument.code:
                raise NotYours(instrument.kept_as)
            if may_take_answers(response.state, held.day, moment.today):
                return entry_id, held
        # A new one, and the same one for whatever else the old page still sends today.
        entry_id = uuid5(entry_id, moment.today.isoformat())
    raise NotYours(instrument.kept_as)


def _resumable(opened: Sequence[Opened], instrument: Instrument) -> Opened | None:
    mine = [one for one in opened if one.payload["instrument"] == instrument.code]
    newest = max(mine, key=lambda one: (one.captured_at, one.payload["state"] != "finished"), default=None)
    return newest if newest is not None and newest.payload["state"] != "finished" else None


def record(
    session: Session, viewer: Viewer, response: Response, moment: Moment, *, entry_id: UUID
) -> Considered:
    """Keep a response that was filled in elsewhere as one."""
    kept = _append(session, viewer, response, None, entry_id, moment)
    return flags.consider(session, viewer, kept, response, moment.today, moment)


def settle(
    session: Session, viewer: Viewer, instrument: Instrument, state: str, moment: Moment, *, entry_id: UUID
) -> Kept:
    """Finish an unfinished response as it is, or set it aside. Raises NotYours where there is none, Refused for one
    that was begun more than a week ago."""
    entries.lock(session, viewer, moment.now)
    held = find_entry(session, viewer, entry_id, instrument.kept_as)
    if held is None or held.is_deleted or held.payload["instrument"] != instrument.code:
        raise NotYours(instrument.kept_as)
    response = _load(held, instrument)
    if response.state == "finished":
        return Kept(entry_id, held.revision, "same")
    if not may_take_answers(response.state, held.day, moment.today):
        raise Refused({"form": TOO_OLD})
    return _append(session, viewer, response.become(state), held, entry_id, moment)


def _load(held: Opened | None, instrument: Instrument) -> Response:
    kind = RESPONSES[instrument.kept_as]
    return kind(instrument.code) if held is None else kind.load(held.payload)


def _append(
    session: Session, viewer: Viewer, response: Response, held: Opened | None, entry_id: UUID, moment: Moment
) -> Kept:
    # An unfinished response belongs to the day on which it was begun, a finished one to the day of its last answer.
    begun = held.day if held is not None and response.state != "finished" else moment.today
    draft = Draft.made(entry_id, response, moment, base=held.revision if held else 0, day=begun)
    return entries.append(session, viewer, draft, moment.now)
