"""Reading the care team's list: a fixed number of statements, however many people share."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from journal.domain.checkin import CheckIn
from journal.domain.infusion import Infusion
from journal.domain.measures import MEASURES
from journal.domain.profile import Profile
from journal.domain.questionnaires import Response, Scored, change, say_number
from journal.domain.summary import say_to_reader
from journal.domain.worklist import (
    READ_DAYS,
    SCORE_DAYS,
    SPARK_DAYS,
    Flag,
    Reason,
    Recent,
    Score,
    order,
    reasons,
)
from journal.entries.held import held_in
from journal.entries.queries import Opened, Want, list_entries_of
from journal.flags import queries as flags
from journal.questionnaires.queries import filled_in
from journal.shares.queries import Reading, list_seen_up_to


@dataclass(frozen=True, slots=True)
class Person:
    """A row of the list: `spark` holds the first measure's values of the last 14 days, None where nothing was logged."""

    reading: Reading
    reasons: tuple[Reason, ...]
    recent: Recent
    spark: tuple[int | None, ...]
    spark_infusions: tuple[int, ...]
    days_after: int | None
    infusion: int | None
    last_logged: date | None
    open_flags: int


def list_people(session: Session, readings: Sequence[Reading], now: datetime) -> tuple[Person, ...]:
    """Everybody who shares, those to see first on top."""
    todays = {one.share_id: one.today(now) for one in readings}
    earliest = min(todays.values(), default=now.date())
    wants = [
        Want("profile"),
        Want("check-in", earliest - timedelta(days=READ_DAYS)),
        Want("infusion"),  # all of them: where nobody told a number, it is counted
        Want("questionnaire", earliest - timedelta(days=SCORE_DAYS)),
    ]
    viewers = [one.viewer for one in readings]
    opened = list_entries_of(session, viewers, wants)
    raised = flags.list_open_of(session, viewers)
    seen = list_seen_up_to(session, [one.share_id for one in readings])
    people = [
        _person(reading, entries, open_flags, seen.get(reading.share_id), todays[reading.share_id])
        for reading, entries, open_flags in zip(readings, opened, raised, strict=True)
    ]
    return tuple(sorted(people, key=lambda one: order(one.reasons, one.reading.seen_at)))


def _person(
    reading: Reading,
    entries: Sequence[Opened],
    open_flags: Sequence[flags.Waiting],
    seen_up_to: datetime | None,
    today: date,
) -> Person:
    checkins = [one for one in entries if one.kind == CheckIn.kind and one.day <= today]
    profile = next((Profile.load(one.payload) for one in entries if one.kind == Profile.kind), Profile())
    seen = {name for one in checkins for name in one.payload["measures"]}
    first = next((m for m in (*MEASURES, *sorted(seen)) if m in seen), None)
    values = {
        one.day: one.payload["measures"][first]
        for one in checkins
        if first and first in one.payload["measures"]
    }
    held = held_in(one for one in entries if one.kind == Infusion.kind and one.day <= today)
    infusions = [(one.day, one.number) for one in held]
    recent = Recent(
        profile.measure(first) if first else None,
        values,
        infusions,
        [one.day for one in checkins],
        _scores(entries),
        [Flag(one.rule, say_to_reader(one.why), one.told_at) for one in open_flags],
        may_be_silent=reading.scope.until is None and reading.scope.holds("daily"),
        seen_up_to=seen_up_to,
    )
    days = [today - timedelta(days=n) for n in range(SPARK_DAYS - 1, -1, -1)]
    last = infusions[-1] if infusions else None
    return Person(
        reading,
        reasons(recent, today),
        recent,
        tuple(values.get(day) for day in days),
        tuple(place for place, day in enumerate(days) if any(day == given for given, _ in infusions)),
        (today - last[0]).days if last else None,
        last[1] if last else None,
        max((one.day for one in checkins), default=None),
        len(open_flags),
    )


def _scores(entries: Sequence[Opened]) -> tuple[Score, ...]:
    """The newest score of each questionnaire, with its change since the one before."""
    filled = filled_in(one for one in entries if one.kind == Response.kind)
    newest: dict[str, Score] = {}
    before: dict[str, Scored] = {}
    for one in sorted(filled, key=lambda one: one.entry.captured_at):
        code, scored = one.instrument.code, one.scored
        if scored is None:
            continue
        changed = change(one.instrument, before[code], scored.score) if code in before else None
        newest[code] = Score(one.instrument.short_title, scored.day, say_number(scored.score), changed)
        before[code] = scored
    return tuple(newest.values())
