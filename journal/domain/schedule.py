"""When a questionnaire is due, and why: worked out anew from the infusions, the plan and what was filled in, so that
recording or moving an infusion moves it. A window that passes is gone; nobody is told that they missed it.

Source of the times: docs/clinical.md, "When questionnaires are due"; the lengths of the windows are our own choice.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from journal.domain.infusion import Held
from journal.domain.instrument_files import instruments
from journal.domain.profile import Profile

BASELINE_DAYS = 7
"""Before infusion 1."""
WEEK = 7
AFTER_FIRST, AFTER_LAST = 14, 31
"""Days after the last infusion of a series (McInnes 2022 measured there)."""
FOUR_WEEKS = 28
OPEN_DAYS = 7
"""Own choice: a window of the later ones stays open for a week."""
EARLY_DAYS = {"baseline": 3, "weekly": 3, "after": 0, "four-weekly": 13}
"""Own choice: what was filled in so many days before a window opens counts for it. None for the one after a series:
that measure is only comparable within its own days."""
NEEDS_DAYS = 60
"""How far back `done` must reach for today's answer to be right."""
SERIES_GAP = 14
"""Own choice: a planned day within 14 days of the infusion before it belongs to the same series."""
SERIES_LEAST = 3
"""Own choice: three or more planned days that close together are a new series; fewer are maintenance."""


@dataclass(frozen=True, slots=True)
class Series:
    """From its first to its last infusion, given or planned. `first_given` is whether the first was given yet;
    `from_one` whether its infusion 1 is in the journal or the plan, without which there is no baseline."""

    first: date
    last: date
    first_given: bool
    from_one: bool


@dataclass(frozen=True, slots=True)
class Window:
    """Days in which a questionnaire is due, both included. `week` counts within a series from 1."""

    stage: str
    opens: date
    closes: date
    week: int = 0


@dataclass(frozen=True, slots=True)
class Timeline:
    """What schedules are worked out from: the series, and the first maintenance infusion where no series is known."""

    series: tuple[Series, ...]
    maintenance: date | None

    @classmethod
    def of(cls, given: Sequence[Held], planned: Sequence[date], today: date) -> "Timeline":
        """`given` in order. Planned days that passed without an infusion were skipped and count for nothing."""
        series: list[Series] = []
        maintenance: date | None = None
        running = False
        for held in given:
            in_series = held.infusion.phase == "series"
            if in_series and (not running or held.number == 1):
                series.append(Series(held.day, held.day, True, held.number == 1))
            elif in_series:
                last = series[-1]
                series[-1] = Series(last.first, held.day, True, last.from_one)
            elif maintenance is None:
                maintenance = held.day
            running = in_series
        done = {held.day for held in given}
        since = given[-1].day if given else None
        ahead = [
            day for day in planned if day >= today and day not in done and (since is None or day > since)
        ]
        for cluster in _clusters(ahead):
            last_day = series[-1].last if series else None
            if running and last_day is not None and (cluster[0] - last_day).days <= SERIES_GAP:
                series[-1] = Series(series[-1].first, cluster[-1], True, series[-1].from_one)
            elif since is None or len(cluster) >= SERIES_LEAST:
                series.append(Series(cluster[0], cluster[-1], False, True))
            since, running = cluster[-1], False
        return cls(tuple(series), maintenance)


def propose_phase(last: Held | None, today: date) -> str:
    """What is proposed for the next infusion: the last one's phase, but after a longer time than a series leaves,
    maintenance."""
    if last is None:
        return "series"
    return last.infusion.phase if (today - last.day).days <= SERIES_GAP else "maintenance"


def _clusters(days: Sequence[date]) -> Iterator[list[date]]:
    """Planned days that lie within SERIES_GAP of each other."""
    cluster: list[date] = []
    for day in sorted(days):
        if cluster and (day - cluster[-1]).days > SERIES_GAP:
            yield cluster
            cluster = []
        cluster.append(day)
    if cluster:
        yield cluster


def windows(stages: Sequence[str], timeline: Timeline, until: date) -> tuple[Window, ...]:
    """Every window that opens up to `until`, in order and without overlap."""
    found: list[Window] = []
    for place, series in enumerate(timeline.series):
        following = timeline.series[place + 1].first if place + 1 < len(timeline.series) else None
        end = until if following is None else following - timedelta(days=BASELINE_DAYS + 1)
        found += [
            one if following is None else replace(one, closes=min(one.closes, end))
            for one in _of_series(stages, series, end)
            if one.opens <= end
        ]
    if not timeline.series and timeline.maintenance is not None and "four-weekly" in stages:
        found += _four_weekly(timeline.maintenance, until)
    return tuple(one for one in found if one.opens <= until)


def _of_series(stages: Sequence[str], series: Series, until: date) -> Iterator[Window]:
    if "baseline" in stages and series.from_one:
        closes = series.first - timedelta(days=1) if series.first_given else series.first
        yield Window("baseline", series.first - timedelta(days=BASELINE_DAYS), closes)
    if "weekly" in stages:
        week = 1
        while (opens := series.first + timedelta(days=WEEK * week)) < series.last + timedelta(days=WEEK):
            yield Window("weekly", opens, opens + timedelta(days=OPEN_DAYS - 1), week)
            week += 1
    first, last = (series.last + timedelta(days=days) for days in (AFTER_FIRST, AFTER_LAST))
    if "after" in stages:
        yield Window("after", first, last)
    if "four-weekly" in stages:
        since = first if "after" in stages else series.last
        yield from _four_weekly(since + timedelta(days=FOUR_WEEKS), until)


def _four_weekly(opens: date, until: date) -> Iterator[Window]:
    while opens <= until:
        yield Window("four-weekly", opens, opens + timedelta(days=OPEN_DAYS - 1))
        opens += timedelta(days=FOUR_WEEKS)


def is_done(window: Window, done: Sequence[date]) -> bool:
    """Whether it was finished or set aside on one of these days, within the window or so shortly before it that it
    would look back on the same time again."""
    since = window.opens - timedelta(days=EARLY_DAYS[window.stage])
    return any(since <= day <= window.closes for day in done)


@dataclass(frozen=True, slots=True)
class Due:
    """A questionnaire that can be filled in now, with the day until which it is asked and why."""

    code: str
    window: Window
    why: str


def find_due(
    code: str, stages: Sequence[str], timeline: Timeline, done: Sequence[date], today: date
) -> Due | None:
    """What is due today, or None."""
    if "once" in stages:
        window = Window("once", today, today)
        return None if done else Due(code, window, WHY["once"])
    for window in windows(stages, timeline, today):
        if window.opens <= today <= window.closes and not is_done(window, done):
            return Due(code, window, WHY[window.stage].format(week=window.week))
    return None


def list_due(
    profile: Profile, done: Iterable[tuple[str, date]], timeline: Timeline, today: date
) -> tuple[Due, ...]:
    """What is due today of the questionnaires that the patient is asked, in their order. `done` has a code and a day
    for each that was finished or set aside."""
    days: dict[str, list[date]] = {}
    for code, day in done:
        days.setdefault(code, []).append(day)
    found = (
        find_due(code, one.stages, timeline, days.get(code, ()), today)
        for code, one in instruments().items()
        if one.is_on(profile.treated_for, profile.questionnaires)
    )
    return tuple(one for one in found if one is not None)


WITH_ITEM_9, WITHOUT_ITEM_9 = "phq-9", "phq-8"


def as_clinic_chose(profile: Profile, phq: str | None) -> Profile:
    """What is asked of somebody whom a clinic follows. The PHQ-9 asks about thoughts of death, so it is asked only where
    the clinic chose it and confirmed who answers; the PHQ-8 takes its place where the clinic chose that. `phq` is None
    until the clinic has chosen."""
    if phq == WITH_ITEM_9:
        return profile
    nine = instruments()[WITH_ITEM_9]
    chosen = {**profile.questionnaires, WITH_ITEM_9: False}
    if phq == WITHOUT_ITEM_9 and nine.is_on(profile.treated_for, profile.questionnaires):
        chosen[WITHOUT_ITEM_9] = True
    return replace(profile, questionnaires=chosen)


def find_next(stages: Sequence[str], timeline: Timeline, done: Sequence[date], today: date) -> Window | None:
    """The next window that opens after today, as the plan stands now."""
    ahead = windows(stages, timeline, today + timedelta(days=FOUR_WEEKS * 3))
    return next((one for one in ahead if one.opens > today and not is_done(one, done)), None)


WHY = {
    "baseline": "It is asked in the week before infusion 1, so that later scores can be compared with it.",
    "weekly": "It is asked once a week during a series. This is week {week}.",
    "after": "It is asked two to four weeks after the last infusion of a series.",
    "four-weekly": "It is asked every four weeks after a series.",
    "once": "It is asked once.",
}
