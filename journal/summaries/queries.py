"""Reading what a summary is built from: five statements, however long the journal is."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import groupby
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from journal.clinic_flags.queries import list_closed_sources
from journal.domain import summary as told
from journal.domain import trends
from journal.domain.access import Scope, Viewer
from journal.domain.after_infusion import AfterInfusion
from journal.domain.benefit import Given
from journal.domain.checkin import CheckIn
from journal.domain.errors import NotYours
from journal.domain.infusion import Held
from journal.domain.measures import MEASURES, Measure
from journal.domain.profile import Profile
from journal.domain.questionnaires import RESPONSES, band, change, find_baseline, since_baseline
from journal.domain.safety import SafetyPlan
from journal.domain.summary import Answered, Day, Flagged, Infused, Summary, Written
from journal.entries.held import held_in
from journal.entries.queries import Opened, Want, list_entries
from journal.flags import queries as flag_queries
from journal.profiles.queries import PROFILE, profile_in
from journal.questionnaires.queries import filled_in

WINDOWS = trends.WINDOWS


def get_summary(
    session: Session,
    viewer: Viewer,
    name: str,
    zone: ZoneInfo,
    today: date,
    now: datetime,
    *,
    window: str = "90",
    chosen: str | None = None,
    session_on: date | None = None,
    clinic_id: UUID | None = None,
) -> Summary:
    """What the viewer may see of the journal, up to the patient's `today`. `window` is one of WINDOWS, `chosen` a
    measure's id for the aligned chart. `clinic_id`: it is read by a clinic, and what that has closed is not open there.
    Raises NotYours for a viewer without a scope."""
    scope = viewer.scope
    if scope is None:
        raise NotYours("summary")
    last = today if scope.until is None else min(today, scope.until)
    settled = list_entries(
        session,
        viewer,
        [
            PROFILE,
            Want("infusion", until=last),
            Want("safety-plan"),
            *(Want(kind, until=last) for kind in RESPONSES),
        ],
    )
    profile, _ = profile_in(settled)
    held = held_in(settled)
    given = _given(held, scope)
    stretches = trends.needed_days(window, given, last)
    since = stretches[0][0]
    wants = [Want("check-in", first, until) for first, until in stretches]
    logged = list_entries(session, viewer, [*wants, Want("note", since, last), Want("after-infusion", since)])
    reports = [AfterInfusion.load(one.payload) for one in logged if one.kind == AfterInfusion.kind]
    by_infusion = {(report.infusion_id, report.part): report for report in reports}
    checkins = [one for one in logged if one.kind == CheckIn.kind]
    measures = _measures(profile, checkins)
    main = next((m for m in measures if m.id == chosen), measures[0] if measures else None)
    days_of = {one.id: one.day for one in held}
    responses = [(one.day, RESPONSES[one.kind].load(one.payload)) for one in settled if one.kind in RESPONSES]
    built = trends.build(
        window,
        last,
        measures,
        [
            trends.Logged(one.day, one.is_late, one.payload["measures"], one.payload["side_effects"])
            for one in checkins
        ],
        given,
        [(days_of[one.infusion_id], one) for one in reports if one.infusion_id in days_of],
        main,
        responses,
        since=scope.since,
        to_patient=False,
    )
    shown = [one for one in checkins if built.first <= one.day <= built.last]
    days = _days(shown)
    infused = tuple(
        Infused(one, by_infusion.get((one.id, "first")), by_infusion.get((one.id, "next-day")))
        for one in held
        if built.first <= one.day <= built.last
    )
    answered = tuple(one for one in _answered(settled, held) if built.first <= one.day <= built.last)
    closed = list_closed_sources(session, clinic_id, viewer.patient_id) if clinic_id else {}
    flags = tuple(
        Flagged(one.id, one.rule, told.say_to_reader(one.why), one.told_at)
        for one in flag_queries.list_open(session, viewer)
        if one.id not in closed or closed[one.id] < one.told_at
    )
    plan = next((SafetyPlan.load(one.payload) for one in settled if one.kind == SafetyPlan.kind), None)
    made = Summary(
        name=name,
        scope=scope,
        trends=built,
        measures=measures,
        zone=zone,
        made_at=now,
        days=days,
        infusions=infused,
        answered=answered,
        flags=told.in_urgency(flags),
        notes=_notes(logged, infused, built.first, built.last) if scope.holds("notes") else (),
        safety_plan=plan,
        adherence=told.adherence(days, built.first, built.last, today)
        if scope.holds("daily") or scope.holds("side-effects")
        else None,
    )
    if session_on is None:
        return made
    series = next((one for one in built.series if main is not None and one.measure.id == main.id), None)
    return replace(
        made,
        session=told.since_session(
            max(session_on, built.first), scope, series, built, days, infused, answered, made.flags, zone
        ),
    )


def _given(held: Sequence[Held], scope: Scope) -> tuple[Given, ...]:
    """The infusions for the charts. One whose number was counted, not told, may not be the first where the share
    begins later than the journal."""
    clipped = scope.since is not None
    return tuple(Given(one.day, one.number, clipped and one.infusion.number is None) for one in held)


def _measures(profile: Profile, checkins: Sequence[Opened]) -> tuple[Measure, ...]:
    seen = {measure_id for one in checkins for measure_id in one.payload["measures"]}
    known = [m for m in MEASURES if m in seen]
    return tuple(profile.measure(m) for m in (*known, *sorted(seen.difference(known))))


def _days(checkins: Sequence[Opened]) -> tuple[Day, ...]:
    """One a day: where there are two check-ins, the one made last counts, number by number."""
    ordered = sorted(checkins, key=lambda one: (one.day, one.captured_at))
    days = []
    for day, of_day in groupby(ordered, key=lambda one: one.day):
        made = list(of_day)
        measures = {k: v for one in made for k, v in one.payload["measures"].items()}
        effects = {k: v for one in made for k, v in one.payload["side_effects"].items()}
        if measures or effects:
            days.append(Day(day, made[-1].is_late, measures, effects, made[-1].captured_at))
    return tuple(days)


def _answered(settled: Sequence[Opened], held: Sequence[Held]) -> tuple[Answered, ...]:
    """Finished responses with their changes, computed from what the share holds."""
    finished = [one for one in filled_in(settled) if one.response.state == "finished"]
    firsts = [one for one in held if one.infusion.number == 1 and one.infusion.phase == "series"]
    found = []
    for one in finished:
        scored = one.scored
        answered = Answered(
            one.entry.id, one.entry.day, one.entry.captured_at, one.instrument, one.response, scored
        )
        if scored is not None:
            earlier = [
                other.scored
                for other in finished
                if other.instrument.code == one.instrument.code
                and other.scored is not None
                and other.scored.at < scored.at
            ]
            before = max((s for s in earlier if s), key=lambda s: s.at, default=None)
            first = next((h for h in reversed(firsts) if h.day <= one.entry.day), None)
            start = (
                find_baseline(
                    [s for s in earlier if s], first.day, first.infusion.starts_at(first.day, first.zone)
                )
                if first
                else None
            )
            answered = replace(
                answered,
                band=band(one.instrument, scored.score),
                since_last=change(one.instrument, before, scored.score) if before else None,
                since_baseline=since_baseline(one.instrument, start, scored.score) if start else None,
            )
        found.append(answered)
    return tuple(found)


def _notes(
    logged: Sequence[Opened], infused: Sequence[Infused], first: date, last: date
) -> tuple[Written, ...]:
    rooms = {
        "check-in": ("note", "check-in"),
        "note": ("text", "note"),
        "after-infusion": ("note", "after-infusion report"),
    }
    found = [
        Written(one.day, one.captured_at, rooms[one.kind][1], text)
        for one in logged
        if one.kind in rooms and first <= one.day <= last and (text := one.payload.get(rooms[one.kind][0]))
    ]
    for one in infused:
        infusion = one.held.infusion
        for text, where in (
            (infusion.feeling_before, f"before infusion {one.held.number}"),
            (infusion.note, f"infusion {one.held.number}"),
        ):
            if text:
                found.append(Written(one.held.day, one.held.made_at, where, text))
    return tuple(sorted(found, key=lambda one: (one.day, one.at), reverse=True))
