"""What the help page and the safety plan read."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from journal.clinics.queries import Settings
from journal.domain.access import Viewer
from journal.domain.safety import SafetyCheck, SafetyPlan
from journal.entries.queries import Opened, Want, list_entries
from journal.shares.queries import find_clinic


def safety_plan_id(patient_id: UUID) -> UUID:
    """The one safety plan of a patient."""
    return uuid5(patient_id, "safety-plan")


def safety_check_id(patient_id: UUID, day: date) -> UUID:
    """The one answer of a day to "Do you feel safe right now?"; answering again revises it."""
    return uuid5(patient_id, f"safety-check {day.isoformat()}")


@dataclass(frozen=True, slots=True)
class Own:
    """The patient's safety plan with its entry (None where none is kept), and today's answer to "Do you feel safe right
    now?" with its time."""

    plan: SafetyPlan
    entry: Opened | None
    safe: str | None
    safe_at: datetime | None
    clinic: Settings | None = None
    """The clinic that follows the patient."""

    @property
    def clinic_number(self) -> str:
        """The clinic's number: the patient's own note of it, else what the clinic itself says."""
        return self.plan.clinic_number or (self.clinic.phone if self.clinic else "")

    @property
    def clinic_name(self) -> str:
        return self.plan.clinic_name or (self.clinic.name if self.clinic else "")


def get_own(session: Session, viewer: Viewer, today: date) -> Own:
    """Never raises for an empty journal: all of it is simply empty."""
    opened = list_entries(session, viewer, [Want("safety-plan"), Want("safety-check", today, today)])
    entry = next((one for one in opened if one.kind == SafetyPlan.kind), None)
    last = next((one for one in opened if one.kind == SafetyCheck.kind), None)
    return Own(
        SafetyPlan.load(entry.payload) if entry else SafetyPlan(),
        entry,
        SafetyCheck.load(last.payload).safe if last else None,
        last.captured_at if last else None,
        find_clinic(session, viewer),
    )
