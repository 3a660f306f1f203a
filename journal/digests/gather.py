"""From what a share holds of a patient's log to what a digest is built from. Pure: everything was read before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from journal.domain.access import PARTS, Scope
from journal.domain.checkin import CheckIn
from journal.domain.days import day_of
from journal.domain.digest import Answers, Newest, OpenFlag, Told
from journal.domain.infusion import Held, Infusion, Plan, in_order
from journal.domain.instrument_files import find_instrument
from journal.domain.measures import MEASURES
from journal.domain.profile import Profile
from journal.domain.questionnaires import BASELINE_DAYS, Response, Scored, change, say_number, score
from journal.domain.worklist import READ_DAYS, Recent, Score
from journal.entries.queries import Streamed, Want
from journal.shares.queries import Followed

SCORE_DAYS = 180
"""So far back questionnaires are read: to the baseline of a series, and the newest one."""
LOGGED = ("check-in", "note", "infusion", "after-infusion", "questionnaire", "urinary-check")
"""What is counted as an entry: what somebody logs about a day."""
TINY = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Span:
    """A week from its first instant (included) to its end (not included)."""

    starts_at: datetime
    ends_at: datetime


def wants(span: Span) -> list[Want]:
    """What is read of everybody. Somebody's day may be one ahead of the clinic's or one behind."""
    last = span.ends_at.date() - timedelta(days=2)
    return [
        Want(Profile.kind),
        Want(Plan.kind),
        Want(Infusion.kind),
        Want(CheckIn.kind, last - timedelta(days=READ_DAYS)),
        Want(Response.kind, last - timedelta(days=SCORE_DAYS)),
    ]


def tell(
    followed: Followed,
    scope: Scope,
    span: Span,
    entries: Sequence[Streamed],
    came_in: Sequence[Streamed],
    flags: Sequence[OpenFlag],
    seen_up_to: datetime | None,
) -> Told:
    """What the share tells as of the end of the week. What came in later is left out, whatever its day."""
    zone, hour = followed.zone, followed.day_ends_hour
    today = day_of(span.ends_at - TINY, zone, hour)
    later = {one.id for one in came_in if one.came_in_at and one.came_in_at >= span.ends_at}
    new = [one for one in came_in if one.id not in later]
    by_kind: dict[str, list[Streamed]] = {}
    for one in entries:
        if one.id not in later and (one.day <= today or one.kind == Plan.kind):
            by_kind.setdefault(one.kind, []).append(one)
    checkins = by_kind.get(CheckIn.kind, [])
    held = in_order(
        (UUID(bytes=one.id), one.day, one.zone, one.captured_at, Infusion.load(one.payload))
        for one in by_kind.get(Infusion.kind, ())
    )
    plan = by_kind.get(Plan.kind)
    answers = _answers(by_kind.get(Response.kind, ()), {one.id for one in new}, held)
    logged = [one for kind in LOGGED for one in by_kind.get(kind, ())]
    return Told(
        scope,
        today,
        day_of(span.starts_at - TINY, zone, hour) + timedelta(days=1),
        _recent(scope, today, checkins, by_kind.get(Profile.kind), held, answers),
        held,
        [day for day in Plan.load(plan[-1].payload).days if scope.holds_day(day)] if plan else (),
        answers,
        flags,
        _newest([*new, *(one for one in logged if seen_up_to is None or one.captured_at > seen_up_to)]),
        None if seen_up_to is None else seen_up_to.astimezone(zone).date(),
        len(new),
        len({one.day for one in new if one.kind == CheckIn.kind}),
    )


def _recent(
    scope: Scope,
    today: date,
    checkins: Sequence[Streamed],
    profile: Sequence[Streamed] | None,
    held: Sequence[Held],
    answers: Sequence[Answers],
) -> Recent:
    """What the care team's list knows of somebody, too."""
    measured = [(one.day, one.payload["measures"]) for one in checkins]
    seen = {name for _day, measures in measured for name in measures}
    first = next((name for name in (*MEASURES, *sorted(seen)) if name in seen), None)
    measure = MEASURES.get(first) if first else None
    if first and measure is None:
        measure = (Profile.load(profile[-1].payload) if profile else Profile()).measure(first)
    return Recent(
        measure,
        {day: measures[first] for day, measures in measured if first in measures} if first else {},
        [(one.day, one.number) for one in held],
        [one.day for one in checkins],
        [score for one in answers for score in _score(one)],
        (),
        may_be_silent=(scope.until is None or scope.until >= today) and scope.holds("daily"),
    )


def _score(one: Answers) -> list[Score]:
    if not one.scores:
        return []
    newest = one.scores[-1]
    changed = change(one.instrument, one.scores[-2], newest.score) if len(one.scores) > 1 else None
    return [Score(one.instrument.short_title, newest.day, say_number(newest.score), changed)]


def _answers(responses: Sequence[Streamed], new: set[bytes], held: Sequence[Held]) -> list[Answers]:
    """By questionnaire, in the order of time. Of the scores, the newest two and those that may be a baseline: counting
    the others would take longer than everything else."""
    by_code: dict[str, list[Streamed]] = {}
    for one in sorted(responses, key=lambda one: one.captured_at):
        if one.payload["state"] != "open":
            by_code.setdefault(one.payload["instrument"], []).append(one)
    firsts = [one.day for one in held if one.number == 1]
    found = []
    for code, made in by_code.items():
        instrument = find_instrument(code)
        if instrument is None:
            continue
        finished = [one for one in made if one.payload["state"] == "finished"]
        scored = [
            (one, total)
            for place, one in enumerate(finished)
            if place >= len(finished) - 2
            or any(day - timedelta(days=BASELINE_DAYS) <= one.day <= day for day in firsts)
            if (total := score(instrument, Response.load(one.payload).answers)) is not None
        ]
        scores = [Scored(one.day, one.captured_at, total) for one, total in scored]
        is_new = bool(scored) and scored[-1][0].id in new
        found.append(Answers(instrument, scores, [one.day for one in made], is_new))
    return found


def _newest(entries: Sequence[Streamed]) -> Newest | None:
    newest = max(entries, key=lambda one: one.day, default=None)
    return None if newest is None else Newest(newest.day, _kind_of(newest.kind, newest.payload))


def _kind_of(kind: str, payload: Mapping[str, Any]) -> str:
    """A shared kind that some held part of the entry belongs to."""
    return next(PARTS[kind][name] for name, value in payload.items() if value and name in PARTS[kind])
