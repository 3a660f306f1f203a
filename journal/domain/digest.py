"""What a weekly digest says: of each patient, the reasons to look, with their numbers and rules.

Every threshold here is our own choice, to be approved by a clinician. None is a verdict, and none foresees anything.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, Self

from journal.domain.access import Scope
from journal.domain.flag_rules import OF_KIND, OF_RULE, RULES, URGENCIES, may_see
from journal.domain.infusion import Held
from journal.domain.instrument import Instrument
from journal.domain.questionnaires import (
    Change,
    Scored,
    change,
    find_baseline,
    say_change,
    say_number,
    since_baseline,
)
from journal.domain.schedule import EARLY_DAYS, Series, Timeline, windows
from journal.domain.worklist import NEW_SCORE_DAYS, TAGS, Recent, reasons

SECTIONS = {
    "flags": "Open flags",
    "worse": "Worse",
    "no-improvement": "No improvement after a series",
    "overdue": "Questionnaires overdue",
    "silent": "Silent",
    "low-logging": "Little logged after an infusion",
    "waiting": "Waiting for review",
    "infusions": "Infusions this and next week",
    "better": "Better",
}
"""In the order in which they are read. A patient stands in the first one that names them."""
NO_IMPROVEMENT_DAYS = 14
"""So many days after the last infusion of a series (facts: two weeks)."""
OVERDUE_DAYS = 7
"""Own choice: unanswered for a week after it was first asked."""
ASKED_DAYS = 62
"""Own choice: a questionnaire that nobody answered for two months was turned off, for all that a share tells."""
LOGGED_LEAST, LOGGED_OF, LOGGED_WITHIN = 4, 7, 21
"""Own choice: fewer than 4 of the last 7 days logged, in the 21 days after an infusion."""
WAITING_DAYS = 14
"""Own choice: something new, and no review for two weeks."""
AHEAD_DAYS = 14
"""Planned infusions of this and the next week, as it is when the digest comes."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What a flag comes from: its rule, and the kind and day of its entry."""

    id: str
    rule: str
    kind: str
    day: date


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to know about a patient. `kinds`, `first` and `last` say what a share must hold for it to be seen."""

    section: str
    tag: str
    says: str
    rule: str
    kinds: frozenset[str]
    first: date
    last: date
    cause: Cause | None = None
    shape: str = ""
    """Of a flag: its urgency."""

    def is_held(self, scope: Scope) -> bool:
        """Whether a share, as it is now, holds everything that this rests on."""
        if self.cause is not None:
            rule = RULES.get(self.cause.rule)
            return rule is not None and may_see(scope, rule, self.cause.kind, self.cause.day)
        return scope.holds(*self.kinds) and scope.holds_day(self.first) and scope.holds_day(self.last)

    def dump(self) -> dict[str, Any]:
        return {
            "section": self.section,
            "tag": self.tag,
            "says": self.says,
            "rule": self.rule,
            "kinds": sorted(self.kinds),
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "cause": None
            if self.cause is None
            else {**asdict(self.cause), "day": self.cause.day.isoformat()},
            "shape": self.shape,
        }

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> Self:
        cause = stored["cause"]
        if cause is not None:
            cause = Cause(**{**cause, "day": date.fromisoformat(cause["day"])})
        days = {name: date.fromisoformat(stored[name]) for name in ("first", "last")}
        return cls(**{**stored, **days, "kinds": frozenset(stored["kinds"]), "cause": cause})


@dataclass(frozen=True, slots=True)
class Row:
    """What the digest says of one patient, and what of it is counted."""

    items: tuple[Item, ...]
    received: int = 0
    days_logged: int = 0

    def has(self, *sections: str) -> bool:
        return any(one.section in sections for one in self.items)

    @property
    def safety_flags(self) -> int:
        return sum(one.section == "flags" and one.shape != "review" for one in self.items)


@dataclass(frozen=True, slots=True)
class OpenFlag:
    """A flag that the clinic has not closed; `why` in words that a reader may see."""

    cause: Cause
    urgency: str
    why: str
    state: str


@dataclass(frozen=True, slots=True)
class Answers:
    """Of one questionnaire: its scores by time, the days on which it was finished or set aside, and whether the newest
    score came in this week."""

    instrument: Instrument
    scores: Sequence[Scored]
    done: Sequence[date]
    is_new: bool


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest thing that came in since the last review: its day, and a shared kind that it belongs to."""

    day: date
    kind: str


@dataclass(frozen=True, slots=True)
class Told:
    """What one share tells of a patient up to the end of the week, which is the patient's `today`. `reviewed_on`:
    the day of the last review, None where there was none; `received` and `days_logged`, of this week."""

    scope: Scope
    today: date
    since: date
    recent: Recent
    infusions: Sequence[Held]
    planned: Sequence[date]
    answers: Sequence[Answers]
    flags: Sequence[OpenFlag]
    newest: Newest | None = None
    reviewed_on: date | None = None
    received: int = 0
    days_logged: int = 0
    off: frozenset[str] = frozenset()
    """Rules that the clinic has turned off."""

    @property
    def goes_on(self) -> bool:
        """Whether what is missing can be told from what isn't shared: a share that has stopped says nothing new."""
        return self.scope.until is None or self.scope.until >= self.today


def _points(count: float) -> str:
    return f"{count:g} point{'' if count == 1 else 's'}"


def build_row(told: Told) -> Row:
    """Everything there is to say, by sections in their order."""
    timeline = _timeline(told) if told.answers else None
    found = [
        *_flags(told),
        *(_compared(told, timeline) if timeline else ()),
        *(_overdue(told, timeline) if timeline else ()),
        *_from_worklist(told),
        *_waiting(told),
        *_infusions(told),
    ]
    if not any(one.section == "silent" for one in found):
        found += _low_logging(told)
    order = list(SECTIONS)
    found.sort(key=lambda one: order.index(one.section))
    return Row(tuple(found), told.received, told.days_logged)


def _flags(told: Told) -> Iterator[Item]:
    for flag in sorted(told.flags, key=lambda one: URGENCIES.index(one.urgency)):
        cause, rule = flag.cause, RULES[flag.cause.rule]
        if may_see(told.scope, rule, cause.kind, cause.day):
            kinds = OF_RULE.get((cause.kind, rule.id)) or OF_KIND.get(cause.kind, ())
            says = flag.why if flag.state == "open" else f"{flag.why} Acknowledged, not yet closed."
            tag = TAGS[flag.urgency]
            yield Item(
                "flags",
                tag,
                says,
                rule.when,
                frozenset(kinds),
                cause.day,
                cause.day,
                cause,
                flag.urgency,
            )


def _from_worklist(told: Told) -> Iterator[Item]:
    for one in reasons(told.recent, told.today):
        if one.first is not None and one.last is not None and one.looked not in told.off:
            yield Item(one.kind, one.tag, one.says, one.rule, one.kinds, one.first, one.last)


def _timeline(told: Told) -> Timeline | None:
    """The series, or None where the share may begin in the middle of one: then it can't be said."""
    first = next((one for one in told.infusions if one.infusion.phase == "series"), None)
    if first is not None and told.scope.since is not None and first.infusion.number != 1:
        return None
    return Timeline.of(told.infusions, told.planned, told.today)


def _compared(told: Told, timeline: Timeline) -> Iterator[Item]:
    """No improvement after a series, and better."""
    for one in told.answers:
        if not one.scores:
            continue
        newest = one.scores[-1]
        series = next((s for s in reversed(timeline.series) if s.first_given and s.first <= newest.day), None)
        baseline = _baseline(told, one, series) if series else None
        if baseline is not None and series is not None:
            kinds = frozenset({"questionnaires", "infusions"})
            found = since_baseline(one.instrument, baseline, newest.score)
            if _not_improved(told, series, newest, found):
                yield _stays(one, newest, baseline, found, kinds)
            elif one.is_new:
                yield from _better(one, newest, found, "before infusion 1", kinds)
        elif one.is_new and len(one.scores) > 1:
            found = change(one.instrument, one.scores[-2], newest.score)
            yield from _better(one, newest, found, "the time before", frozenset({"questionnaires"}))


def _baseline(told: Told, one: Answers, series: Series) -> Scored | None:
    if not series.from_one:
        return None
    first = next((held for held in told.infusions if held.day == series.first and held.number == 1), None)
    if first is None:
        return None
    starts_at = first.infusion.starts_at(first.day, first.zone)
    return find_baseline(one.scores[:-1], first.day, starts_at)


def _not_improved(told: Told, series: Series, newest: Scored, found: Change) -> bool:
    return (
        found.smallest is not None
        and found.points > -found.smallest.points
        and newest.day >= series.last + timedelta(days=NO_IMPROVEMENT_DAYS)
        and newest.day > told.today - timedelta(days=NEW_SCORE_DAYS)
    )


def _stays(one: Answers, newest: Scored, baseline: Scored, found: Change, kinds: frozenset[str]) -> Item:
    title, least = one.instrument.short_title, found.smallest.points if found.smallest else 0
    return Item(
        "no-improvement",
        f"{title} little changed",
        f"{title} is {say_number(newest.score)} on {say_day(newest.day)}, {say_number(baseline.score)} before "
        f"infusion 1 on {say_day(baseline.day)}.",
        f"not lower by {_points(least)} or more, {NO_IMPROVEMENT_DAYS} days or more after the last infusion of a series",
        kinds,
        baseline.day,
        newest.day,
    )


def _better(one: Answers, newest: Scored, found: Change, since: str, kinds: frozenset[str]) -> Iterator[Item]:
    if found.points >= 0 or (found.step is None and not found.goals):
        return
    title, before = one.instrument.short_title, found.before
    was = f"{since} ({say_number(before.score)} on {say_day(before.day)})"
    says = " ".join((f"{title} is {say_number(newest.score)}.", *say_change(found, was)))
    least = found.smallest.points if found.smallest else 0
    rule = f"lower by {_points(least)} or more than {since}"
    yield Item("better", f"{title} lower", says, rule, kinds, before.day, newest.day)


def _overdue(told: Told, timeline: Timeline) -> Iterator[Item]:
    """A share doesn't tell which questionnaires somebody is asked, so only those answered lately can be overdue."""
    if not told.goes_on or not told.scope.holds("questionnaires", "infusions"):
        return
    for one in told.answers:
        last = max(one.done, default=None)
        if last is None or last < told.today - timedelta(days=ASKED_DAYS):
            continue
        opened = windows(one.instrument.stages, timeline, told.today - timedelta(days=OVERDUE_DAYS))
        if not opened or last >= opened[-1].opens - timedelta(days=EARLY_DAYS[opened[-1].stage]):
            continue
        window, title = opened[-1], one.instrument.short_title
        yield Item(
            "overdue",
            f"{title} overdue",
            f"{title} was asked for from {say_day(window.opens)}. The newest in what is shared is of {say_day(last)}.",
            f"not answered {OVERDUE_DAYS} days after it was first asked",
            frozenset({"questionnaires", "infusions"}),
            last,
            told.today,
        )


def _low_logging(told: Told) -> Iterator[Item]:
    first_day = told.today - timedelta(days=LOGGED_OF - 1)
    if not told.goes_on or not told.scope.holds("daily", "infusions") or not told.scope.holds_day(first_day):
        return
    last = max((one for one in told.infusions if one.day <= first_day), key=lambda one: one.day, default=None)
    if last is None or (told.today - last.day).days > LOGGED_WITHIN:
        return
    count = len({day for day in told.recent.logged if first_day <= day <= told.today})
    if count >= LOGGED_LEAST:
        return
    yield Item(
        "low-logging",
        "Little logged",
        f"{count} of the last {LOGGED_OF} days logged, after infusion {last.number} on {say_day(last.day)}.",
        f"fewer than {LOGGED_LEAST} of {LOGGED_OF} days, within {LOGGED_WITHIN} days after an infusion",
        frozenset({"daily", "infusions"}),
        min(last.day, first_day),
        told.today,
    )


def _waiting(told: Told) -> Iterator[Item]:
    if told.newest is None:
        return
    if told.reviewed_on is not None and (told.today - told.reviewed_on).days < WAITING_DAYS:
        return
    last = f"the last review on {say_day(told.reviewed_on)}" if told.reviewed_on else None
    yield Item(
        "waiting",
        "To review",
        f"New since {last}, the latest of {say_day(told.newest.day)}."
        if last
        else f"Not reviewed yet. The latest is of {say_day(told.newest.day)}.",
        f"something new, and no review for {WAITING_DAYS} days",
        frozenset({told.newest.kind}),
        told.newest.day,
        told.newest.day,
    )


def _infusions(told: Told) -> Iterator[Item]:
    rule = "given in the week, or planned in the two weeks after it"
    kinds = frozenset({"infusions"})
    given = [one for one in told.infusions if told.since <= one.day <= told.today]
    for one in given:
        says = f"Infusion {one.number} on {say_weekday(one.day)}."
        yield Item("infusions", "Given", says, rule, kinds, one.day, one.day)
    for day in told.planned:
        if told.today < day <= told.today + timedelta(days=AHEAD_DAYS) and told.scope.holds_day(day):
            says = f"Planned for {say_weekday(day)}."
            yield Item("infusions", "Planned", says, rule, kinds, day, day)


def say_day(day: date) -> str:
    return f"{day.day} {day:%B}"


def say_weekday(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B}"
