"""What the clinic that follows was told, and has answered: said to the patient wherever a reason to call stands."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from journal.accounts import present
from journal.clinic_flags.queries import Handled, list_handled
from journal.flags.queries import has_undelivered
from journal.kit.web import unit
from journal.shares import present as shares
from journal.shares.present import Cause, Seen
from journal.shares.queries import find_clinic


def _handled(causes: Iterable[Cause]) -> tuple[Handled, ...]:
    """What the clinic that follows now has of these causes."""
    wanted = {(rule.id, day) for rule, _kind, day in causes}
    clinic = find_clinic(unit(), present.viewer()) if wanted else None
    if clinic is None:
        return ()
    handled = list_handled(unit(), present.viewer(), clinic.id)
    return tuple(one for one in handled if (one.rule.id, one.day) in wanted)


def who_sees(told: Iterable[Cause]) -> Seen:
    """Who can open what comes from these causes, with the shares as they are now; and how the clinic that follows is
    told, or was: once it was looked for, what happened counts, and not today's settings."""
    causes = list(told)
    seen = shares.who_sees(causes)
    if seen.clinic is None or seen.clinic.how not in ("at-once", "list", "off"):
        return seen
    handled = _handled(causes)
    if handled:
        how = "at-once" if any(one.mailed_at for one in handled) else "list"
    elif has_undelivered(unit(), present.viewer()) or seen.clinic.how == "off":
        how = seen.clinic.how
    else:
        how = "missed"
    return replace(seen, clinic=replace(seen.clinic, how=how))


@dataclass(frozen=True, slots=True)
class Answered:
    """The clinic's name, and when it acknowledged the last of these causes, in the patient's zone."""

    clinic: str
    at: datetime


def answered(told: Iterable[Cause]) -> Answered | None:
    """When the clinic had acknowledged all that comes from these rules, kinds of entry and days; None while it
    hasn't."""
    handled = _handled(told)
    clinic = find_clinic(unit(), present.viewer()) if handled else None
    times = [one.acknowledged_at for one in handled if one.acknowledged_at is not None]
    if clinic is None or not times or len(times) < len(handled):
        return None
    return Answered(clinic.name, max(times).astimezone(present.zone()))
