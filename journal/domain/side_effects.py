"""Side effects: the list to offer, their grades, and which of them may need help at once (docs/clinical.md)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from journal.domain.fields import Reader

GRADES = ("none", "mild", "moderate", "severe")
GRADE_MEANING = {
    "none": "I did not have this.",
    "mild": "I noticed it, but I could do what I wanted.",
    "moderate": "It got in the way of some things.",
    "severe": "It stopped me, or I needed help.",
}


@dataclass(frozen=True, slots=True)
class SideEffect:
    """`group`: acute, later, acute-or-later, red-flag, urgent, urinary, long-term."""

    id: str
    label: str
    group: str


SIDE_EFFECTS: dict[str, SideEffect] = {
    s.id: s
    for s in (
        SideEffect("nausea", "Upset stomach (nausea)", "acute"),
        SideEffect("dizziness", "Dizzy or off balance", "acute"),
        SideEffect("headache", "Headache", "acute"),
        SideEffect("drowsy", "Very sleepy", "acute"),
        SideEffect("fatigue", "Tired", "acute"),
        SideEffect("confusion", "Confused or foggy", "acute"),
        SideEffect("anxiety_se", "Anxious or panicky", "acute"),
        SideEffect("blurred_vision", "Blurred or double vision", "acute"),
        SideEffect("vomiting", "Throwing up", "acute"),
        SideEffect("light_sound", "Light or sound bothers me", "acute"),
        SideEffect("memory", "Trouble with memory", "acute-or-later"),
        SideEffect("numbness", "Numb or tingling", "acute"),
        SideEffect("speech", "Trouble speaking", "acute"),
        SideEffect("palpitations", "Fast or pounding heart", "acute"),
        SideEffect("bp_high", "High blood pressure (if you checked it)", "acute"),
        SideEffect("irritable", "Cranky or restless", "acute"),
        SideEffect("vivid_dreams", "Vivid dreams or nightmares", "later"),
        SideEffect("insomnia", "Trouble sleeping", "later"),
        SideEffect("hallucination", "Seeing or hearing things that were not there", "acute"),
        SideEffect("emotional", "Crying or strong feelings", "acute"),
        SideEffect("itch_rash", "Itching or rash", "acute"),
        SideEffect("appetite", "Less hungry", "later"),
        SideEffect("chest_pain", "Chest pain", "red-flag"),
        SideEffect("breathing", "Trouble breathing", "red-flag"),
        SideEffect("fainting", "Fainted or passed out", "red-flag"),
        SideEffect("swelling", "Swelling of the face, lips, or tongue", "red-flag"),
        SideEffect("swallowing", "Trouble swallowing", "red-flag"),
        SideEffect("seizure", "A seizure (fit)", "red-flag"),
        SideEffect("stroke_signs", "Face droop, arm weakness, or new trouble speaking", "red-flag"),
        SideEffect("urine_pain", "Pain or burning when you pee", "urinary"),
        SideEffect("urine_freq", "Peeing much more often, or need to rush", "urinary"),
        SideEffect("urine_night", "Waking to pee more than usual", "urinary"),
        SideEffect("urine_blood", "Blood in your pee", "urinary"),
        SideEffect("urine_blocked", "Cannot pee", "urgent"),
        SideEffect("yellow_skin", "Yellow skin or eyes, or very dark pee", "urgent"),
        SideEffect("very_high_mood", "Very high or wired mood, with little need for sleep", "urgent"),
        SideEffect("craving", "Strong urge to use ketamine outside the clinic", "long-term"),
    )
}
COMMON = (
    "nausea",
    "dizziness",
    "headache",
    "drowsy",
    "fatigue",
    "confusion",
    "anxiety_se",
    "blurred_vision",
)
RED_FLAGS = tuple(s.id for s in SIDE_EFFECTS.values() if s.group == "red-flag")
ASKED_IF_NOW = (*RED_FLAGS, "hallucination")
"""For these the journal asks "Is this happening right now?" before it says anything else."""
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Body and mind", ("acute", "acute-or-later")),
    ("Days later", ("later",)),
    ("Peeing", ("urinary",)),
    ("Tell your clinic about these", ("urgent", "long-term")),
    ("Get help if one is happening now", ("red-flag",)),
)


def read_grades(reader: Reader, raw: dict[str, Any]) -> dict[str, str]:
    """Grades by side effect, in the order of the list; left out where skipped."""
    grades: dict[str, str] = {}
    for effect_id, value in raw.items():
        if effect_id not in SIDE_EFFECTS:
            reader.refuse(f"side_effects-{effect_id[:40]}", "The journal doesn’t know this side effect.")
            continue
        grade = reader.choice_value(
            value, GRADES, "Choose none, mild, moderate or severe.", f"side_effects-{effect_id}"
        )
        if grade is not None:
            grades[effect_id] = grade
    return {effect_id: grades[effect_id] for effect_id in SIDE_EFFECTS if effect_id in grades}


def warning_signs(grades: Any, happening: Any) -> dict[str, dict[str, Any]]:
    """Of a form that can't be kept as it is: the red flags that are said to be happening now, with their grades where
    they have one. Empty where there are none."""
    now = [e for e in RED_FLAGS if isinstance(happening, dict) and happening.get(e) in ("yes", True)]
    if not now:
        return {}
    given = grades if isinstance(grades, dict) else {}
    kept = {e: given[e] for e in now if given.get(e) in GRADES and given[e] != GRADES[0]}
    return {"side_effects": kept, "happening_now": dict.fromkeys(now, True)}


def add_warning_signs(before: Mapping[str, str], told: Mapping[str, Any]) -> dict[str, str]:
    """The grades that stood there before, with those that `warning_signs` gave. A "none" that what is happening now
    speaks against gives way: both together could not have been entered, nor be brought in anywhere."""
    happening = told.get("happening_now", {})
    stays = {e: grade for e, grade in before.items() if not (grade == GRADES[0] and e in happening)}
    return {**stays, **told.get("side_effects", {})}


def read_happening(reader: Reader, raw: dict[str, Any], grades: dict[str, str]) -> dict[str, bool]:
    """Which of the graded red flags is happening right now, where that was answered."""
    happening: dict[str, bool] = {}
    for effect_id, value in raw.items():
        field = f"happening_now-{effect_id[:40]}"
        if effect_id not in ASKED_IF_NOW:
            reader.refuse(field, "The journal doesn’t ask this about that side effect.")
            continue
        answer = (
            value
            if isinstance(value, bool)
            else reader.choice_value(value, ("yes", "no"), "Choose yes or no.", field)
        )
        if answer is None:
            continue
        now = answer is True or answer == "yes"
        if now and grades.get(effect_id) == "none":
            reader.refuse(
                field, "You chose “None” for this, and that it is happening now. Change one of the two."
            )
        happening[effect_id] = now
    return {effect_id: happening[effect_id] for effect_id in ASKED_IF_NOW if effect_id in happening}
