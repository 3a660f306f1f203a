"""Who will see what the patient is told about: said on the page that comes first, and wherever a reason to call stands."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from journal.accounts import present
from journal.clinics.queries import Settings
from journal.domain.flag_rules import AT_ONCE, Rule, may_see
from journal.domain.safety import to_dial
from journal.kit import clock
from journal.kit.web import unit
from journal.shares.queries import Held, find_clinic, list_shares

Cause = tuple[Rule, str, date]
"""A rule, the kind of entry it looked at, and its day."""


@dataclass(frozen=True, slots=True)
class ClinicSees:
    """How the clinic that follows is told. `how`: "at-once" (a mail now), "list" (in its list and the weekly summary),
    "off" (the clinic turned this off, though its pages show it), "not" (not among what is shared), "missed" (it could
    be told now, but was not when it was logged)."""

    name: str
    how: str
    hours: str
    phone: str
    after_hours: str

    @property
    def to_dial(self) -> str:
        """The number as a phone dials it."""
        return to_dial(self.phone)


@dataclass(frozen=True, slots=True)
class Seen:
    """By the names the patient gave them; `is_shared`: something is shared with somebody, if not this. `clinic`: how
    the clinic that follows is told, None where none does."""

    names: tuple[str, ...]
    is_shared: bool
    clinic: ClinicSees | None = None

    @property
    def said(self) -> str:
        """Dr Lee, my sister and Tom"""
        return " and ".join(filter(None, [", ".join(self.names[:-1]), *self.names[-1:]]))


def who_sees(told: Iterable[Cause]) -> Seen:
    """Who can open what comes from these rules, kinds of entry and days, with the shares as they are now."""
    open_now = [
        one
        for one in list_shares(unit(), present.viewer(), clock.now())
        if one.state == "open" and one.openings_left != 0
    ]
    causes = list(told)
    names = [
        one.to
        for one in open_now
        if one.way != "clinic" and any(may_see(one.scope, *cause) for cause in causes)
    ]
    following = next((one for one in open_now if one.way == "clinic"), None)
    clinic = find_clinic(unit(), present.viewer()) if following is not None else None
    sees = None if following is None or clinic is None else _clinic_sees(following, clinic, causes)
    return Seen(tuple(dict.fromkeys(names)), bool(open_now), sees)


def _clinic_sees(held: Held, clinic: Settings, causes: Iterable[Cause]) -> ClinicSees:
    seen = [rule for rule, kind, day in causes if may_see(held.scope, rule, kind, day)]
    on = [rule for rule in seen if rule.id not in clinic.rules_off]
    if any(rule.urgency in AT_ONCE for rule in on):
        how = "at-once"
    else:
        how = "list" if on else "off" if seen else "not"
    return ClinicSees(clinic.name, how, clinic.hours, clinic.phone, clinic.after_hours)
