"""What is said about the log over time. Charts, tables, sentences and the JSON all read from one `Trends`."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from statistics import median
from typing import Any, NamedTuple

from journal.domain import alignment
from journal.domain.after_infusion import AfterInfusion
from journal.domain.alignment import Aligned
from journal.domain.benefit import BASELINE_DAYS, Given, series_start
from journal.domain.days import days_between
from journal.domain.instrument import Instrument
from journal.domain.instrument_files import find_instrument, instruments
from journal.domain.measures import Measure
from journal.domain.questionnaires import Response, say_number, score
from journal.domain.side_effects import GRADES, SIDE_EFFECTS

MIDDLE_DAYS = 7
"""The light line is the median of a day and the six before it."""
MIDDLE_LEAST = 3
"""Own choice: under three logged days in a week no median is drawn."""
STRIP_DAYS = 7
"""Side effects are shown for the day of the infusion and seven days after (product decision)."""
STRIP_ROWS = 8
WINDOWS = {"14": 14, "90": 90, "all": None}
CHOICES = (("14", "14 days"), ("90", "90 days"), ("all", "All"))


class Logged(NamedTuple):
    """A check-in as far as trends need it. A tuple, since years of them are made for one page."""

    day: date
    late: bool
    measures: Mapping[str, int]
    side_effects: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Series:
    """One measure by day: `values` None where nothing was logged, `late` True where it was filled in later,
    `middle` the 7-day median."""

    measure: Measure
    values: tuple[int | None, ...]
    late: tuple[bool, ...]
    middle: tuple[float | None, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class StripRow:
    """A side effect by day after an infusion: typical grade 0-3, or None where nobody logged it that day."""

    id: str
    label: str
    grades: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Strip:
    rows: tuple[StripRow, ...]
    infusions: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Scores:
    """A questionnaire's scores in the time shown, the first one first."""

    instrument: Instrument
    points: tuple[tuple[date, Decimal], ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class Trends:
    """Everything the Trends page says, from `first` to `last`, both included."""

    window: str
    first: date
    last: date
    days: tuple[date, ...]
    infusions: tuple[Given, ...]
    series: tuple[Series, ...]
    aligned: Aligned | None
    strip: Strip
    scores: tuple[Scores, ...] = ()

    @property
    def is_empty(self) -> bool:
        return all(value is None for one in self.series for value in one.values)


def the_day_values(logged: Iterable[Logged]) -> dict[date, Logged]:
    """`logged` in the order it was made. One value a day for each measure and side effect: where there are two check-ins, that of the one made last. One
    that was skipped takes nothing away from what was logged before."""
    by_day: dict[date, Logged] = {}
    for one in logged:
        held = by_day.get(one.day)
        if held is None:
            by_day[one.day] = one
        else:
            by_day[one.day] = Logged(
                one.day,
                one.late,
                {**held.measures, **one.measures},
                {**held.side_effects, **one.side_effects},
            )
    return by_day


def needed_days(window: str, infusions: Sequence[Given], today: date) -> tuple[tuple[date | None, date], ...]:
    """The stretches of days to read, both ends included (None is open): the window with the week before it, and the
    week before infusion 1 of every series that an infusion in the window belongs to."""
    length = WINDOWS[window]
    if length is None:
        return ((None, today),)
    first = today - timedelta(days=length - 1)
    since = first - timedelta(days=BASELINE_DAYS)
    starts = {
        start.day
        for index, given in enumerate(infusions)
        if first <= given.day <= today and (start := series_start(infusions, index)) is not None
    }
    weeks = tuple(
        (start - timedelta(days=BASELINE_DAYS), min(start, since) - timedelta(days=1))
        for start in sorted(starts)
        if start - timedelta(days=BASELINE_DAYS) < since
    )
    return ((since, today), *weeks)


def build(
    window: str,
    today: date,
    measures: Sequence[Measure],
    logged: Iterable[Logged],
    infusions: Sequence[Given],
    reports: Iterable[tuple[date, AfterInfusion]],
    chosen: Measure | None,
    responses: Iterable[tuple[date, Response]] = (),
    *,
    since: date | None = None,
    to_patient: bool = True,
) -> Trends:
    """Compute the page. `infusions` are all of them in order; `chosen` is the measure of the aligned chart;
    `responses` to questionnaires by day, in the order they were made. Nothing before `since` is shown. The sentences
    speak to the patient, or else about somebody."""
    by_day = the_day_values(one for one in logged if one.day <= today)
    finished = [(day, one) for day, one in responses if one.state == "finished" and day <= today]
    length = WINDOWS[window]
    if length is not None:
        first = today - timedelta(days=length - 1)
    else:
        given_on = [i.day for i in infusions if i.day <= today]
        first = min([*by_day, *given_on, *(day for day, _ in finished), today])
    if since is not None:
        first = min(max(first, since), today)
    days = tuple(days_between(first, today))
    shown = tuple(i for i in infusions if first <= i.day <= today)
    by_measure: dict[str, dict[date, int]] = {m.id: {} for m in measures}
    for day, one in by_day.items():
        for measure_id, value in one.measures.items():
            if measure_id in by_measure:
                by_measure[measure_id][day] = value
    series = tuple(_series(m, by_measure[m.id], by_day, days, shown) for m in measures)
    aligned = None
    if chosen is not None and shown:
        aligned = alignment.build(
            chosen,
            by_measure[chosen.id],
            [i for i in infusions if i.day <= today],
            first,
            today,
            to_patient=to_patient,
        )
    strip = _strip(by_day, infusions, shown, reports, today)
    told = _scores((day, one) for day, one in finished if day >= first)
    return Trends(window, first, today, days, shown, series, aligned, strip, told)


def _scores(responses: Iterable[tuple[date, Response]]) -> tuple[Scores, ...]:
    """Of finished responses, the whole ones; each questionnaire by itself, its versions for a week and a month apart."""
    points: dict[str, list[tuple[date, Decimal]]] = {}
    for day, one in responses:
        instrument = find_instrument(one.instrument)
        total = score(instrument, one.answers) if instrument else None
        if total is not None:
            points.setdefault(one.instrument, []).append((day, total))
    return tuple(
        Scores(one, tuple(points[code]), _score_sentence(one, points[code]))
        for code, one in instruments().items()
        if code in points
    )


def _score_sentence(instrument: Instrument, points: Sequence[tuple[date, Decimal]]) -> str:
    def said(point: tuple[date, Decimal]) -> str:
        return f"{say_number(point[1])} on {point[0].day} {point[0]:%B}"

    name = instrument.short_title
    if len(points) == 1:
        return f"{name} was filled in once in this time: {said(points[0])}."
    text = (
        f"{name} was filled in {len(points)} times in this time: {said(points[0])}, then {said(points[-1])}"
    )
    if len(points) > 2:
        lowest, highest = (f(total for _day, total in points) for f in (min, max))
        return f"{text}. All scores lie between {say_number(lowest)} and {say_number(highest)}."
    return f"{text}."


def _series(
    measure: Measure,
    values: Mapping[date, int],
    by_day: Mapping[date, Logged],
    days: Sequence[date],
    infusions: Sequence[Given],
) -> Series:
    in_order = tuple([values.get(day) for day in days])
    before = [values.get(days[0] - timedelta(days=n)) for n in range(MIDDLE_DAYS - 1, 0, -1)]
    middle = tuple(_middles([*before, *in_order]))
    late_days = {day for day, one in by_day.items() if one.late}
    late = tuple([day in late_days and day in values for day in days])
    return Series(measure, in_order, late, middle, _daily_sentence(measure, values, days, infusions))


def _middles(wide: Sequence[int | None]) -> Iterator[float | None]:
    """The median of each day and the six before it; `wide` begins six days early. The week is kept sorted as it
    slides along, which costs a tenth of sorting each anew."""
    week: list[int] = []
    for place, value in enumerate(wide):
        if value is not None:
            insort(week, value)
        if place >= MIDDLE_DAYS and (left := wide[place - MIDDLE_DAYS]) is not None:
            del week[bisect_left(week, left)]
        if place >= MIDDLE_DAYS - 1:
            count = len(week)
            half = count // 2
            if count < MIDDLE_LEAST:
                yield None
            else:
                yield float(week[half]) if count % 2 else (week[half - 1] + week[half]) / 2


def _daily_sentence(
    measure: Measure, values: Mapping[date, int], days: Sequence[date], infusions: Sequence[Given]
) -> str:
    logged = [values[day] for day in days if day in values]
    if not logged:
        return f"Nothing was logged for {measure.noun} in these {len(days)} days."
    text = f"Logged on {len(logged)} of {len(days)} {_plural('day', len(days))}."
    if not infusions:
        return f"{text} It was {_range(logged)}."
    last = infusions[-1]
    before = [
        values[d]
        for d in days_between(last.day - timedelta(days=3), last.day - timedelta(days=1))
        if d in values
    ]
    since = [values[d] for d in days if d > last.day and d in values]
    if before:
        text += f" In the three days before infusion {last.number} it was {_range(before)}."
    if since:
        text += (
            f" Since then it has been {_range(since)}."
            if before
            else (f" Since infusion {last.number} it has been {_range(since)}.")
        )
    if not before and not since:
        text += f" It was {_range(logged)}."
    return text


def _range(values: Sequence[int]) -> str:
    least, most = min(values), max(values)
    return str(least) if least == most else f"{least} to {most}"


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"


def _strip(
    by_day: Mapping[date, Logged],
    infusions: Sequence[Given],
    shown: Sequence[Given],
    reports: Iterable[tuple[date, AfterInfusion]],
    today: date,
) -> Strip:
    grades: dict[str, list[list[int]]] = {}

    def note(effect_id: str, offset: int, grade: str) -> None:
        cells = grades.setdefault(effect_id, [[] for _ in range(STRIP_DAYS + 1)])
        cells[offset].append(GRADES.index(grade))

    told: dict[tuple[date, int], dict[str, str]] = {}
    for given_day, report in reports:
        offset = 0 if report.part == "first" else 1
        told.setdefault((given_day, offset), {}).update(report.side_effects)
    order = {given.day: place for place, given in enumerate(infusions)}
    for given in shown:
        place = order[given.day]
        following = infusions[place + 1].day if place + 1 < len(infusions) else None
        for offset in range(STRIP_DAYS + 1):
            day = given.day + timedelta(days=offset)
            if day > today or (following is not None and day >= following):
                break
            daily = by_day[day].side_effects if day in by_day else {}
            report_grades = told.get((given.day, offset), {})
            for effect_id in {*daily, *report_grades}:
                both = [g for g in (daily.get(effect_id), report_grades.get(effect_id)) if g is not None]
                note(effect_id, offset, max(both, key=GRADES.index))
    rows = []
    for effect_id, cells in grades.items():
        typical = tuple(_typical(cell) for cell in cells)
        if any(typical):
            rows.append(StripRow(effect_id, SIDE_EFFECTS[effect_id].label, typical))
    rows.sort(key=lambda row: (-sum(g or 0 for g in row.grades), list(SIDE_EFFECTS).index(row.id)))
    kept = tuple(rows[:STRIP_ROWS])
    return Strip(kept, len(shown), _strip_sentence(kept))


def _typical(cell: Sequence[int]) -> int | None:
    """The median grade, a half counted up: the heavier of two is the one not to hide."""
    return int(median(cell) + 0.5) if cell else None


def _strip_sentence(rows: Sequence[StripRow]) -> str:
    if not rows:
        return ""
    strongest = max(rows, key=lambda row: max(g or 0 for g in row.grades))
    top = max(g or 0 for g in strongest.grades)
    when = strongest.grades.index(top)
    text = f"{strongest.label} was typically strongest: {GRADES[top]} on day {when}."
    last = max(offset for row in rows for offset, grade in enumerate(row.grades) if grade)
    after = [row.grades[o] for row in rows for o in range(last + 1, STRIP_DAYS + 1)]
    if last < STRIP_DAYS and any(grade is not None for grade in after):
        text += f" After day {last}, what was logged is none."
    return text


def to_json(trends: Trends) -> dict[str, Any]:
    """What the charts draw, and the tables and sentences with it."""
    return {
        "days": trends.window if trends.window == "all" else int(trends.window),
        "from": trends.first.isoformat(),
        "to": trends.last.isoformat(),
        "dates": [day.isoformat() for day in trends.days],
        "infusions": [{"day": i.day.isoformat(), "number": i.number} for i in trends.infusions],
        "series": [
            {
                "id": s.measure.id,
                "title": s.measure.title,
                "higher_is": "better" if s.measure.higher_is_better else "worse",
                "values": list(s.values),
                "late": list(s.late),
                "median": list(s.middle),
                "sentence": s.sentence,
            }
            for s in trends.series
        ],
        "aligned": None if trends.aligned is None else _aligned_json(trends.aligned),
        "side_effects": {
            "day_after": list(range(STRIP_DAYS + 1)),
            "rows": [{"id": r.id, "label": r.label, "grades": list(r.grades)} for r in trends.strip.rows],
            "infusions": trends.strip.infusions,
            "sentence": trends.strip.sentence,
        },
        "questionnaires": [
            {
                "code": one.instrument.code,
                "title": one.instrument.short_title,
                "least": one.instrument.least,
                "most": one.instrument.most,
                "higher_is": "worse",
                "bands": [[band.id, band.least, band.most] for band in one.instrument.bands],
                "scores": [{"day": day.isoformat(), "score": float(total)} for day, total in one.points],
                "sentence": one.sentence,
            }
            for one in trends.scores
        ],
    }


def _aligned_json(aligned: Aligned) -> dict[str, Any]:
    return {
        "measure": aligned.measure.id,
        "day_after": list(alignment.OFFSETS),
        "lines": [
            {"number": line.number, "day": line.day.isoformat(), "values": list(line.values)}
            for line in aligned.lines
        ],
        "median": list(aligned.middle),
        "n": list(aligned.counts),
        "benefit": [
            {
                "number": b.infusion.number,
                "kind": b.kind,
                "days": b.days,
                "why": b.why,
                "baseline": b.baseline,
                "sentence": text,
            }
            for b, text in zip(aligned.benefits, aligned.sentences, strict=True)
        ],
    }
