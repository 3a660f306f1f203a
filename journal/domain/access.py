"""Who may see what. Every read and write of patient data says for whom it is done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from journal.domain.errors import NotYours


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing that can be shared. `usual` ones are ticked when a share is begun."""

    id: str
    title: str
    says: str
    usual: bool = True


KINDS: Mapping[str, Kind] = {
    one.id: one
    for one in (
        Kind("daily", "Daily measures", "Mood, anxiety, sleep and what else you log from 0 to 10."),
        Kind("side-effects", "Side effects", "What you log day by day, and the bladder check."),
        Kind(
            "infusions",
            "Infusions",
            "Days given and planned, dose, blood pressure, and how it was afterwards.",
        ),
        Kind(
            "questionnaires",
            "Questionnaires",
            "Answers and scores, and what you answer to “Do you feel safe right now?”",
        ),
        Kind("safety-plan", "Safety plan", "What you wrote in it, with the numbers.", usual=False),
        Kind("notes", "Private notes", "Every note, and how you felt before an infusion.", usual=False),
    )
}

PARTS: Mapping[str, Mapping[str, str]] = {
    "check-in": {
        "measures": "daily",
        "side_effects": "side-effects",
        "happening_now": "side-effects",
        "note": "notes",
    },
    "note": {"text": "notes"},
    "infusion": {
        "number": "infusions",
        "phase": "infusions",
        "started": "infusions",
        "minutes": "infusions",
        "dose_mg": "infusions",
        "dose_mg_per_kg": "infusions",
        "route": "infusions",
        "setting": "infusions",
        "vitals": "infusions",
        "feeling_before": "notes",
        "note": "notes",
    },
    "after-infusion": {
        "infusion_id": "infusions",
        "part": "infusions",
        "unfinished": "infusions",
        "diss_peak": "infusions",
        "worst_side_effect": "infusions",
        "any_red_flag_now": "infusions",
        "domains": "infusions",
        "diss_peace": "infusions",
        "diss_distress": "infusions",
        "diss_duration": "infusions",
        "diss_next_day": "infusions",
        "still_senses": "infusions",
        "side_effects": "infusions",
        "courses": "infusions",
        "happening_now": "infusions",
        "note": "notes",
    },
    "questionnaire": dict.fromkeys(("instrument", "language", "answers", "state"), "questionnaires"),
    "urinary-check": dict.fromkeys(("instrument", "language", "answers", "state"), "side-effects"),
    "safety-plan": dict.fromkeys(
        (
            "struggling",
            "things_i_do",
            "places_and_people",
            "people_to_tell",
            "professionals",
            "safer_home",
            "what_matters",
            "person_name",
            "person_number",
            "clinic_name",
            "clinic_number",
        ),
        "safety-plan",
    ),
    "plan": {"days": "infusions"},
    "profile": {"own_symptoms": "daily"},
}
"""Which shared kind each part of an entry belongs to. A part that isn't named here is never shared: safety checks
(their flag is), what is treated for, and whatever is added without being thought about."""

WHOLE: Mapping[str, str] = {"infusion": "infusions", "after-infusion": "infusions"}
"""These make no sense by a part of them: without the kind, not even their note is shown."""

DATELESS = frozenset({"safety-plan", "plan", "profile"})
"""These hold now, whenever they were written: no range of days leaves them out."""

UNTOLD = frozenset({"craving"})
"""Where the patient was promised that the journal tells nobody, no share does."""
GRADED = ("side_effects", "courses", "happening_now")

EMPTY: Mapping[str, Mapping[str, Any]] = {
    "check-in": {"measures": {}, "side_effects": {}, "happening_now": {}, "note": ""},
    "infusion": {"feeling_before": "", "note": ""},
    "after-infusion": {"note": ""},
    "profile": {
        "name": "",
        "treated_for": (),
        "measures": None,
        "always_dissociation": False,
        "own_symptoms": (),
    },
}
"""What stands in place of a part that isn't shared, so that the rest can still be read."""


@lru_cache(maxsize=512)
def _held_names(kinds: frozenset[str], entry_kind: str) -> frozenset[str]:
    """The parts of an entry that a share of these kinds holds. Asked for every entry of a clinic's patients, so it is
    worked out once."""
    return frozenset(name for name, owner in PARTS.get(entry_kind, {}).items() if owner in kinds)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a share holds: kinds of KINDS, and days from `since` to `until`, both included (None is open)."""

    kinds: frozenset[str]
    since: date | None = None
    until: date | None = None

    def holds(self, *kinds: str) -> bool:
        return self.kinds.issuperset(kinds)

    def may_read(self, entry_kind: str) -> bool:
        """Whether any part of such entries is held."""
        if entry_kind in WHOLE:
            return WHOLE[entry_kind] in self.kinds
        return not self.kinds.isdisjoint(PARTS.get(entry_kind, {}).values())

    def holds_day(self, day: date) -> bool:
        return (self.since is None or day >= self.since) and (self.until is None or day <= self.until)

    def part_of(self, entry_kind: str, payload: Mapping[str, Any]) -> dict[str, Any] | None:
        """The parts of a dumped payload that are held, with nothing in place of the others; None where nothing that
        was logged is left."""
        names = _held_names(self.kinds, entry_kind)
        held = {name: value for name, value in payload.items() if name in names}
        for name in GRADED:
            graded = held.get(name)
            if graded and not UNTOLD.isdisjoint(graded):
                held[name] = {effect: told for effect, told in graded.items() if effect not in UNTOLD}
        if "worst_side_effect" in held:
            graded = payload.get("side_effects") or {}
            if any(graded.get(effect, "none") != "none" for effect in UNTOLD):
                held["worst_side_effect"] = None  # it may be about what is told to nobody
        if not any(held.values()):
            return None
        return {**EMPTY.get(entry_kind, {}), **held}


@dataclass(frozen=True, slots=True)
class Viewer:
    """`account_id` (None: whoever has a link) looks into the journal of `patient_id`. `scope` is None for the patient
    alone, who sees and writes everything."""

    account_id: UUID | None
    patient_id: UUID
    scope: Scope | None = None

    @classmethod
    def patient(cls, account_id: UUID) -> "Viewer":
        """The patient, in the own journal: sees and writes all of it."""
        return cls(account_id, account_id)

    @property
    def may_write(self) -> bool:
        return self.scope is None and self.account_id == self.patient_id

    def may_read(self, kind: str) -> bool:
        """Whether any of such an entry is open to the viewer."""
        if self.scope is not None:
            return self.scope.may_read(kind)
        return bool(kind) and self.account_id == self.patient_id

    def holds(self, *kinds: str) -> bool:
        """Whether all of these shared kinds are open to the viewer."""
        return self.may_write if self.scope is None else self.scope.holds(*kinds)

    def must_be_patient(self) -> None:
        """Raises NotYours for anybody else."""
        if not self.may_write:
            raise NotYours("patient")


def clip(scope: Scope, kind: str, since: date | None, until: date | None) -> tuple[date | None, date | None]:
    """The days wanted of a kind, as far as the share holds them."""
    if kind in DATELESS:
        return since, until
    firsts = [day for day in (since, scope.since) if day is not None]
    lasts = [day for day in (until, scope.until) if day is not None]
    return max(firsts, default=None), min(lasts, default=None)


ENDS = {"7": 7, "30": 30, "90": 90}
"""In how many days a share ends by itself; or on a date."""
LINK_DAYS = 31
"""A link ends after this many days at most (product decision)."""
LONGEST_DAYS = 366
"""Own choice: a share with a named person ends after a year at most, and can be made longer then."""
DAYS_BACK = {"14": 14, "90": 90, "all": None}
"""From which day: two weeks, three months, or everything."""


def last_day(days: int, today: date) -> date:
    """The last day on which a share of so many days is open."""
    return today + timedelta(days=days)


def is_wider(before: Scope, after: Scope) -> bool:
    """Whether the second holds anything that the first didn't."""
    opens_earlier = before.since is not None and (after.since is None or after.since < before.since)
    goes_further = before.until is not None and (after.until is None or after.until > before.until)
    return bool(after.kinds - before.kinds) or opens_earlier or goes_further
