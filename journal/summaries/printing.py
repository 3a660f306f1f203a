"""The summary as a page to print: what the template needs, in words, and charts that carry their own looks."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from journal.domain import after_infusion as asked
from journal.domain.access import KINDS
from journal.domain.after_infusion import AfterInfusion
from journal.domain.infusion import MOMENTS, ROUTES, SETTINGS, Held
from journal.domain.questionnaires import say_number
from journal.domain.safety import HEADINGS
from journal.domain.side_effects import GRADES, SIDE_EFFECTS
from journal.domain.summary import Answered, Infused, Summary, say_changes, say_runs
from journal.domain.trends import Series
from journal.domain.worklist import TAGS
from journal.kit.words import MONTHS, lower_first, say_date, say_time
from journal.trends import drawing

DOMAINS = {
    "diss_unreal": "things unreal",
    "diss_body": "outside the body",
    "diss_self": "cut off from oneself",
    "diss_time": "time slower or faster",
    "diss_senses": "senses changed",
    "diss_memory": "parts not remembered",
}
"""The questions of the report in few words, where there is no room for them."""
ALIGNED = (
    f'viewBox="0 0 {drawing.WIDTH} {drawing.HEIGHT + 20}"',
    f'viewBox="0 22 {drawing.WIDTH} {drawing.HEIGHT - 2}"',
)
"""The aligned chart without the room that it keeps above itself on a screen."""
INK = """
text { font-family: "DejaVu Sans", sans-serif; font-size: 12.5px; fill: #333 }
.infusion-number, .score-number, .end-number { font-weight: 700; fill: #000 }
.infusion-number { font-size: 12px } .band { font-size: 11px }
.grid { stroke: #bbb; stroke-width: 1 }
.band-edge { stroke: #999; stroke-width: 1; stroke-dasharray: 2 4 }
.infusion { stroke: #000; stroke-width: 1.5; stroke-dasharray: 1.5 4 }
.infusion-mark { fill: #fff; stroke: #000; stroke-width: 1.5 }
.value { fill: none; stroke: #000; stroke-width: 1.5; stroke-linejoin: round }
.lone, .last { fill: #000 }
.late { fill: #fff; stroke: #000; stroke-width: 1.5 }
.middle { fill: none; stroke: #ccc; stroke-width: 7; stroke-linejoin: round }
.one { fill: none; stroke: #333; stroke-width: 1.1 } .one.old { stroke: #aaa }
.one-dot { fill: #333 } .one-dot.old { fill: #aaa }
.dash-0 { stroke-dasharray: 6 3 } .dash-2 { stroke-dasharray: 2 3 }
.halo { fill: none; stroke: #fff; stroke-width: 7 }
.own-middle { fill: none; stroke: #000; stroke-width: 3.5; stroke-linejoin: round }
.own-middle-dot { fill: #000 }
.cell { fill: #ececec } .cell-none { fill: #333 }
.cell-unlogged { fill: #fff; stroke: #666; stroke-dasharray: 2 3 }
.cell-mild { fill: #8c8c8c } .cell-moderate { fill: #555 } .cell-severe { fill: #111 }
.strip-label { fill: #000 }
"""
"""Black, white and greys: each state also has a shape, a dash or a height of its own."""
FINE = (
    "text { font-size: 16px } .infusion-number, .score-number { font-size: 14px } .band { font-size: 13px }"
)
"""Larger words for the charts that stand three to a row, so that they can still be read."""
_PHONE = f'viewBox="0 0 {drawing.WIDTH} {drawing.HEIGHT}"'
_SVG = re.compile(r"<svg\b([^>]*)>")
_LABEL = re.compile(r'aria-label="([^"]*)"')


Render = Callable[..., str]
"""Makes a page from a template's name and values, as `flask.render_template` does."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A questionnaire's scores, the first one first; the last one's range; how it has changed."""

    title: str
    scale: str
    scores: str
    last: str
    band: str
    changes: tuple[str, ...]


def print_html(summary: Summary, render: Render) -> str:
    """One whole page of HTML, with its looks in it and nothing to fetch, for `kit.pdf.render`."""
    trends = summary.trends
    logged = [one for one in trends.series if any(value is not None for value in one.values)]
    main = _main(summary, logged)
    page = render(
        "summaries/print.html",
        summary=summary,
        period=say_period(summary.first, summary.last),
        name=summary.name.strip() or "no name given",
        draw=drawing,
        main=main,
        others=[one for one in logged if one is not main],
        scores=[one for one in trends.scores if len(one.points) > 1],
        told=_told(summary),
        effects=tuple(_effects(summary)),
        urinary=tuple(_urinary(summary)),
        infusions=[_infusion(one) for one in summary.infusions],
        filled=tuple(_filled(summary)),
        urgency=TAGS,
        headings=HEADINGS,
        late=say_runs(summary.adherence.late) if summary.adherence else "",
        missing=say_runs(summary.adherence.missing) if summary.adherence else "",
        kinds=KINDS,
    )
    return _SVG.sub(_dress, page.replace(*ALIGNED))


def _dress(found: re.Match[str]) -> str:
    """WeasyPrint gives a drawing only the styles inside it, and reads its words from its title."""
    label = _LABEL.search(found[1])
    title = f"<title>{label[1]}</title>" if label else ""
    ink = INK + FINE if _PHONE in found[1] else INK
    return f"<svg{found[1]}>{title}<style>{ink}</style>"


def say_period(first: date, last: date) -> str:
    """25 August to 22 November 2026"""
    if first == last:
        return say_date(last)
    start = say_date(first) if first.year != last.year else f"{first.day} {first:%B}"
    return f"{start} to {say_date(last)}"


def say_short(day: date) -> str:
    """3 Nov"""
    return f"{day.day} {MONTHS[day.month - 1]}"


def _main(summary: Summary, logged: Sequence[Series]) -> Series | None:
    aligned = summary.trends.aligned
    wanted = aligned.measure.id if aligned else None
    return next((one for one in logged if one.measure.id == wanted), logged[0] if logged else None)


def _told(summary: Summary) -> tuple[str, ...]:
    """What is said under the aligned chart: of the newest three infusions of which something can be said."""
    aligned = summary.trends.aligned
    sentences = [text for text in reversed(aligned.sentences) if text] if aligned else []
    return tuple(dict.fromkeys(sentences))[:3]


def _effects(summary: Summary) -> Iterator[str]:
    """Each side effect that was felt: on how many days how strongly, and when last."""
    felt: dict[str, Counter[str]] = {}
    last: dict[str, date] = {}
    for one in summary.days:
        for effect, grade in one.side_effects.items():
            if grade != GRADES[0]:
                felt.setdefault(effect, Counter())[grade] += 1
                last[effect] = one.day
    for effect in (e for e in SIDE_EFFECTS if e in felt):
        grades = [f"{g} on {_days(felt[effect][g])}" for g in reversed(GRADES) if felt[effect][g]]
        yield f"{SIDE_EFFECTS[effect].label}: {', '.join(grades)}; last {say_short(last[effect])}."


def _days(count: int) -> str:
    return f"{count} day{'' if count == 1 else 's'}"


def _urinary(summary: Summary) -> Iterator[str]:
    """What each check said; those that said none of it together."""
    none: dict[str, list[str]] = {}
    for one in summary.answered:
        if one.is_urinary:
            said = [
                f"{item.text['en'].lower()} ({option.label['en'].lower()})"
                for item in one.instrument.items
                if (score := one.response.answers.get(item.id)) and (option := item.find_option(score))
            ]
            if said:
                yield f"{one.instrument.short_title} on {say_short(one.day)}: {'; '.join(said)}."
            else:
                none.setdefault(one.instrument.short_title, []).append(say_short(one.day))
    for title, days in none.items():
        yield f"{title}, none of it: {', '.join(days)}."


def _infusion(one: Infused) -> Mapping[str, Any]:
    known = one.held.infusion
    ends_at = one.held.ends_at if known.minutes else None
    start = known.started and say_time(known.started)
    end = ends_at and say_time(ends_at.astimezone(one.held.zone))
    given = (
        f"{start} to {end}" if start and end else start,
        f"{known.minutes} minutes" if known.minutes and not start else None,
        f"{say_number(known.dose_mg)} mg" if known.dose_mg is not None else None,
        f"{say_number(known.dose_mg_per_kg)} mg/kg" if known.dose_mg_per_kg is not None else None,
        lower_first(ROUTES.get(known.route or "", "")),
        lower_first(SETTINGS.get(known.setting or "", "")),
    )
    return {
        "number": one.held.number,
        "day": say_short(one.held.day),
        "given": ", ".join(text for text in given if text),
        "vitals": "; ".join(
            f"{title.lower()} {said}"
            for moment, title in MOMENTS.items()
            if (said := _vitals(one.held, moment))
        ),
        "first": "; ".join(_report(one.first)),
        "next_day": "; ".join(_report(one.next_day)),
    }


def _vitals(held: Held, moment: str) -> str:
    """131/80, pulse 71, 98 %"""
    read = {
        name.partition("_")[2]: value
        for name, value in held.infusion.vitals.items()
        if name.startswith(moment)
    }
    said = []
    if "systolic" in read or "diastolic" in read:
        said.append(f"{read.get('systolic', '–')}/{read.get('diastolic', '–')}")
    said += [f"pulse {read['pulse']}"] if "pulse" in read else []
    said += [f"{read['oxygen']} %"] if "oxygen" in read else []
    return ", ".join(said)


def _report(report: AfterInfusion | None) -> Iterator[str]:
    if report is None:
        return
    for words, number in (
        ("far from normal", report.diss_peak),
        ("calm", report.diss_peace),
        ("scary", report.diss_distress),
        ("still unreal", report.diss_next_day),
    ):
        if number is not None:
            yield f"{words} {number}"
    if report.diss_duration is not None:
        yield f"normal again: {asked.DURATIONS[report.diss_duration].lower()}"
    for domain, grade in report.domains.items():
        if grade != GRADES[0]:
            yield f"{DOMAINS[domain]}: {grade}"
    felt = [
        f"{SIDE_EFFECTS[effect].label.lower()} {grade}"
        for effect, grade in report.side_effects.items()
        if grade != GRADES[0]
    ]
    if felt or report.worst_side_effect is not None or report.side_effects:
        worst = f"strongest {report.worst_side_effect}" if report.worst_side_effect else ""
        yield f"side effects: {', '.join(filter(None, (worst, *felt))) or 'none'}"
    if report.still_senses is not None:
        yield f"{'' if report.still_senses else 'not '}seeing or hearing things"
    now = [SIDE_EFFECTS[effect].label.lower() for effect, is_so in report.happening_now.items() if is_so]
    if now or report.any_red_flag_now:
        yield f"happening when told: {', '.join(now) or 'a warning sign'}"


def _filled(summary: Summary) -> Iterator[Filled]:
    by_code: dict[str, list[Answered]] = {}
    for one in summary.answered:
        if one.scored is not None:
            by_code.setdefault(one.instrument.code, []).append(one)
    for told in by_code.values():
        told.sort(key=lambda one: one.at)
        last, instrument = told[-1], told[-1].instrument
        scores = [(one.day, say_number(one.scored.score)) for one in told if one.scored]
        yield Filled(
            instrument.short_title,
            f"{instrument.least} to {instrument.most}",
            ", ".join(f"{score} on {say_short(day)}" for day, score in scores[:-1]),
            f"{scores[-1][1]} on {say_short(scores[-1][0])}",
            f"{last.band.label['en'].lower()} ({last.band.least} to {last.band.most})" if last.band else "",
            say_changes(last),
        )
