"""What the check-in pages need from the log, in one read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from journal.domain import schedule
from journal.domain.access import Viewer
from journal.domain.after_infusion import AfterInfusion
from journal.domain.checkin import CheckIn, Note
from journal.domain.infusion import Held, Plan, is_hazy
from journal.domain.instrument import Instrument
from journal.domain.instrument_files import instruments
from journal.domain.measures import DISSOCIATION_DAYS, Measure, is_after_infusion
from journal.domain.profile import Profile
from journal.domain.questionnaires import RESPONSES, Response, may_take_answers
from journal.domain.schedule import Timeline
from journal.entries.held import held_in, plan_in
from journal.entries.queries import Opened, Want, list_entries
from journal.profiles.queries import PROFILE, profile_in
from journal.shares.queries import find_clinic


@dataclass(frozen=True, slots=True)
class Day:
    """One day as the page shows it. `main` is the check-in made last; `others` were made before it that day."""

    day: date
    profile: Profile
    asked: tuple[Measure, ...]
    main: tuple[Opened, CheckIn] | None
    others: tuple[tuple[Opened, CheckIn], ...]
    notes: tuple[tuple[Opened, Note], ...]
    deleted: tuple[Opened, ...]
    yesterday: CheckIn | None
    infusions: tuple[Held, ...]
    plan: Plan
    reports: tuple[AfterInfusion, ...]
    responses: tuple[tuple[Opened, Response], ...]

    def due(self, today: date) -> tuple[tuple[Instrument, bool], ...]:
        """The questionnaires to offer on this day's page, each with whether it was begun. One that is asked only once
        is left to its own page: whether it was answered may lie years back."""
        done = [(one.instrument, entry.day) for entry, one in self.responses if one.state != "open"]
        newest = {one.instrument: (entry, one) for entry, one in self.responses}
        begun = {
            code
            for code, (entry, one) in newest.items()
            if one.state == "open" and may_take_answers(one.state, entry.day, today)
        }
        timeline = Timeline.of(self.infusions, self.plan.days, today)
        due = [
            one.code
            for one in schedule.list_due(self.profile, done, timeline, today)
            if one.window.stage != "once"
        ]
        every = instruments()
        codes = [code for code in every if code in begun or code in due]
        return tuple((every[code], code in begun) for code in codes)

    def is_hazy(self, captured_at: datetime) -> bool:
        """Whether something captured then was made in the first hours after an infusion."""
        return any(
            held.ends_at is not None
            and held.ends_at <= captured_at
            and is_hazy(held.infusion, held.day, held.zone, captured_at)
            for held in self.infusions
        )


def get_day(session: Session, viewer: Viewer, day: date, may_restore: Callable[[Opened], bool]) -> Day:
    """Everything about the day. `may_restore` says of a deleted entry whether it can still be brought back. Infusions
    before it are read whole, since their numbers follow each other."""
    opened = list_entries(
        session,
        viewer,
        [
            PROFILE,
            Want("check-in", day - timedelta(days=1), day),
            Want("note", day, day),
            Want("infusion", until=day),
            Want("after-infusion", day - timedelta(days=3), day + timedelta(days=1)),
            Want("plan"),
            *(Want(kind, day - timedelta(days=schedule.NEEDS_DAYS), day) for kind in RESPONSES),
        ],
        with_deleted=True,
    )
    live = [one for one in opened if not one.is_deleted]
    profile, _revision = profile_in(live)
    clinic = find_clinic(session, viewer)
    if clinic is not None:
        profile = schedule.as_clinic_chose(profile, clinic.phq)
    infusions = held_in(live)
    responses = sorted((one for one in live if one.kind in RESPONSES), key=lambda one: one.captured_at)
    soon = is_after_infusion(
        day, [i.day for i in infusions if i.day >= day - timedelta(days=DISSOCIATION_DAYS)]
    )
    today = _checkins(live, day)
    yesterday = _checkins(live, day - timedelta(days=1))
    return Day(
        day=day,
        profile=profile,
        asked=profile.asked(soon),
        main=today[-1] if today else None,
        others=tuple(today[:-1]),
        notes=tuple((one, Note.load(one.payload)) for one in live if one.kind == "note"),
        deleted=tuple(
            one
            for one in opened
            if one.is_deleted and one.day == day and one.kind in ("check-in", "note") and may_restore(one)
        ),
        yesterday=yesterday[-1][1] if yesterday else None,
        infusions=infusions,
        plan=plan_in(live)[0],
        reports=tuple(AfterInfusion.load(one.payload) for one in live if one.kind == "after-infusion"),
        responses=tuple((one, RESPONSES[one.kind].load(one.payload)) for one in responses),
    )


def _checkins(opened: Sequence[Opened], day: date) -> list[tuple[Opened, CheckIn]]:
    found = [(one, CheckIn.load(one.payload)) for one in opened if one.kind == "check-in" and one.day == day]
    return sorted(found, key=lambda pair: pair[0].captured_at)


@dataclass(frozen=True, slots=True)
class Row:
    """One day in the list: what was logged in a few words, or None."""

    day: date
    checkin: CheckIn | None
    is_late: bool
    notes: int
    versions: int
    may_fill: bool


def list_days(
    session: Session, viewer: Viewer, first: date, last: date, fill_from: date
) -> tuple[tuple[Row, ...], Profile]:
    """The days from last back to first; the profile tells the names of own symptoms."""
    opened = list_entries(
        session, viewer, [PROFILE, Want("check-in", first, last), Want("note", first, last)]
    )
    by_day: dict[date, list[Opened]] = {}
    for one in opened:
        by_day.setdefault(one.day, []).append(one)
    rows = []
    for back in range((last - first).days + 1):
        day = last - timedelta(days=back)
        mine = _checkins(by_day.get(day, []), day)
        rows.append(
            Row(
                day=day,
                checkin=mine[-1][1] if mine else None,
                is_late=bool(mine) and mine[-1][0].is_late,
                notes=sum(one.kind == "note" for one in by_day.get(day, [])),
                versions=len(mine) + sum(one.beside for one, _checkin in mine),
                may_fill=day >= fill_from,
            )
        )
    return tuple(rows), profile_in(opened)[0]
