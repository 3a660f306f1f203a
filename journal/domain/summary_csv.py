"""The summary as CSV (RFC 4180): one row per measure and day, and a row for whatever else it holds. The header is
described in docs/formats.md. What was not logged has no row; what is not shared is named in a row."""

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from journal.domain.after_infusion import (
    DISTRESS,
    DOMAINS,
    DURATION_QUESTION,
    DURATIONS,
    GONE,
    NEXT_DAY,
    PEACE,
    PEAK,
    STARTED,
    STILL_SENSES,
    AfterInfusion,
)
from journal.domain.cells import guard
from journal.domain.infusion import MOMENTS, PHASES, ROUTES, SETTINGS, VITALS
from journal.domain.safety import HEADINGS
from journal.domain.side_effects import GRADES, SIDE_EFFECTS
from journal.domain.summary import Answered, Infused, Summary, say_changes, say_runs

HEADER = ("kind", "id", "title", "day", "value", "scale", "late", "detail")
MARK = "\ufeff"
"""Without a byte order mark Excel takes UTF-8 for something else; LibreOffice and Python's utf-8-sig know it too."""
GRADED = ", ".join(GRADES)
TEN = "0 to 10"
UNITS = {"systolic": "mmHg", "diastolic": "mmHg", "pulse": "per minute", "oxygen": "%"}

Cell = str | int | Decimal
Row = tuple[Cell, ...]


def write(summary: Summary) -> str:
    """The whole file. It begins with a byte order mark; encode it as UTF-8."""
    kept = io.StringIO()
    writer = csv.writer(kept, lineterminator="\r\n")
    writer.writerow(HEADER)
    writer.writerows([guard(c) if isinstance(c, str) else c for c in row] for row in rows(summary))
    return MARK + kept.getvalue()


def rows(summary: Summary) -> Iterator[Row]:
    """The rows under the header, not yet guarded. Numbers are int or Decimal, everything else is text."""
    yield from _about(summary)
    yield from _flags(summary)
    yield from _measures(summary)
    yield from _side_effects(summary)
    for one in summary.infusions:
        yield from _infusion(one)
    for answered in summary.answered:
        yield from _answered(answered)
    plan = summary.safety_plan
    if plan is not None:
        for name in (*HEADINGS, "person_name", "person_number", "clinic_name", "clinic_number"):
            if words := getattr(plan, name):
                title = HEADINGS[name][0] if name in HEADINGS else name.replace("_", " ").capitalize()
                yield _row("safety-plan", name, title, None, words)
    for note in summary.notes:
        yield _row("note", "note", note.where.capitalize(), note.day, note.text)


def _row(
    kind: str,
    name: str,
    title: str,
    day: date | None,
    value: Cell,
    scale: str = "",
    late: bool = False,
    detail: str = "",
) -> Row:
    return (kind, name, title, day.isoformat() if day else "", value, scale, "late" if late else "", detail)


def _about(summary: Summary) -> Iterator[Row]:
    made_at = summary.made_at.astimezone(summary.zone).isoformat(timespec="seconds")
    for name, title, value in (
        ("name", "Summary for", summary.name),
        ("from", "From", summary.first.isoformat()),
        ("to", "To", summary.last.isoformat()),
        ("made", "Made", made_at),
        ("shared", "Shared", summary.kinds_said or "Nothing"),
        ("not-shared", "Not shared", summary.not_held_said.capitalize() or "Nothing"),
        ("origin", "Where it comes from", "Self-reported by the patient. Own scales are not validated."),
    ):
        yield _row("about", name, title, None, value)
    told = summary.adherence
    if told is not None:
        yield _row("about", "days-logged", "Days logged", None, told.logged, f"of {told.days} days")
        yield _row("about", "days-late", "Filled in later", None, say_runs(told.late) or "None")
        yield _row(
            "about", "days-missing", "Nothing in what is shared on", None, say_runs(told.missing) or "None"
        )


def _flags(summary: Summary) -> Iterator[Row]:
    for one in summary.flags:
        day = one.raised_at.astimezone(summary.zone).date()
        yield _row("flag", one.rule.id, "Open flag", day, one.rule.urgency, detail=one.why)


def _measures(summary: Summary) -> Iterator[Row]:
    for series in summary.trends.series:
        measure = series.measure
        scale = f"{TEN}, higher is {'better' if measure.higher_is_better else 'worse'}"
        for day, value, late in zip(summary.trends.days, series.values, series.late, strict=True):
            if value is not None:
                yield _row("measure", measure.id, measure.title, day, value, scale, late)
        yield _row("sentence", measure.id, measure.title, None, series.sentence)
    aligned = summary.trends.aligned
    if aligned is not None:
        for line, said in zip(aligned.lines, aligned.sentences, strict=True):
            if said:
                title = f"{aligned.measure.title} after infusion {line.number}"
                yield _row("sentence", aligned.measure.id, title, line.day, said)


def _side_effects(summary: Summary) -> Iterator[Row]:
    for one in summary.days:
        for effect, grade in one.side_effects.items():
            label = SIDE_EFFECTS[effect].label
            yield _row("side-effect", effect, label, one.day, grade, GRADED, one.is_late)
    if summary.trends.strip.sentence:
        yield _row("sentence", "side-effects", "Side effects", None, summary.trends.strip.sentence)


def _infusion(one: Infused) -> Iterator[Row]:
    held, infusion = one.held, one.held.infusion
    whose = f"infusion {held.number}"
    yield _row("infusion", "number", f"Infusion {held.number}", held.day, held.number, "", False, whose)
    started = infusion.started.isoformat("minutes") if infusion.started else None
    values: tuple[tuple[str, str, Cell | None, str], ...] = (
        ("phase", "Phase", PHASES.get(infusion.phase), ""),
        ("started", "Start", started, ""),
        ("minutes", "Length", infusion.minutes, "minutes"),
        ("dose_mg", "Dose", infusion.dose_mg, "mg"),
        ("dose_mg_per_kg", "Dose by weight", infusion.dose_mg_per_kg, "mg/kg"),
        ("route", "How it was given", ROUTES.get(infusion.route or ""), ""),
        ("setting", "Where", SETTINGS.get(infusion.setting or ""), ""),
    )
    for name, title, value, scale in values:
        if value is not None:
            yield _row("infusion", name, title, held.day, value, scale, False, whose)
    for name, reading in infusion.vitals.items():
        moment, _, vital = name.partition("_")
        title = f"{VITALS[vital][0]}, {MOMENTS[moment].lower()}"
        yield _row("vital", name, title, held.day, reading, UNITS[vital], False, whose)
    for report in (one.first, one.next_day):
        if report is not None:
            yield from _report(report, held.day, whose)


def _report(report: AfterInfusion, day: date, whose: str) -> Iterator[Row]:
    """The first report is about the day of the infusion, the other one about the day after it."""
    day += timedelta(days=0 if report.part == "first" else 1)
    part = f"{whose}, {'first report' if report.part == 'first' else 'next day'}"
    for name, title, number in (
        ("diss_peak", PEAK[0], report.diss_peak),
        ("diss_peace", PEACE[0], report.diss_peace),
        ("diss_distress", DISTRESS[0], report.diss_distress),
        ("diss_next_day", NEXT_DAY[0], report.diss_next_day),
    ):
        if number is not None:
            yield _row("after-infusion", name, title, day, number, TEN, False, part)
    for domain, grade in report.domains.items():
        yield _row("after-infusion", domain, DOMAINS[domain], day, grade, GRADED, False, part)
    if report.diss_duration is not None:
        words = DURATIONS[report.diss_duration]
        yield _row("after-infusion", "diss_duration", DURATION_QUESTION, day, words, "", False, part)
    for name, title, answer in (
        ("still_senses", STILL_SENSES, report.still_senses),
        ("any_red_flag_now", "Any warning sign right now?", report.any_red_flag_now),
    ):
        if answer is not None:
            yield _row("after-infusion", name, title, day, "yes" if answer else "no", "", False, part)
    if report.worst_side_effect is not None:
        title = "Strongest side effect"
        yield _row(
            "after-infusion", "worst_side_effect", title, day, report.worst_side_effect, GRADED, False, part
        )
    for effect in dict.fromkeys((*report.side_effects, *report.courses, *report.happening_now)):
        more = [part, *say_course(report, effect)]
        grade = report.side_effects.get(effect, "")
        label = SIDE_EFFECTS[effect].label
        yield _row("after-infusion", effect, label, day, grade, GRADED, False, "; ".join(more))


def say_course(report: AfterInfusion, effect: str) -> Iterator[str]:
    """When a side effect started and was gone, and whether it was happening as it was told."""
    course = report.courses.get(effect)
    if course is not None and course.started:
        yield f"started: {STARTED[course.started].lower()}"
    if course is not None and course.still_there is not None:
        yield "still there" if course.still_there else "no longer there"
    if course is not None and course.gone:
        yield f"gone: {GONE[course.gone].lower()}"
    if effect in report.happening_now:
        yield "happening when told" if report.happening_now[effect] else "not happening when told"


def _answered(one: Answered) -> Iterator[Row]:
    instrument = one.instrument
    if one.scored is not None:
        scale = f"{instrument.least} to {instrument.most}, lower is better"
        said = [f"In the range called {one.band.label['en'].lower()}."] if one.band else []
        detail = " ".join([*said, *say_changes(one)])
        yield _row(
            "score", instrument.code, instrument.short_title, one.day, one.scored.score, scale, False, detail
        )
    language = instrument.language(one.response.language)
    for item_id, score in one.response.answers.items():
        item = instrument.find_item(item_id)
        option = item.find_option(score) if item else None
        if item is not None and option is not None:
            text, label = item.text[language], option.label[language]
            yield _row("answer", item_id, text, one.day, score, label, False, instrument.short_title)
