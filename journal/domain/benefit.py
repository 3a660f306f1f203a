"""Days of benefit after an infusion, counted from daily 0-10 numbers.

Source: the rules of docs/clinical.md, "Days of benefit". Every threshold here is our own choice, named below.
It describes what was logged; it doesn't say what caused it, and never what comes next.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from statistics import median

from journal.domain.days import days_between
from journal.domain.measures import Measure

BASELINE_DAYS = 7
"""Own choice: the week before an infusion is what "before" means."""
BASELINE_ENTRIES = 3
"""Own choice: fewer logged days than this say too little."""
BASELINE_LEAST = 3
"""Own choice: under a severity of 3 there is too little room for "half as bad"."""
HALF = 0.5
"""Own choice: a benefit day is at most half as bad as the series baseline."""
PAIN_SHARE, PAIN_DROP = 0.7, 2
"""Own choice after IMMPACT's "moderate" change: at least 30 % and 2 points lower."""
START_WITHIN_DAYS = 7
"""Own choice: benefit that starts later than a week after isn't counted to that infusion."""
BRIDGED_GAP_DAYS = 2
"""Own choice: up to two days without an entry don't end the count."""


@dataclass(frozen=True, slots=True)
class Given:
    """An infusion as far as it matters here."""

    day: date
    number: int
    is_counted: bool = False
    """The number was counted from the infusions at hand, of which some may be missing: it can't say "the first"."""


@dataclass(frozen=True, slots=True)
class Benefit:
    """`kind`: "days" (exactly `days`), "at-least" (cut off, at least `days`), "none" (nothing to say), or
    "not-enough-data". `why` tells what cut it off or what is missing; `baseline` is the series baseline as a
    severity, 0-10."""

    infusion: Given
    kind: str
    days: int | None = None
    why: str | None = None
    baseline: float | None = None


def baseline(measure: Measure, values: Mapping[date, int], before: date) -> float | None:
    """The median severity of the days logged in the week before the day, or None where they are too few."""
    week = days_between(before - timedelta(days=BASELINE_DAYS), before - timedelta(days=1))
    logged = [measure.severity(values[day]) for day in week if day in values]
    return float(median(logged)) if len(logged) >= BASELINE_ENTRIES else None


def is_benefit_day(measure: Measure, value: int, series_baseline: float) -> bool:
    """Whether a logged number is at most half as bad as the series baseline (pain: 30 % and 2 points lower)."""
    severity = measure.severity(value)
    if measure.id == "pain":
        return severity <= PAIN_SHARE * series_baseline + 1e-9 and series_baseline - severity >= PAIN_DROP
    return severity <= HALF * series_baseline


def series_start(infusions: Sequence[Given], index: int) -> Given | None:
    """Infusion 1 of the series that infusion `index` belongs to, or None where it isn't in the journal."""
    return next((i for i in reversed(infusions[: index + 1]) if i.number == 1 and not i.is_counted), None)


def decide(
    measure: Measure, values: Mapping[date, int], infusions: Sequence[Given], index: int, today: date
) -> Benefit:
    """Days of benefit after `infusions[index]` (sorted by day); `values` are logged numbers by day."""
    infusion = infusions[index]
    first = series_start(infusions, index)
    if first is None:
        return Benefit(infusion, "not-enough-data", why="no-first-infusion")
    own = baseline(measure, values, infusion.day)
    series = baseline(measure, values, first.day)
    if series is None:
        return Benefit(infusion, "not-enough-data", why="series-baseline-thin")
    if own is None:
        return Benefit(infusion, "not-enough-data", why="baseline-thin", baseline=series)
    if series < BASELINE_LEAST:
        return Benefit(infusion, "not-enough-data", why="series-baseline-low", baseline=series)
    if own < BASELINE_LEAST:
        return Benefit(infusion, "not-enough-data", why="baseline-low", baseline=series)
    following = infusions[index + 1].day if index + 1 < len(infusions) else None
    last = min(today, following - timedelta(days=1)) if following else today
    cut_by = "next-infusion" if following and following <= today else "today"
    good = {
        day: is_benefit_day(measure, values[day], series)
        for day in days_between(infusion.day, last)
        if day in values
    }
    return _count_days(infusion, good, last, cut_by, series)


def _count_days(
    infusion: Given, good: Mapping[date, bool], last: date, cut_by: str, series: float
) -> Benefit:
    latest_start = infusion.day + timedelta(days=START_WITHIN_DAYS)
    start = next((day for day in sorted(good) if good[day] and day <= latest_start), None)
    if start is None:
        if last < latest_start:
            return Benefit(infusion, "not-enough-data", why=f"cut-off-{cut_by}", baseline=series)
        if not any(day <= latest_start for day in good):
            return Benefit(infusion, "not-enough-data", why="nothing-logged", baseline=series)
        return Benefit(infusion, "none", baseline=series)
    logged = [day for day in sorted(good) if day >= start]
    last_good = start
    for earlier, day in pairwise(logged):
        if (day - earlier).days - 1 > BRIDGED_GAP_DAYS:
            return _benefit(infusion, "at-least", start, last_good, "gap", series)
        if not good[day] and not good[earlier]:
            return _benefit(infusion, "days", start, earlier - timedelta(days=1), None, series)
        if good[day]:
            last_good = day
    if logged and (last - logged[-1]).days > BRIDGED_GAP_DAYS:
        cut_by = "gap"
    return _benefit(infusion, "at-least", start, last_good, cut_by, series)


def _benefit(infusion: Given, kind: str, start: date, end: date, why: str | None, series: float) -> Benefit:
    return Benefit(infusion, kind, (end - start).days + 1, why, series)


_NOT_ENOUGH = {
    "no-first-infusion": "We can’t say how long. It takes the first infusion of the series in the journal.",
    "series-baseline-thin": "We can’t say how long. It takes three days logged in the week before infusion 1.",
    "baseline-thin": "We can’t say how long. It takes three days logged in the week before infusion {n}.",
    "series-baseline-low": "We can’t say how long. Before infusion 1, {noun} was too near its best to halve.",
    "baseline-low": "We can’t say how long. Before infusion {n}, {noun} was too near its best to halve.",
    "cut-off-today": "We can’t say yet. It is less than a week since infusion {n}.",
    "cut-off-next-infusion": "We can’t say how long. Infusion {next} came within a week of infusion {n}.",
    "nothing-logged": "We can’t say how long. Nothing was logged in the week after infusion {n}.",
}
_WHY_AT_LEAST = {
    "gap": " Then some days were not logged.",
    "next-infusion": " Then came the next infusion.",
    "today": " It goes up to the last entry.",
}
_TO_READER = (
    ("We can’t say", "It can’t be said"),
    ("in the journal", "in what is shared"),
    ("your last entry", "the last entry"),
    ("your ", ""),
)
"""A sentence to the patient, as it is said about somebody from what is shared."""


def sentence(measure: Measure, benefit: Benefit, next_number: int | None, *, to_patient: bool = True) -> str:
    """One plain sentence to the patient, or about somebody; nothing where there is nothing to say."""
    text = _sentence(measure, benefit, next_number)
    if benefit.kind == "none" and not to_patient:
        n = benefit.infusion.number
        text = f"After infusion {n}, there was no day within a week on which {_better(measure)}."
    if not to_patient:
        for own, told in _TO_READER:
            text = text.replace(own, told)
    return text


def _sentence(measure: Measure, benefit: Benefit, next_number: int | None) -> str:
    n = benefit.infusion.number
    if benefit.kind == "none":
        return ""
    if benefit.kind == "not-enough-data":
        text = _NOT_ENOUGH[benefit.why or ""]
        return text.format(n=n, noun=measure.noun, next=next_number if next_number else "the next one")
    days = "1 day" if benefit.days == 1 else f"{benefit.days} days"
    least = "at least " if benefit.kind == "at-least" else ""
    return f"After infusion {n}, {_better(measure)} for {least}{days}." + (
        _WHY_AT_LEAST[benefit.why or "today"] if least else ""
    )


def _better(measure: Measure) -> str:
    if measure.id == "mood":
        return "your mood was at least half as low as before"
    if measure.id == "pain":
        return "your pain was at least 30 % lower than before"
    if measure.higher_is_better:
        return f"your {measure.noun} was at least half as low as before"
    return f"your {measure.noun} was at most half as strong as before"
