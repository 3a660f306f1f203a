"""The summary: what a reader sees of a journal, and the one source of the page, the PDF, the CSV and the FHIR file.

It is built from what the share holds and from nothing else. It describes; it never advises.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from uuid import UUID
from zoneinfo import ZoneInfo

from journal.domain.access import KINDS, Scope
from journal.domain.after_infusion import DURATIONS, AfterInfusion
from journal.domain.flag_rules import URGENCIES, Rule
from journal.domain.infusion import MOMENTS, ROUTES, Held, Infusion
from journal.domain.instrument import Band, Instrument
from journal.domain.measures import Measure
from journal.domain.questionnaires import Change, Response, Scored, UrinaryCheck, say_change, say_number
from journal.domain.safety import SafetyPlan
from journal.domain.side_effects import GRADES, SIDE_EFFECTS
from journal.domain.trends import Series, Trends

BEFORE_DAYS = 14
"""Own choice: what a session is compared with is the two weeks before it."""
BEFORE_LEAST = 3
"""Own choice: fewer logged days than this say too little for a middle."""
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Day:
    """A check-in: its numbers 0-10 by measure, its side effects by grade, and when it was made."""

    day: date
    is_late: bool
    measures: Mapping[str, int]
    side_effects: Mapping[str, str]
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Infused:
    """An infusion with the reports on it, the first one and that of the next day."""

    held: Held
    first: AfterInfusion | None = None
    next_day: AfterInfusion | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """A response with its score, its named range, and the changes; None where there is none to name."""

    entry_id: UUID
    day: date
    at: datetime
    instrument: Instrument
    response: Response
    scored: Scored | None = None
    band: Band | None = None
    since_last: Change | None = None
    since_baseline: Change | None = None

    @property
    def is_urinary(self) -> bool:
        return isinstance(self.response, UrinaryCheck)


@dataclass(frozen=True, slots=True)
class Flagged:
    """An open flag: its rule, and why it was raised, in words; `raised_at`, when it was last told."""

    id: UUID
    rule: Rule
    why: str
    raised_at: datetime


@dataclass(frozen=True, slots=True)
class Written:
    """A note: on which day, made when, in which room of the journal."""

    day: date
    at: datetime
    where: str
    text: str


@dataclass(frozen=True, slots=True)
class Adherence:
    """How many of the days were logged; which were filled in later, and on which nothing was."""

    days: int
    logged: int
    late: tuple[date, ...]
    missing: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class Session:
    """What happened since the last session, as (what, words)."""

    day: date
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything a reader sees. `days` are the check-ins from `trends.first` to `trends.last`, one a day."""

    name: str
    scope: Scope
    trends: Trends
    measures: tuple[Measure, ...]
    zone: ZoneInfo
    made_at: datetime
    days: tuple[Day, ...] = ()
    infusions: tuple[Infused, ...] = ()
    answered: tuple[Answered, ...] = ()
    flags: tuple[Flagged, ...] = ()
    notes: tuple[Written, ...] = ()
    safety_plan: SafetyPlan | None = None
    adherence: Adherence | None = None
    session: Session | None = None

    @property
    def first(self) -> date:
        return self.trends.first

    @property
    def last(self) -> date:
        return self.trends.last

    @property
    def is_empty(self) -> bool:
        return not (
            self.days
            or self.infusions
            or self.answered
            or self.notes
            or self.flags
            or (self.safety_plan and self.safety_plan.has_words)
        )

    @property
    def kinds_said(self) -> str:
        """Daily measures, side effects, infusions"""
        titles = [KINDS[kind].title.lower() for kind in KINDS if kind in self.scope.kinds]
        return ", ".join(titles).capitalize()

    @property
    def not_held_said(self) -> str:
        """What isn't shared, so that its absence isn't taken for "nothing happened"."""
        titles = [KINDS[kind].title.lower() for kind in KINDS if kind not in self.scope.kinds]
        return ", ".join(titles)


def count_effects(days: Sequence[Day]) -> tuple[tuple[str, tuple[int, int, int]], ...]:
    """(side effect, days on which it was mild, moderate, severe), the heaviest first; one that never was is left out."""
    counts: dict[str, list[int]] = {}
    for one in days:
        for effect, grade in one.side_effects.items():
            if grade != "none":
                counts.setdefault(effect, [0, 0, 0])[GRADES.index(grade) - 1] += 1
    order = sorted(counts.items(), key=lambda pair: tuple(-n for n in reversed(pair[1])))
    return tuple((SIDE_EFFECTS[effect].label, (n[0], n[1], n[2])) for effect, n in order)


def adherence(days: Sequence[Day], first: date, last: date, today: date) -> Adherence:
    """From the first day shown, or the first one with anything in it, to the last; a day that isn't over counts only
    when something was logged."""
    by_day = {one.day: one for one in days}
    first = max(first, min(by_day, default=first))
    if last == today and today not in by_day:
        last -= timedelta(days=1)
    every = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return Adherence(
        len(every),
        sum(day in by_day for day in every),
        tuple(day for day in every if day in by_day and by_day[day].is_late),
        tuple(day for day in every if day not in by_day),
    )


def say_runs(days: Sequence[date]) -> str:
    """3 Nov, 7 to 9 Nov, 30 Nov to 2 Dec"""
    runs: list[list[date]] = []
    for day in days:
        if runs and day - runs[-1][-1] == timedelta(days=1):
            runs[-1].append(day)
        else:
            runs.append([day])
    said = []
    for run in runs:
        start, end = run[0], run[-1]
        if start == end:
            said.append(_short(start))
        elif start.month == end.month and start.year == end.year:
            said.append(f"{start.day} to {_short(end)}")
        else:
            said.append(f"{_short(start)} to {_short(end)}")
    return ", ".join(said)


def _short(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]}"


_ABOUT = (
    (re.compile(r", \d+ hours after the infusion"), ""),
    (re.compile(r"\byourself\b"), "themselves"),
    (re.compile(r"\byour\b"), "their"),
    (re.compile(r"\byou\b"), "they"),
)


def say_to_reader(why: str) -> str:
    """A flag's reason, told to the patient as "You logged …", as it is told about somebody. Words in quotation marks
    are the form's own and stay. The hours since an infusion are left out: they would tell its time."""
    rest = why.removeprefix("You ")
    parts = re.split("(“[^”]*”)", rest[:1].upper() + rest[1:])
    for pattern, told in _ABOUT:
        parts = [part if part.startswith("“") else pattern.sub(told, part) for part in parts]
    return "".join(parts)


@dataclass(frozen=True, slots=True)
class ByRule:
    """The open flags of one rule, the newest first."""

    rule: Rule
    flags: tuple[Flagged, ...]


def by_rule(flags: Iterable[Flagged]) -> tuple[ByRule, ...]:
    """The flags as they are shown: each rule once, the gravest first."""
    rules: dict[str, list[Flagged]] = {}
    for flag in in_urgency(flags):
        rules.setdefault(flag.rule.id, []).append(flag)
    return tuple(ByRule(held[0].rule, tuple(held)) for held in rules.values())


def in_urgency(flags: Iterable[Flagged]) -> tuple[Flagged, ...]:
    """The gravest first, and of the same kind the newest first."""
    newest = sorted(flags, key=lambda one: one.raised_at, reverse=True)
    return tuple(sorted(newest, key=lambda one: URGENCIES.index(one.rule.urgency)))


def since_session(
    day: date,
    scope: Scope,
    main: Series | None,
    trends: Trends,
    days: Sequence[Day],
    infusions: Sequence[Infused],
    answered: Sequence[Answered],
    flags: Sequence[Flagged],
    zone: ZoneInfo,
) -> Session:
    """What happened on the day of the last session and after it."""
    if day > trends.last:
        return Session(day, (("Days", "none of the days since are shared."),))
    lines: list[tuple[str, str]] = []
    if scope.holds("infusions"):
        for one in infusions:
            if one.held.day >= day:
                lines.append((f"Infusion {one.held.number}", _infusion_line(one)))
        if not any(one.held.day >= day for one in infusions):
            lines.append(("Infusions", "none logged."))
    if main is not None and scope.holds("daily"):
        lines.append((main.measure.title, _measure_line(main, trends, day)))
    if scope.holds("side-effects"):
        lines.append(("Side effects", _effects_line([one for one in days if one.day >= day])))
    if scope.holds("questionnaires"):
        told = [one for one in answered if one.day >= day and not one.is_urinary and one.scored]
        for last in {one.instrument.code: one for one in told}.values():
            lines.append((last.instrument.short_title, _score_line(last)))
        if not told:
            lines.append(("Questionnaires", "none filled in."))
    raised = [one for one in flags if one.raised_at.astimezone(zone).date() >= day]
    lines.append(
        ("Flags", f"{len(flags)} open, {len(raised)} of them raised since." if flags else "none open.")
    )
    return Session(day, tuple(lines))


def _infusion_line(one: Infused) -> str:
    reports = [name for name, report in (("first report", one.first), ("next day", one.next_day)) if report]
    told = f", {' and '.join(reports)} filled in" if reports else ", no report filled in"
    return f"on {_short(one.held.day)}{told}."


def _measure_line(series: Series, trends: Trends, day: date) -> str:
    values = dict(zip(trends.days, series.values, strict=True))
    since = [v for d, v in values.items() if d >= day and v is not None]
    count = sum(d >= day for d in trends.days)
    before = [v for d, v in values.items() if day - timedelta(days=BEFORE_DAYS) <= d < day and v is not None]
    if not since:
        return f"nothing logged in {count} days."
    text = f"{_range(since)}, logged on {len(since)} of {count} days."
    if len(since) >= BEFORE_LEAST and len(before) >= BEFORE_LEAST:
        text += f" Middle {median(since):g}; in the {BEFORE_DAYS} days before, {median(before):g}."
    return text


def _range(values: Sequence[int]) -> str:
    return str(min(values)) if min(values) == max(values) else f"{min(values)} to {max(values)}"


def _effects_line(days: Sequence[Day]) -> str:
    worst: dict[str, int] = {}
    for one in days:
        for effect, grade in one.side_effects.items():
            worst[effect] = max(worst.get(effect, 0), GRADES.index(grade))
    if not worst:
        return "nothing logged about them."
    felt = sorted(((grade, effect) for effect, grade in worst.items() if grade), key=lambda p: -p[0])
    if not felt:
        return "none."
    said = ", ".join(f"{SIDE_EFFECTS[effect].label.lower()} ({GRADES[grade]})" for grade, effect in felt[:4])
    rest = f", and {len(felt) - 4} more" if len(felt) > 4 else ""
    return f"{said}{rest}. At most {GRADES[felt[0][0]]}."


def _score_line(one: Answered) -> str:
    assert one.scored is not None  # noqa: S101 - only scored ones come here
    text = f"{say_number(one.scored.score)} on {_short(one.day)}"
    if one.since_last is not None:
        before = one.since_last.before
        text += f", {say_number(before.score)} on {_short(before.day)}"
    return f"{text}."


def say_changes(one: Answered) -> tuple[str, ...]:
    """How a score has changed, in words."""
    said: list[str] = []
    if one.since_baseline is not None:
        before = one.since_baseline.before
        since = f"before infusion 1 ({say_number(before.score)} on {_short(before.day)})"
        said += say_change(one.since_baseline, since)
    if one.since_last is not None and (
        one.since_baseline is None or one.since_last.before != one.since_baseline.before
    ):
        before = one.since_last.before
        said += say_change(
            one.since_last, f"the time before ({say_number(before.score)} on {_short(before.day)})"
        )
    return tuple(dict.fromkeys(said))


def say_dose(infusion: Infusion) -> str:
    """35.5 mg (0.5 mg/kg), by vein (IV), 40 minutes"""
    parts = []
    if infusion.dose_mg is not None:
        parts.append(f"{say_number(infusion.dose_mg)} mg")
        if infusion.dose_mg_per_kg is not None:
            parts[-1] += f" ({say_number(infusion.dose_mg_per_kg)} mg/kg)"
    elif infusion.dose_mg_per_kg is not None:
        parts.append(f"{say_number(infusion.dose_mg_per_kg)} mg/kg")
    if infusion.route is not None:
        parts.append(ROUTES[infusion.route][:1].lower() + ROUTES[infusion.route][1:])
    if infusion.minutes is not None:
        parts.append(f"{infusion.minutes} minutes")
    return ", ".join(parts) or "dose not logged"


def say_vitals(infusion: Infusion) -> tuple[str, ...]:
    """One line for each vital sign that was logged: before, at its highest and after."""
    told = infusion.vitals
    lines = []
    for name, values in (
        ("Blood pressure", {moment: _pressure(told, moment) for moment in MOMENTS}),
        ("Pulse", {moment: _vital(told, f"{moment}_pulse") for moment in MOMENTS}),
        ("Oxygen, %", {moment: _vital(told, f"{moment}_oxygen") for moment in MOMENTS}),
    ):
        said = [f"{value} {MOMENTS[moment].lower()}" for moment, value in values.items() if value]
        if said:
            lines.append(f"{name} {', '.join(said)}")
    return tuple(lines)


def _vital(told: Mapping[str, int], name: str) -> str:
    return str(told[name]) if name in told else ""


def _pressure(told: Mapping[str, int], moment: str) -> str:
    upper, lower = _vital(told, f"{moment}_systolic"), _vital(told, f"{moment}_diastolic")
    return f"{upper or '?'}/{lower or '?'}" if upper or lower else ""


def say_report(one: Infused) -> tuple[str, ...]:
    """How the infusion was, from its two reports, in short sentences."""
    first, later = one.first, one.next_day
    lines = []
    if first is not None:
        felt = [
            f"{words} {value} of 10"
            for words, value in (
                ("spaced-out at most", first.diss_peak),
                ("calm", first.diss_peace),
                ("scary", first.diss_distress),
            )
            if value is not None
        ]
        if felt:
            lines.append(_sentence(", ".join(felt)))
        if first.diss_duration is not None:
            lines.append(f"Like oneself again: {DURATIONS[first.diss_duration].lower()}.")
        lines += _effects("Side effects", first)
        if not first.side_effects and first.worst_side_effect is not None:
            lines.append(f"Side effects: {first.worst_side_effect} at worst.")
        if first.any_red_flag_now:
            lines.append("A warning sign was happening then.")
    if later is not None:
        if later.diss_next_day is not None:
            lines.append(f"The next day: spaced-out {later.diss_next_day} of 10.")
        if later.still_senses:
            lines.append("The next day: still saw or heard things that were not there.")
        lines += _effects("The next day", later)
    return tuple(lines)


def _effects(head: str, report: AfterInfusion) -> list[str]:
    felt = [
        f"{SIDE_EFFECTS[effect].label.lower()} ({grade})"
        for effect, grade in report.side_effects.items()
        if grade != "none"
    ]
    if felt:
        return [f"{head}: {', '.join(felt)}."]
    return [f"{head}: none."] if report.side_effects else []


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
