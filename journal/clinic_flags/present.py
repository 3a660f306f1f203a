"""What the clinic that follows has answered: said to the patient wherever a reason to call stands."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from journal.accounts import present
from journal.clinic_flags.queries import list_handled
from journal.kit.web import unit
from journal.shares.present import Cause
from journal.shares.queries import find_clinic


@dataclass(frozen=True, slots=True)
class Answered:
    """The clinic's name, and when it acknowledged the newest of these causes, in the patient's zone."""

    clinic: str
    at: datetime


def answered(told: Iterable[Cause]) -> Answered | None:
    """When the clinic acknowledged what comes from these rules, kinds of entry and days; None while it hasn't."""
    causes = {(rule.id, day) for rule, _kind, day in told}
    clinic = find_clinic(unit(), present.viewer()) if causes else None
    if clinic is None:
        return None
    times = [
        one.acknowledged_at
        for one in list_handled(unit(), present.viewer(), clinic.id)
        if (one.rule.id, one.day) in causes and one.acknowledged_at is not None
    ]
    return Answered(clinic.name, max(times).astimezone(present.zone())) if times else None
