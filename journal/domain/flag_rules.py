"""What is answered at once: one table of rules, each with where it comes from. docs/clinical.md shows the same table,
and a test compares the two.

Every threshold marked "own choice" has to be approved by a clinician before patients use it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from journal.domain.access import Scope
from journal.domain.after_infusion import STILL_UNREAL

OWN = "own choice, to be approved by a clinician"
URGENCIES = ("emergency", "safety", "urgent", "review", "support")
"""From what can't wait to what is only answered kindly. "review" waits for the clinic's list; "support" is told to
nobody but the patient."""
LATER_HOURS = 24
"""From here on, seeing things or feeling unreal is no longer what an infusion usually does (Mayo Clinic's text)."""
UNREAL_TODAY = 7
"""Own choice: the daily question on feeling unreal counts from here, in the seven days in which it is always asked."""
UNREAL_DAYS = 7
AGAIN_DAYS = 7
"""Own choice: help that was to be offered again the next day is still offered when somebody comes back within a week."""
MILD, MODERATE, SEVERE = 1, 2, 3
ITEM_9_FROM, HARM_RISK_FROM, VERY_HIGH_MOOD_FROM = 1, 3, MODERATE
URINARY = ("urine_pain", "urine_freq", "urine_night")
URINARY_DAYS, URINARY_REPORTS = 14, 2


@dataclass(frozen=True, slots=True)
class Rule:
    """`when` says in words when it fires, `basis` where that comes from. `first`: help comes before anything else, and
    is offered once more the next day; else `says` is added to "Saved", and an urgent one stands on the day's page."""

    id: str
    urgency: str
    when: str
    basis: str
    first: bool = False
    says: str = ""


RULES: Mapping[str, Rule] = {
    one.id: one
    for one in (
        Rule(
            "red-flag-now",
            "emergency",
            "Chest pain, trouble breathing, fainting, swelling, trouble swallowing, a seizure or signs of a stroke, "
            "and “Is this happening right now?” is answered yes",
            "clinics’ discharge texts; general emergency guidance for seizure and stroke",
            True,
        ),
        Rule(
            "severe-headache",
            "emergency",
            "A severe headache, with blurred vision or confusion at moderate or more, or with any chest pain or "
            "trouble breathing, logged for today and not said to be gone",
            f"definition of hypertensive emergency (PMC9556663); the combination is {OWN}",
            True,
        ),
        Rule(
            "item-9",
            "safety",
            "Question 9 of the PHQ-9 at 1 or more, as soon as it is tapped",
            "usual practice with the PHQ-9; that help comes before any score is " + OWN,
            True,
        ),
        Rule(
            "not-safe",
            "safety",
            "“Do you feel safe right now?” is answered “No” or “Not sure”",
            OWN,
            True,
        ),
        Rule(
            "red-flag-passed",
            "urgent",
            "One of the same symptoms at mild or more, and it is not said to be happening now",
            "clinics’ discharge texts; the level is " + OWN,
        ),
        Rule(
            "headache-passed",
            "urgent",
            "The same combination as for a severe headache, of an earlier day or said to be gone",
            OWN,
        ),
        Rule(
            "still-seeing",
            "urgent",
            "Seeing or hearing things that are not there, at mild or more, 24 hours or more after the end of the last "
            "infusion, or with none logged",
            "Mayo Clinic’s ketamine text (24 hours)",
            True,
        ),
        Rule(
            "still-unreal",
            "urgent",
            "24 hours or more after the end of an infusion: “still spaced-out or unreal” at 4 or more, “Not yet” like "
            "oneself again, or the daily question at 7 or more within seven days",
            f"Mayo Clinic’s ketamine text (24 hours); 4 and 7 are {OWN}",
            True,
        ),
        Rule(
            "blood-in-pee",
            "urgent",
            "Blood in the pee at mild or more",
            f"reviews of ketamine cystitis; the level is {OWN}",
        ),
        Rule("cannot-pee", "urgent", "Cannot pee, at mild or more", f"reviews of ketamine cystitis; {OWN}"),
        Rule(
            "yellow-skin",
            "urgent",
            "Yellow skin or eyes, or very dark pee, at mild or more",
            "Mayo Clinic’s ketamine precautions",
        ),
        Rule(
            "very-high-mood",
            "urgent",
            "Very high or wired mood with little need for sleep, at moderate or more",
            f"general guidance on mania; the threshold is {OWN}",
        ),
        Rule("severe", "urgent", "Any other side effect at severe", OWN),
        Rule(
            "urinary",
            "review",
            "Pain, rush or night waking with peeing: at moderate or more once, or at mild or more in 2 reports within "
            "14 days; at most once a calendar month",
            f"FDA alert on compounded ketamine (October 2023); the thresholds are {OWN}",
            says="Please tell your clinic about this before your next infusion.",
        ),
        Rule(
            "harm-risk",
            "review",
            "Question 16 of the PCL-5 (risks that could cause harm) at 3 or more",
            f"not part of the instrument; {OWN}",
            says="If you may come to harm, help is one tap away at any time.",
        ),
        Rule(
            "craving",
            "support",
            "A strong urge to use ketamine outside the clinic, at mild or more",
            f"{OWN}; told to nobody",
        ),
    )
}
AT_ONCE = frozenset({"emergency", "safety", "urgent"})
"""A clinic that follows the patient is mailed at once for these; "review" waits in its list and the digest."""
LOOKED: Mapping[str, Rule] = {
    one.id: one
    for one in (
        Rule(
            "measure-down",
            "review",
            "The first measure is 3 points or more worse than the own middle of the two weeks before, 3 logged days in "
            "a row",
            OWN,
        ),
        Rule(
            "score-worse",
            "review",
            "A questionnaire’s score is worse than the one before by the step that may matter",
            f"the steps are the instruments’ own; that it is told is {OWN}",
        ),
        Rule(
            "silent",
            "review",
            "Nothing logged for 5 days, in the 3 weeks after an infusion",
            f"product decision (5 days); 3 weeks are {OWN}",
        ),
    )
}
"""What a clinic is told after a daily look at how somebody is, and no answer raises by itself."""
TOLD: Mapping[str, Rule] = {
    **{rule.id: rule for rule in RULES.values() if rule.urgency != "support"},
    **LOOKED,
}
"""Every rule that a clinic can be told by, and can switch off."""
TITLES: Mapping[str, str] = {
    "red-flag-now": "An alarm sign, happening now",
    "severe-headache": "A severe headache with other signs",
    "item-9": "Question 9 of the PHQ-9",
    "not-safe": "Not safe, or not sure",
    "red-flag-passed": "An alarm sign that has passed",
    "headache-passed": "Such a headache that has passed",
    "still-seeing": "Still seeing or hearing things a day later",
    "still-unreal": "Still unreal a day later",
    "blood-in-pee": "Blood in the pee",
    "cannot-pee": "Cannot pee",
    "yellow-skin": "Yellow skin or eyes",
    "very-high-mood": "Very high mood",
    "severe": "Any other severe side effect",
    "urinary": "Bladder trouble",
    "harm-risk": "Risks that could cause harm",
    "measure-down": "The first measure is down",
    "score-worse": "A questionnaire is worse",
    "silent": "Silent after an infusion",
}
"""What a clinic calls each of these in a list."""
EACH: Mapping[str, tuple[str, int]] = {
    "urine_blood": ("blood-in-pee", MILD),
    "urine_blocked": ("cannot-pee", MILD),
    "yellow_skin": ("yellow-skin", MILD),
    "very_high_mood": ("very-high-mood", VERY_HIGH_MOOD_FROM),
    "craving": ("craving", MILD),
}
"""Side effects with a rule of their own: from which grade it fires."""
OF_KIND: Mapping[str, tuple[str, ...]] = {
    "check-in": ("side-effects",),
    "after-infusion": ("infusions",),
    "questionnaire": ("questionnaires",),
    "urinary-check": ("side-effects",),
    "safety-check": ("questionnaires",),
}
"""Which shared kinds a flag comes from, by the kind of its entry: a reader sees it who holds all of them."""
OF_RULE: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("check-in", "still-unreal"): ("daily", "infusions"),
    ("check-in", "still-seeing"): ("side-effects", "infusions"),
    ("check-in", "urinary"): ("side-effects", "infusions"),
    ("after-infusion", "urinary"): ("side-effects", "infusions"),
    ("urinary-check", "urinary"): ("side-effects", "infusions"),
}
"""These count the hours after an infusion, or reports of several kinds, so they come from those too."""


LOOKS_BACK: Mapping[str, int] = {
    "urinary": URINARY_DAYS,
    "still-unreal": UNREAL_DAYS + 1,
    "still-seeing": UNREAL_DAYS + 1,
}
"""So many days before its own a rule may rest on: reports counted, or the infusion that hours are counted from."""


def may_see(scope: Scope, rule: Rule, entry_kind: str, day: date) -> bool:
    """Whether a share holds everything that a flag comes from: the kinds of its entry and of what its rule looks at,
    its day, and the days before it that the rule counts. An unknown kind is held by nobody."""
    kinds = OF_RULE.get((entry_kind, rule.id)) or OF_KIND.get(entry_kind, ("nobody",))
    first = day - timedelta(days=LOOKS_BACK.get(rule.id, 1 if entry_kind == "after-infusion" else 0))
    return scope.holds(*kinds) and scope.holds_day(day) and (scope.since is None or scope.since <= first)


_GRADED = frozenset({"mild", "moderate", "severe"})


def asks_for_help(field: str, value: str) -> str | None:
    """Whether an answer, by its form's field, brings up help on a phone that can't ask the server: "now", "later" from
    24 hours after the last infusion on, or None. It is coarser than the rules, so that it rather shows help once too
    often (own choice): nothing else comes of it, and the rules decide as soon as the answer arrives."""
    name, _, effect = field.partition("-")
    if field == "any_red_flag_now" or (name == "happening_now" and effect != "hallucination"):
        return "now" if value == "yes" else None
    if field == "side_effects-headache":
        return "now" if value == "severe" else None
    if field == "phq9_9":
        return "now" if value.isdigit() and int(value) >= ITEM_9_FROM else None
    least = {"dissociation": UNREAL_TODAY, "diss_next_day": STILL_UNREAL}.get(field)
    if least is not None:
        return "later" if value.isdigit() and int(value) >= least else None
    seeing = field == "side_effects-hallucination" and value in _GRADED
    later = seeing or (field, value) in {
        ("happening_now-hallucination", "yes"),
        ("still_senses", "yes"),
        ("diss_duration", "not-yet"),
    }
    return "later" if later else None
