"""How an infusion was: asked 2 to 24 hours later, and once more the next day. Own wording, not validated, not CADSS.

Calm and scary are asked apart. How strong an experience was says nothing about how well it helps, and nothing here
suggests that it does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar
from uuid import UUID

from journal.domain.fields import Reader
from journal.domain.side_effects import ASKED_IF_NOW, GRADES, SIDE_EFFECTS, read_grades, read_happening

PARTS = ("first", "next-day")
PEAK = ("At its strongest, how far from normal did you feel?", "Just like normal", "As far as I can imagine")
DOMAINS: dict[str, str] = {
    "diss_unreal": "Things around me looked or felt unreal, like a dream.",
    "diss_body": "I felt outside my body, floating, or not in control of it.",
    "diss_self": "I felt cut off from my thoughts, feelings, or who I am.",
    "diss_time": "Time felt much slower or faster than normal.",
    "diss_senses": "Colors, sounds, or shapes seemed changed, or I saw or heard things that were not there.",
    "diss_memory": "There are parts I cannot remember.",
}
PEACE = ("How calm or peaceful was it?", "Not at all", "Very")
DISTRESS = ("How scary or upsetting was it?", "Not at all", "Very")
DURATION_QUESTION = "How long until you felt like yourself again?"
DURATIONS: dict[str, str] = {
    "end": "By the end of the infusion",
    "1h": "Within 1 hour after",
    "2h": "1 to 2 hours after",
    "4h": "2 to 4 hours after",
    "longer": "More than 4 hours after",
    "not-yet": "Not yet",
}
NEXT_DAY = (
    "Today, how spaced-out or unreal do you still feel?",
    "Not at all",
    "As much as during the infusion",
)
STILL_SENSES = "Do you still see or hear things that are not there?"
STARTED: dict[str, str] = {
    "during": "During the infusion",
    "2h": "In the first 2 hours",
    "later": "Later that day",
    "next-day": "The next day",
}
GONE: dict[str, str] = {
    "2h": "Within 2 hours",
    "day": "Later that day",
    "night": "By the next morning",
    "later": "Later than that",
}
STILL_UNREAL = 4
"""Own choice, to be approved by a clinician: from here on, 24 hours or more after, help is shown before anything else."""
_NUMBERS = ("diss_peak", "diss_peace", "diss_distress", "diss_next_day")
_WHOLE = "Choose a number from 0 to 10, or skip it."


@dataclass(frozen=True, slots=True)
class Course:
    """When a side effect started, whether it is still there, and when it was gone."""

    started: str | None = None
    still_there: bool | None = None
    gone: str | None = None


@dataclass(frozen=True, slots=True)
class AfterInfusion:
    """`part` is "first" (the infusion and the hours after it) or "next-day". `unfinished` says that the longer
    questions wait. Numbers are 0-10; `worst_side_effect` is the grade of the strongest; `any_red_flag_now` answers
    the three-tap question."""

    kind: ClassVar[str] = "after-infusion"

    infusion_id: UUID
    part: str = "first"
    unfinished: bool = False
    diss_peak: int | None = None
    worst_side_effect: str | None = None
    any_red_flag_now: bool | None = None
    domains: Mapping[str, str] = field(default_factory=dict)
    diss_peace: int | None = None
    diss_distress: int | None = None
    diss_duration: str | None = None
    diss_next_day: int | None = None
    still_senses: bool | None = None
    side_effects: Mapping[str, str] = field(default_factory=dict)
    courses: Mapping[str, Course] = field(default_factory=dict)
    happening_now: Mapping[str, bool] = field(default_factory=dict)
    note: str = ""

    @property
    def is_empty(self) -> bool:
        return self == AfterInfusion(self.infusion_id, self.part, self.unfinished)

    def dump(self) -> dict[str, Any]:
        values: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        values["infusion_id"] = str(self.infusion_id)
        for name in ("domains", "side_effects", "happening_now"):
            values[name] = dict(values[name])
        values["courses"] = {k: [c.started, c.still_there, c.gone] for k, c in self.courses.items()}
        return values

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> "AfterInfusion":
        values = dict(stored)
        values["infusion_id"] = UUID(values["infusion_id"])
        values["courses"] = {k: Course(*c) for k, c in values["courses"].items()}
        values["domains"] = {k: values["domains"][k] for k in DOMAINS if k in values["domains"]}
        values["side_effects"] = {
            k: values["side_effects"][k] for k in SIDE_EFFECTS if k in values["side_effects"]
        }
        return cls(**values)

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> "AfterInfusion":
        """From untrusted data. Raises Refused with a reason per field."""
        reader = Reader(data, {f.name for f in fields(cls)})
        infusion_id = reader.uuid("infusion_id")
        if infusion_id is None:
            reader.refuse("infusion_id", "Say which infusion this is about.")
        grades = read_grades(reader, reader.mapping("side_effects"))
        numbers = {name: reader.whole(name, 0, 10, _WHOLE) for name in _NUMBERS}
        report = cls(
            infusion_id=infusion_id or UUID(int=0),
            part=reader.choice("part", PARTS, "Choose which part this is.") or "first",
            unfinished=reader.flag("unfinished"),
            worst_side_effect=reader.choice(
                "worst_side_effect", GRADES, "Choose none, mild, moderate or severe."
            ),
            any_red_flag_now=reader.yes_no("any_red_flag_now"),
            domains=_read_domains(reader),
            diss_duration=reader.choice(
                "diss_duration", tuple(DURATIONS), "Choose from the list, or skip it."
            ),
            still_senses=reader.yes_no("still_senses"),
            side_effects=grades,
            courses=_read_courses(reader),
            happening_now=read_happening(reader, reader.mapping("happening_now"), grades),
            note=reader.text("note"),
            **numbers,
        )
        reader.finish()
        return report


def _read_domains(reader: Reader) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for name, value in reader.mapping("domains").items():
        if name not in DOMAINS:
            reader.refuse(name[:40], "The journal doesn’t know this question.")
            continue
        grade = reader.choice_value(value, GRADES, "Choose none, mild, moderate or severe.", name)
        if grade is not None:
            chosen[name] = grade
    return {name: chosen[name] for name in DOMAINS if name in chosen}


def _read_courses(reader: Reader) -> dict[str, Course]:
    courses: dict[str, Course] = {}
    for effect_id, raw in reader.mapping("courses").items():
        if effect_id not in SIDE_EFFECTS:
            reader.refuse(f"side_effects-{effect_id[:40]}", "The journal doesn’t know this side effect.")
            continue
        values = raw if isinstance(raw, list | tuple) and len(raw) == 3 else (None, None, None)
        if values is not raw:
            reader.refuse(f"started-{effect_id}", "The journal can’t read this part.")
        started = reader.choice_value(
            values[0], tuple(STARTED), "Choose from the list.", f"started-{effect_id}"
        )
        gone = reader.choice_value(values[2], tuple(GONE), "Choose from the list.", f"gone-{effect_id}")
        still: Any = values[1]
        if not isinstance(still, bool):
            answer = reader.choice_value(still, ("yes", "no"), "Choose yes or no.", f"still-{effect_id}")
            still = None if answer is None else answer == "yes"
        if still and gone:
            reader.refuse(
                f"gone-{effect_id}", "You chose that it is still there, and when it was gone. Keep one."
            )
        if started or gone or still is not None:
            courses[effect_id] = Course(started, still, gone)
    return {effect_id: courses[effect_id] for effect_id in SIDE_EFFECTS if effect_id in courses}


__all__ = ["ASKED_IF_NOW", "DOMAINS", "DURATIONS", "AfterInfusion", "Course"]
