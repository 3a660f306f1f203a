"""What the infusion pages need from the log."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from journal.domain.access import Viewer
from journal.domain.after_infusion import AfterInfusion
from journal.domain.days import day_of
from journal.domain.errors import NotYours
from journal.domain.infusion import Held, Plan
from journal.entries.held import find_infusion, held_in, plan_in
from journal.entries.queries import Opened, Want, list_entries


def report_id(infusion_id: UUID, part: str) -> UUID:
    """Each part of a report is one entry, however often it is sent."""
    return uuid5(infusion_id, part)


def plan_id(patient_id: UUID) -> UUID:
    """The one plan of a patient."""
    return uuid5(patient_id, "plan")


@dataclass(frozen=True, slots=True)
class Reported:
    """A report with its entry."""

    entry: Opened
    report: AfterInfusion


@dataclass(frozen=True, slots=True)
class Course:
    """All infusions with their reports by part, and the plan with its revision."""

    infusions: tuple[Held, ...]
    entries: dict[UUID, Opened]
    reports: dict[tuple[UUID, str], Reported]
    plan: Plan
    plan_revision: int
    plan_versions: int

    def part(self, infusion_id: UUID, part: str) -> Reported | None:
        return self.reports.get((infusion_id, part))

    def get(self, infusion_id: UUID) -> Held:
        """Raises NotYours for an infusion that isn't in this journal."""
        held = find_infusion(self.infusions, infusion_id)
        if held is None:
            raise NotYours("infusion")
        return held

    def planned_after(self, today: date) -> tuple[date, ...]:
        given = {held.day for held in self.infusions}
        return tuple(day for day in self.plan.days if day >= today and day not in given)


def get_course(session: Session, viewer: Viewer) -> Course:
    """Everything about the viewer's infusions, in one read."""
    opened = list_entries(session, viewer, [Want("infusion"), Want("after-infusion"), Want("plan")])
    plan, revision = plan_in(opened)
    reports: dict[tuple[UUID, str], Reported] = {}
    for one in opened:
        if one.kind == AfterInfusion.kind:
            report = AfterInfusion.load(one.payload)
            reports[(report.infusion_id, report.part)] = Reported(one, report)
    beside = sum(one.beside for one in opened if one.kind == Plan.kind)
    return Course(held_in(opened), {one.id: one for one in opened}, reports, plan, revision, beside)


def list_deleted(
    session: Session, viewer: Viewer, now: datetime, zone: ZoneInfo, day_ends_hour: int
) -> tuple[Opened, ...]:
    """Infusions deleted on the patient's present day: they can still be brought back."""
    today = day_of(now, zone, day_ends_hour)
    return tuple(
        one
        for one in list_entries(session, viewer, [Want("infusion")], with_deleted=True)
        if one.is_deleted and day_of(one.received_at, zone, day_ends_hour) == today
    )
