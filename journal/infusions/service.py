"""Keeping infusions, their reports and the plan. Nothing here commits."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from journal.domain.access import Viewer
from journal.domain.after_infusion import PARTS, AfterInfusion
from journal.domain.days import LATE_DAYS, Moment
from journal.domain.errors import Refused
from journal.domain.infusion import Held, Infusion, Plan
from journal.domain.side_effects import add_warning_signs, warning_signs
from journal.entries import service as entries
from journal.entries.queries import find_entry
from journal.entries.service import Draft, Kept
from journal.flags import service as flags
from journal.flags.service import Considered
from journal.infusions.queries import plan_id, report_id

NO_DAY = "Enter the day of the infusion."
REPORT_DAYS = LATE_DAYS
"""How long after an infusion its report can be filled in (own choice: as long as a day)."""


def record(
    session: Session,
    viewer: Viewer,
    infusion: Infusion,
    moment: Moment,
    *,
    entry_id: UUID,
    base: int,
    day: date | None,
    others: Sequence[Held] = (),
) -> Kept:
    """Keep an infusion, or a change of one. Raises Refused for a day or start that is missing or still to come, and
    for a second one of the same day and start, which is the form sent twice."""
    if day is None:
        raise Refused({"day": NO_DAY})
    if day > moment.today:
        raise Refused(
            {"day": "This day is still to come. Put it into your plan, and log it here afterwards."}
        )
    start = infusion.starts_at(day, moment.zone)
    if start is not None and start > moment.captured_at:
        raise Refused(
            {"started": "This time is still to come. Enter when it began, or leave it empty for now."}
        )
    if base == 0 and any(
        other.day == day and other.infusion.started == infusion.started and other.id != entry_id
        for other in others
    ):
        raise Refused(
            {"started": "An infusion of this day and start is logged already. Change that one instead."}
        )
    draft = Draft.made(entry_id, infusion, moment, base=base, is_late=day < moment.today, day=day)
    return entries.append(session, viewer, draft, moment.now)


def keep_plan(session: Session, viewer: Viewer, plan: Plan, moment: Moment, *, base: int) -> Kept:
    """Keep the plan as it is now."""
    draft = Draft.made(plan_id(viewer.patient_id), plan, moment, base=base)
    return entries.append(session, viewer, draft, moment.now)


def report(
    session: Session,
    viewer: Viewer,
    told: AfterInfusion,
    held: Held,
    moment: Moment,
    *,
    base: int,
) -> Considered:
    """Keep how the infusion was, and raise what it gives cause for. Raises Refused when nothing was answered, or it is
    not yet or no longer time."""
    if told.is_empty:
        raise Refused({"form": "There is nothing to keep yet. Tap what you can, or come back later."})
    day = held.day if told.part == "first" else held.day + timedelta(days=1)
    if moment.today < day:
        raise Refused({"form": "These questions are for the day after the infusion. Come back tomorrow."})
    if base == 0 and moment.today > held.day + timedelta(days=REPORT_DAYS):
        raise Refused({"form": f"A report can be filled in up to {REPORT_DAYS} days after the infusion."})
    draft = Draft.made(
        report_id(held.id, told.part),
        told,
        moment,
        base=base,
        is_late=moment.today > held.day + timedelta(days=1),
        day=day,
    )
    kept = entries.append(session, viewer, draft, moment.now)
    return flags.consider(session, viewer, kept, told, day, moment, base=base, held=held)


def report_warning_signs(
    session: Session, viewer: Viewer, data: Mapping[str, Any], held: Held, moment: Moment, *, base: int
) -> Considered | None:
    """Of a report that was refused, keep the warning signs that are happening now. None where there are none."""
    told = warning_signs(data.get("side_effects"), data.get("happening_now"))
    any_now = data.get("any_red_flag_now") == "yes"
    part = data.get("part") if data.get("part") in PARTS else PARTS[0]
    if not (told or any_now):
        return None
    entry = find_entry(session, viewer, report_id(held.id, str(part)), AfterInfusion.kind)
    if entry is not None and not entry.is_deleted:
        before = AfterInfusion.load(entry.payload)
    else:
        before = AfterInfusion(held.id, str(part), unfinished=True)
    signs = replace(
        before,
        any_red_flag_now=any_now or before.any_red_flag_now,
        side_effects=add_warning_signs(before.side_effects, told),
        happening_now={**before.happening_now, **told.get("happening_now", {})},
    )
    try:
        return report(session, viewer, signs, held, moment, base=base)
    except Refused:  # not its time, or a version nobody has: the first refusal has said so
        return None
