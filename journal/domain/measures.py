"""The daily measures: one question each, 0 to 10, own wording and not validated (docs/clinical.md)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

LEAST, MOST = 0, 10
OWN = re.compile(r"own-[a-z0-9]{6}")
DISSOCIATION_DAYS = 7
"""Dissociation is always asked this many days after an infusion (product decision)."""
MOST_BY_DEFAULT = 5
"""Measures asked when nobody chose any, dissociation included (product decision)."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A 0-10 question. `noun` goes into sentences: "you logged {noun}"."""

    id: str
    question: str
    low: str
    high: str
    higher_is_better: bool
    title: str
    noun: str
    loinc: str | None = None

    def severity(self, value: float) -> float:
        """0-10 where 10 is worst, whichever way the question counts."""
        return MOST - value if self.higher_is_better else value


MEASURES: dict[str, Measure] = {
    m.id: m
    for m in (
        Measure(
            "mood",
            "How has your mood been today?",
            "As low as it gets",
            "As good as it gets",
            True,
            "Mood",
            "mood",
        ),
        Measure(
            "anxiety",
            "How anxious or on edge have you felt today?",
            "Not at all",
            "As bad as it gets",
            False,
            "Anxiety",
            "anxiety",
        ),
        Measure("sleep", "How was your sleep last night?", "Very bad", "Very good", True, "Sleep", "sleep"),
        Measure(
            "hope",
            "How hopeful do you feel today?",
            "Not at all hopeful",
            "Very hopeful",
            True,
            "Hope",
            "hope",
        ),
        Measure(
            "pain",
            "How bad was your pain on average in the last 24 hours?",
            "No pain",
            "Pain as bad as you can imagine",
            False,
            "Pain",
            "pain",
            "72514-3",
        ),
        Measure(
            "memories",
            "How much did hard memories bother you today?",
            "Not at all",
            "As much as can be",
            False,
            "Hard memories",
            "hard memories",
        ),
        Measure(
            "obsessions",
            "How much time did unwanted thoughts or rituals take today?",
            "No time",
            "Nearly all day",
            False,
            "Unwanted thoughts",
            "unwanted thoughts",
        ),
        Measure(
            "function",
            "How much could you do the things you needed to do today?",
            "Not at all",
            "All of it",
            True,
            "Getting things done",
            "getting things done",
        ),
        Measure(
            "dissociation",
            "How spaced-out or unreal do you feel today?",
            "Not at all",
            "As much as can be",
            False,
            "Spaced-out or unreal",
            "feeling spaced-out or unreal",
        ),
    )
}

CONDITIONS: dict[str, str] = {
    "depression": "Depression",
    "ptsd": "PTSD",
    "anxiety": "Anxiety",
    "ocd": "OCD",
    "pain": "Chronic pain",
    "other": "Something else",
}
_ALWAYS = ("mood", "anxiety", "sleep")
_BY_CONDITION = (
    ("ptsd", "memories"),
    ("ocd", "obsessions"),
    ("pain", "pain"),
    ("depression", "hope"),
    ("pain", "function"),
    ("other", "function"),
)


def own_measure(measure_id: str, name: str) -> Measure:
    """A symptom that the patient named. Higher is worse, as with every symptom."""
    return Measure(
        measure_id,
        f"{name}: how strong was it today?",
        "Not at all",
        "As bad as it gets",
        False,
        name,
        name,
    )


def is_measure(measure_id: str) -> bool:
    """Known by name, or shaped like a patient's own."""
    return measure_id in MEASURES or OWN.fullmatch(measure_id) is not None


def default_measures(treated_for: Iterable[str]) -> tuple[str, ...]:
    """The measures asked while the patient has chosen none: three for all, then one by what is treated. One place
    is kept free for dissociation."""
    treated = set(treated_for)
    extra = list(dict.fromkeys(measure for condition, measure in _BY_CONDITION if condition in treated))
    return (*_ALWAYS, *extra)[: MOST_BY_DEFAULT - 1]


def is_after_infusion(day: date, infusion_days: Iterable[date]) -> bool:
    """True on the day of an infusion and the seven days after it."""
    return any(given <= day <= given + timedelta(days=DISSOCIATION_DAYS) for given in infusion_days)
