"""Reading what trends are computed from."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from journal.domain import trends
from journal.domain.access import Viewer
from journal.domain.after_infusion import AfterInfusion
from journal.domain.benefit import Given
from journal.domain.measures import Measure
from journal.domain.questionnaires import RESPONSES
from journal.domain.trends import Trends
from journal.entries.held import held_in
from journal.entries.queries import Want, list_entries, list_logged
from journal.profiles.queries import PROFILE, profile_in


@dataclass(frozen=True, slots=True)
class Answer:
    """The trends, and the measures that the aligned chart can be asked for."""

    trends: Trends
    measures: tuple[Measure, ...]


def get_trends(session: Session, viewer: Viewer, window: str, chosen: str | None, today: date) -> Answer:
    """The Trends page's numbers: two reads, however long the journal is. `chosen` is a measure's id."""
    settled = list_entries(session, viewer, [PROFILE, Want("infusion", until=today)])
    profile, _revision = profile_in(settled)
    held = held_in(settled)
    infusions = tuple(Given(one.day, one.number) for one in held)
    stretches = trends.needed_days(window, infusions, today)
    wants = [Want("check-in", first, last) for first, last in stretches]
    since = stretches[0][0]
    wants += [Want("after-infusion", since), *(Want(kind, since, today) for kind in RESPONSES)]
    every = list_logged(session, viewer, wants)
    logged = [one for one in every if one.kind == "check-in"]
    days = {one.id: one.day for one in held}
    reports = [
        (days[report.infusion_id], report)
        for one in every
        if one.kind == "after-infusion" and (report := AfterInfusion.load(one.payload)).infusion_id in days
    ]
    asked = [measure.id for measure in profile.asked(soon_after_infusion=False)]
    seen = {measure_id for one in logged for measure_id in one.payload["measures"]}
    measures = tuple(profile.measure(m) for m in dict.fromkeys([*asked, *sorted(seen)]) if m in seen)
    by_id = {measure.id: measure for measure in measures}
    main = by_id.get(chosen or "") or (measures[0] if measures else None)
    told = [
        trends.Logged(one.day, one.is_late, one.payload["measures"], one.payload["side_effects"])
        for one in logged
    ]
    responses = [(one.day, RESPONSES[one.kind].load(one.payload)) for one in every if one.kind in RESPONSES]
    built = trends.build(window, today, measures, told, infusions, reports, main, responses)
    return Answer(built, measures)
