"""Keeping the safety plan, and the answer to "Do you feel safe right now?". Nothing here commits."""

from sqlalchemy.orm import Session

from journal.domain.access import Viewer
from journal.domain.days import Moment
from journal.domain.safety import SafetyCheck, SafetyPlan
from journal.entries import service as entries
from journal.entries.queries import find_entry
from journal.entries.service import Draft, Kept
from journal.flags import service as flags
from journal.flags.service import Considered
from journal.safety.queries import safety_check_id, safety_plan_id


def keep_plan(session: Session, viewer: Viewer, plan: SafetyPlan, moment: Moment, *, base: int) -> Kept:
    """Keep the plan as it is now. `base` is the revision it was changed from."""
    draft = Draft.made(safety_plan_id(viewer.patient_id), plan, moment, base=base)
    return entries.append(session, viewer, draft, moment.now)


def answer(session: Session, viewer: Viewer, check: SafetyCheck, moment: Moment) -> Considered:
    """Keep the answer, and raise a flag unless it is "yes". Another answer on the same day revises the first one; a "no"
    that is said again is never taken for a correction."""
    entries.lock(session, viewer, moment.now)
    entry_id = safety_check_id(viewer.patient_id, moment.today)
    held = find_entry(session, viewer, entry_id, SafetyCheck.kind)
    draft = Draft.made(entry_id, check, moment, base=held.revision if held is not None else 0)
    kept = entries.append(session, viewer, draft, moment.now)
    return flags.consider(session, viewer, kept, check, moment.today, moment)
