"""Whom to see first: a care team's list, put in order by fixed rules that are told with their numbers.

Every threshold here is our own choice, to be approved by a clinician; none predicts anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median

from journal.domain.flag_rules import Rule
from journal.domain.measures import Measure
from journal.domain.questionnaires import Change, say_number

DOWN_BY = 2
"""Own choice: so many points worse than the own baseline."""
DOWN_DAYS = 3
"""Own choice: on so many logged days in a row, the last of them in the last week."""
BASELINE_DAYS, BASELINE_LEAST = 14, 5
"""Own choice: the baseline is the middle of the two weeks before, from five logged days on."""
SILENT_DAYS = 5
"""Nothing logged for so many days after an infusion (product decision)."""
SILENT_UNTIL = 21
"""Own choice: three weeks after the infusion, silence is no longer about it."""
NEW_SCORE_DAYS = 28
"""Own choice: a worse score is a reason for four weeks."""
SPARK_DAYS = 14
READ_DAYS = 35
"""How far back is read: the days of the sparkline, the baseline, and some room."""
SCORE_DAYS = 120


@dataclass(frozen=True, slots=True)
class Reason:
    """Why somebody is on top: a tag (shape and word), what happened in words with its numbers, and the rule."""

    kind: str
    tag: str
    says: str
    rule: str
    at: datetime | None = None
    more: int = 0
    """So many more flags of the same rule are open."""
    kinds: frozenset[str] = field(default=frozenset(), compare=False)
    first: date | None = field(default=None, compare=False)
    last: date | None = field(default=None, compare=False)
    """What it was worked out from: the shared kinds, and the days. Left open for flags, whose rule says so."""


@dataclass(frozen=True, slots=True)
class Flag:
    """An open flag, as the list needs it; `told_at`, when it was last told."""

    rule: Rule
    why: str
    told_at: datetime


@dataclass(frozen=True, slots=True)
class Score:
    """The newest score of a questionnaire, with its change since the one before."""

    title: str
    day: date
    score: str
    change: Change | None


@dataclass(frozen=True, slots=True)
class Recent:
    """What the list knows of one person, all of it from the share: the first measure's values by day, the infusion
    days with their numbers, the days on which anything was logged, the newest scores, the open flags."""

    measure: Measure | None
    values: Mapping[date, int]
    infusions: Sequence[tuple[date, int]]
    logged: Sequence[date]
    scores: Sequence[Score]
    flags: Sequence[Flag]
    may_be_silent: bool = True
    seen_up_to: datetime | None = None
    """When the page was made that the reader last marked as reviewed; None where something was shared since that it
    could not show."""


RANKS = ("emergency", "safety", "urgent", "review", "worse", "silent")
"""Open flags by urgency, then changes for the worse, then silence."""
TAGS = {
    "emergency": "Warning sign",
    "safety": "Safety answer",
    "urgent": "Strong side effect",
    "review": "To look at",
    "worse": "Worse",
    "silent": "Silent",
}


def reasons(told: Recent, today: date) -> tuple[Reason, ...]:
    """Every reason, the gravest first. A flag that was open when the reader last marked the summary as reviewed is
    still in the summary, but no longer a reason to be seen first."""
    by_rule: dict[str, list[Flag]] = {}
    for flag in told.flags:
        if told.seen_up_to is None or flag.told_at > told.seen_up_to:
            by_rule.setdefault(flag.rule.id, []).append(flag)
    found = [_flagged(flags) for flags in by_rule.values()]
    found += [one for one in (_down(told, today), *_worse(told, today), _silent(told, today)) if one]
    return tuple(sorted(found, key=lambda one: RANKS.index(one.kind)))


def _flagged(flags: Sequence[Flag]) -> Reason:
    """The flags of one rule are one reason: the newest in words, the others as a number."""
    newest, rule = max(flags, key=lambda flag: flag.told_at), flags[0].rule
    return Reason(rule.urgency, TAGS[rule.urgency], newest.why, rule.when, newest.told_at, len(flags) - 1)


def _down(told: Recent, today: date) -> Reason | None:
    if told.measure is None:
        return None
    days = sorted(day for day in told.values if day <= today)
    last = days[-DOWN_DAYS:]
    if len(last) < DOWN_DAYS or last[0] < today - timedelta(days=DOWN_DAYS + 4):
        return None
    before = [day for day in days[:-DOWN_DAYS] if day >= last[0] - timedelta(days=BASELINE_DAYS)]
    if len(before) < BASELINE_LEAST:
        return None
    baseline = median(told.measure.severity(told.values[day]) for day in before)
    if not all(told.measure.severity(told.values[day]) >= baseline + DOWN_BY for day in last):
        return None
    middle = median(told.values[day] for day in last)
    was = 10 - baseline if told.measure.higher_is_better else baseline
    return Reason(
        "worse",
        f"{told.measure.title} worse",
        f"The last {DOWN_DAYS} logged days have a middle of {middle:g}; the two weeks before, {was:g}.",
        f"{DOWN_BY} points or more worse than the own middle, {DOWN_DAYS} logged days in a row",
        kinds=frozenset({"daily"}),
        first=before[0],
        last=last[-1],
    )


def _worse(told: Recent, today: date) -> list[Reason]:
    return [
        Reason(
            "worse",
            f"{one.title} worse",
            f"{one.title} is {one.score}, from {say_number(one.change.before.score)} on "
            f"{one.change.before.day.day} {one.change.before.day:%B}.",
            f"higher by {one.change.step.points:g} points or more",
            kinds=frozenset({"questionnaires"}),
            first=one.change.before.day,
            last=one.day,
        )
        for one in told.scores
        if one.change is not None
        and one.change.step is not None
        and one.change.points > 0
        and one.day > today - timedelta(days=NEW_SCORE_DAYS)
    ]


def _silent(told: Recent, today: date) -> Reason | None:
    if not told.infusions or not told.may_be_silent:
        return None
    day, number = max(told.infusions)
    since = (today - day).days
    if since > SILENT_UNTIL:
        return None
    last = max((one for one in told.logged if one >= day), default=day)
    quiet = (today - last).days
    if quiet < SILENT_DAYS:
        return None
    return Reason(
        "silent",
        "Silent",
        f"Nothing in what is shared for {quiet} days, since {last.day} {last:%B}, after infusion {number} on {day.day} {day:%B}.",
        f"{SILENT_DAYS} days without an entry in the {SILENT_UNTIL} days after an infusion",
        kinds=frozenset({"daily", "infusions"}),
        first=day,
        last=today,
    )


def order(first: Sequence[Reason], seen_at: datetime | None) -> tuple[int, float]:
    """What a person is sorted by: the gravest reason, then how long nobody looked (never is longest)."""
    rank = RANKS.index(first[0].kind) if first else len(RANKS)
    return rank, seen_at.timestamp() if seen_at else 0.0
