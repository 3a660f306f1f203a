"""Charts as SVG, drawn by the server: the page without JavaScript, print and PDF use the same. Looks come from the
style sheet by class, so the three looks and the printer each get their own colors."""

from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from itertools import pairwise

from markupsafe import Markup, escape

from journal.domain.alignment import OFFSETS, Aligned, Line
from journal.domain.benefit import Given
from journal.domain.questionnaires import band, say_number
from journal.domain.side_effects import GRADES
from journal.domain.trends import STRIP_DAYS, Scores, Series, Strip, Trends
from journal.kit.words import say_short_day

WIDTH, HEIGHT = 358, 216
LEFT, RIGHT, TOP, BOTTOM = 26, 344, 40, 188
WIDE = 840
"""A daily chart across a whole sheet or a desk's screen: as high as on a phone, so its words stay as large."""
CIRCLE = 10
CLOSE_PX = 22
NOTHING = (
    '<td class="missing"><span aria-hidden="true">·</span><span class="hidden">nothing logged</span></td>'
)


_Y = {half / 2: round(BOTTOM - half * (BOTTOM - TOP) / 20, 1) for half in range(21)}
"""Every number and every median is a whole or a half."""
_Y_TEXT = {value: str(y) for value, y in _Y.items()}


def _y(value: float) -> float:
    return _Y[value]


def _grid(right: int = RIGHT) -> str:
    return "".join(
        f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{_y(v)}" y2="{_y(v)}"/>'
        f'<text class="tick" x="{LEFT - 6}" y="{_y(v) + 5}" text-anchor="end">{v}</text>'
        for v in (0, 5, 10)
    )


def _runs(values: Sequence[float | None]) -> Iterable[list[tuple[int, float]]]:
    """Stretches without a gap: a gap is never joined."""
    run: list[tuple[int, float]] = []
    for index, value in enumerate(values):
        if value is None:
            if run:
                yield run
            run = []
        else:
            run.append((index, value))
    if run:
        yield run


def _path(run: Sequence[tuple[int, float]], xs: Sequence[float] | Sequence[str]) -> str:
    return "M" + "L".join([f"{xs[i]} {_Y_TEXT[v]}" for i, v in run])


def ticks(days: Sequence[date]) -> dict[int, str]:
    """The labels under a daily chart by place: weekdays for a short time, else months, a year where it begins."""
    if len(days) <= 21:
        return {i: f"{d:%a} {d.day}" for i, d in enumerate(days) if (len(days) - 1 - i) % 4 == 0}
    step = max(1, -(-len(days) // 200))
    apart = max(1, len(days) // 9)
    kept: dict[int, str] = {}
    for i, day in enumerate(days):
        if day.day == 1 and (day.month - 1) % step == 0 and all(i - other >= apart for other in kept):
            kept[i] = f"{day:%Y}" if day.month == 1 and len(days) > 120 else f"{day:%b}"
    return kept


def _ticks(days: Sequence[date], xs: Sequence[float], right: int = RIGHT) -> str:
    return "".join(
        f'<text class="tick" x="{min(max(xs[i], LEFT + 12), right - 14)}" y="{BOTTOM + 20}" '
        f'text-anchor="middle">{label}</text>'
        for i, label in ticks(days).items()
    )


def _infusion_lines(infusions: Sequence[Given], days: Sequence[date], xs: Sequence[float]) -> str:
    parts: list[str] = []
    last_x, row = -100.0, 0
    crowded = len(infusions) > 20
    for given in infusions:
        x = xs[(given.day - days[0]).days]
        row = 1 - row if x - last_x < CLOSE_PX else 0
        last_x = x
        cy = 11 + row * (CIRCLE * 2 + 1) if not crowded else 11
        parts.append(f'<line class="infusion" x1="{x}" x2="{x}" y1="{cy + CIRCLE}" y2="{BOTTOM}"/>')
        if not crowded:
            parts.append(
                f'<circle class="infusion-mark" cx="{x}" cy="{cy}" r="{CIRCLE}"/>'
                f'<text class="infusion-number" x="{x}" y="{cy + 4.5}" text-anchor="middle">{given.number}</text>'
            )
    return "".join(parts)


@lru_cache(maxsize=64)
def _places(count: int, right: int = RIGHT) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Where each of `count` days stands, as numbers and as text."""
    step = (right - LEFT) / max(1, count - 1)
    xs = tuple(round(LEFT + i * step, 1) for i in range(count))
    return xs, tuple(map(str, xs))


def heads(trends: Trends) -> list[str]:
    """The first cell of each day's row, the same in every measure's table."""
    marks = {given.day: f" · infusion {given.number}" for given in trends.infusions}
    return [f'<tr><th scope="row">{say_short_day(day)}{marks.get(day, "")}' for day in trends.days]


def daily(series: Series, trends: Trends, width: int = WIDTH) -> Markup:
    """One measure by day: a line broken at gaps, its 7-day median as a band, late days hollow, infusions as lines.
    `width` is WIDTH for a phone, or WIDE."""
    count, right = len(trends.days), width - (WIDTH - RIGHT)
    step = (right - LEFT) / max(1, count - 1)
    xs, texts = _places(count, right)
    values = series.values
    lone_width = round(min(step / 2, 3), 1)
    bands = "".join(
        f'<path class="middle" d="{_path(run, texts)}"/>' for run in _runs(series.middle) if len(run) > 1
    )
    lines, dots = [], []
    for run in _runs(values):
        if len(run) > 1:
            lines.append(_path(run, texts))
        elif not series.late[run[0][0]]:
            dots.append(
                f'<circle class="lone" cx="{xs[run[0][0]]}" cy="{_y(run[0][1])}" r="{max(lone_width, 1.6)}"/>'
            )
    late = "".join(
        f'<circle class="late" cx="{x}" cy="{_y(v)}" r="4"/>'
        for x, v, is_late in zip(xs, values, series.late, strict=True)
        if is_late and v is not None
    )
    last = next((i for i in range(count - 1, -1, -1) if values[i] is not None), None)
    end = ""
    if last is not None and not series.late[last]:
        end = f'<circle class="last" cx="{xs[last]}" cy="{_y(values[last] or 0)}" r="4.5"/>'
    title = escape(f"{series.measure.title}, day by day")
    return Markup(
        f'<svg class="chart" viewBox="0 0 {width} {HEIGHT}" role="img" aria-label="{title}. {escape(series.sentence)}">'
        f"{_grid(right)}{bands}{_infusion_lines(trends.infusions, trends.days, xs)}"
        f'<path class="value" d="{"".join(lines)}"/>{"".join(dots)}{late}{end}{_ticks(trends.days, xs, right)}</svg>'
    )


def aligned(chart: Aligned) -> Markup:
    """Every infusion over day 0. Older ones fade; the newest three carry their number; the median is bold."""
    xs = [round(LEFT + i * (RIGHT - 22 - LEFT) / (len(OFFSETS) - 1), 1) for i in range(len(OFFSETS))]
    zero = xs[OFFSETS.index(0)]
    newest = len(chart.lines)
    lines = "".join(_one(line, xs, newest - place) for place, line in enumerate(chart.lines))
    middle = "".join(
        f'<path class="halo" d="{_path(run, xs)}"/><path class="own-middle" d="{_path(run, xs)}"/>'
        if len(run) > 1
        else f'<circle class="own-middle-dot" cx="{xs[run[0][0]]}" cy="{_y(run[0][1])}" r="3.5"/>'
        for run in _runs(chart.middle)
    )
    axis = "".join(
        f'<text class="tick" x="{xs[OFFSETS.index(o)]}" y="{BOTTOM + 20}" text-anchor="middle">{_minus(o)}</text>'
        for o in (-3, 0, 7, 14)
    )
    counts = "".join(
        f'<text class="tick" x="{xs[OFFSETS.index(o)]}" y="{BOTTOM + 40}" text-anchor="middle">{chart.counts[OFFSETS.index(o)]}</text>'
        for o in (-3, 0, 7, 14)
    )
    title = escape(f"{chart.measure.title} around each infusion, {len(chart.lines)} laid over day 0")
    return Markup(
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT + 20}" role="img" aria-label="{title}">'
        f'{_grid()}<line class="infusion" x1="{zero}" x2="{zero}" y1="{TOP - 12}" y2="{BOTTOM}"/>{lines}{middle}'
        f'{_end_numbers(chart.lines, xs)}{axis}<text class="tick" x="{LEFT - 14}" y="{BOTTOM + 40}">n</text>{counts}</svg>'
    )


def _one(line: Line, xs: Sequence[float], age: int) -> str:
    shade = "new" if age <= 3 else "old"
    parts = []
    for run in _runs(line.values):
        if len(run) > 1:
            parts.append(f'<path class="one {shade} dash-{age % 3}" d="{_path(run, xs)}"/>')
        else:
            parts.append(f'<circle class="one-dot {shade}" cx="{xs[run[0][0]]}" cy="{_y(run[0][1])}" r="2"/>')
    return "".join(parts)


def _end_numbers(lines: Sequence[Line], xs: Sequence[float]) -> str:
    """Numbers at the ends of the newest three lines; where they would meet, they share one label."""
    ends: dict[tuple[float, float], list[int]] = {}
    for line in lines[-3:]:
        place = next((i for i in range(len(xs) - 1, -1, -1) if line.values[i] is not None), None)
        if place is None:
            continue
        spot = (xs[place], _y(line.values[place] or 0))
        near = next((key for key in ends if abs(key[0] - spot[0]) < 16 and abs(key[1] - spot[1]) < 13), spot)
        ends.setdefault(near, []).append(line.number)
    return "".join(
        f'<text class="end-number" x="{x + 6}" y="{y + 5}">{", ".join(map(str, numbers))}</text>'
        for (x, y), numbers in ends.items()
    )


def _minus(offset: int) -> str:
    return f"−{-offset}" if offset < 0 else str(offset)


JOINED_DAYS = 35
"""Scores further apart than this aren't joined: there was time for one in between."""
NUMBERED = 12


def scores(chart: Scores, trends: Trends) -> Markup:
    """A questionnaire's scores by day, with infusions as lines; where its authors named ranges, their edges."""
    instrument = chart.instrument
    xs = _places(len(trends.days))[0]
    scale = (BOTTOM - TOP) / (instrument.most - instrument.least)
    spots = [
        (
            xs[(day - trends.first).days],
            round(BOTTOM - (float(total) - instrument.least) * scale, 1),
            day,
            total,
        )
        for day, total in chart.points
    ]
    between = pairwise((LEFT, *(x for x, *_ in spots), RIGHT))
    free = max(between, key=lambda gap: gap[1] - gap[0])  # the names of ranges stand where no score does
    middle_of_it = round((free[0] + free[1]) / 2, 1)
    heights = [(one, round(BOTTOM - (one.least - instrument.least) * scale, 1)) for one in instrument.bands]
    edges = "".join(
        f'<line class="band-edge" x1="{LEFT}" x2="{RIGHT}" y1="{y}" y2="{y}"/>' for _, y in heights
    )
    names = "".join(
        f'<text class="band" x="{middle_of_it}" y="{y - 4}" text-anchor="middle">{escape(one.label["en"].lower())}</text>'
        for one, y in heights
    )
    middle = (instrument.least + instrument.most) / 2
    grid = "".join(
        f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y}" y2="{y}"/>'
        f'<text class="tick" x="{LEFT - 6}" y="{y + 5}" text-anchor="end">{value:g}</text>'
        for value, y in (
            (instrument.least, BOTTOM),
            *(((middle, (TOP + BOTTOM) / 2),) if middle == int(middle) and not instrument.bands else ()),
            (instrument.most, TOP),
        )
    )
    lines = "".join(
        f"M{ax} {ay}L{bx} {by}"
        for (ax, ay, a_day, _), (bx, by, b_day, _) in pairwise(spots)
        if (b_day - a_day).days <= JOINED_DAYS
    )
    dots = "".join(f'<circle class="last" cx="{x}" cy="{y}" r="4.5"/>' for x, y, _day, _total in spots)
    numbers = "".join(
        f'<text class="score-number" x="{min(max(x, LEFT + 10), RIGHT - 10)}" y="{y - 9}" text-anchor="middle">{say_number(total)}</text>'
        for x, y, _day, total in (spots if len(spots) <= NUMBERED else spots[-1:])
    )
    title = escape(f"{instrument.short_title}, scores by day")
    return Markup(
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}. {escape(chart.sentence)}">'
        f"{edges}{grid}{_infusion_lines(trends.infusions, trends.days, xs)}"
        f'{names}<path class="value" d="{lines}"/>{dots}{numbers}{_ticks(trends.days, xs)}</svg>'
    )


def score_rows(chart: Scores) -> Markup:
    """The table's rows under it, the newest first."""
    rows = []
    for day, total in reversed(chart.points):
        found = band(chart.instrument, total)
        named = f"<td>{escape(found.label['en'])}</td>" if found else ""
        head = f"{say_short_day(day)} {day.year}"
        rows.append(f'<tr><th scope="row">{head}</th><td>{say_number(total)}</td>{named}</tr>')
    return Markup("".join(rows))


CELL, GAP, LABEL = 25, 3, 128


def strip(chart: Strip) -> Markup:
    """Side effects by day: how full a box is shows the grade, so it reads in black and white."""
    height = 22 + len(chart.rows) * (CELL + GAP)
    parts = [
        f'<text class="tick" x="{LABEL + d * (CELL + GAP) + CELL / 2}" y="14" text-anchor="middle">{d}</text>'
        for d in range(STRIP_DAYS + 1)
    ]
    for place, row in enumerate(chart.rows):
        y = 22 + place * (CELL + GAP)
        parts.append(f'<text class="strip-label" x="0" y="{y + 17}">{escape(_short(row.label))}</text>')
        for day, grade in enumerate(row.grades):
            parts.append(_cell(LABEL + day * (CELL + GAP), y, grade))
    return Markup(
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="Side effects by day after an infusion. {escape(chart.sentence)}">{"".join(parts)}</svg>'
    )


def _cell(x: int, y: int, grade: int | None) -> str:
    box = f'x="{x}" y="{y}" width="{CELL}" height="{CELL}" rx="4"'
    if grade is None:
        return f'<rect class="cell-unlogged" x="{x + 0.5}" y="{y + 0.5}" width="{CELL - 1}" height="{CELL - 1}" rx="4"/>'
    if grade == 0:
        return f'<rect class="cell" {box}/><circle class="cell-none" cx="{x + CELL / 2}" cy="{y + CELL / 2}" r="1.6"/>'
    filled = round(CELL * grade / 3, 1)
    return (
        f'<rect class="cell" {box}/><rect class="cell-{GRADES[grade]}" x="{x}" y="{y + CELL - filled}" '
        f'width="{CELL}" height="{filled}" rx="4"/>'
    )


def _short(label: str) -> str:
    label = label.partition(" (")[0].partition(" or ")[0] if len(label) > 19 else label
    return label if len(label) <= 19 else label[:18].rstrip() + "…"


LATE, END = " · late</th>", "</th>"
CELLS: dict[float | None, str] = {None: NOTHING} | {half / 2: f"<td>{half / 2:g}</td>" for half in range(21)}


def _number(value: float | None, bold: bool = False) -> str:
    return f"<td><b>{value:g}</b></td>" if bold and value is not None else CELLS[value]


def daily_rows(series: Series, trends: Trends, heads: Sequence[str]) -> Markup:
    """The table's rows under a daily chart: exactly its numbers, the newest day first."""
    given = {one.day for one in trends.infusions}
    rows = [
        f"{head}{LATE if is_late else END}{CELLS[value]}{CELLS[middle]}</tr>"
        for head, day, value, is_late, middle in zip(
            heads, trends.days, series.values, series.late, series.middle, strict=True
        )
        if value is not None or middle is not None or day in given
    ]
    return Markup("".join(reversed(rows)))


def aligned_rows(chart: Aligned) -> Markup:
    """The table's rows under the aligned chart: a day after the infusion each, an infusion a column."""
    return Markup(
        "".join(
            f'<tr><th scope="row">{_minus(offset)}</th>'
            + "".join(_number(line.values[i]) for line in chart.lines)
            + _number(chart.middle[i], bold=True)
            + f"<td>{chart.counts[i]}</td></tr>"
            for i, offset in enumerate(OFFSETS)
        )
    )


def strip_rows(chart: Strip) -> Markup:
    return Markup(
        "".join(
            f'<tr><th scope="row">{escape(row.label)}</th>'
            + "".join(NOTHING if g is None else f"<td>{GRADES[g]}</td>" for g in row.grades)
            + "</tr>"
            for row in chart.rows
        )
    )


SPARK_WIDTH, SPARK_HEIGHT = 154, 40


def spark(values: Sequence[int | None], infusions: Sequence[int], title: str) -> Markup:
    """A small line of the last days: gaps as gaps, infusions as dotted lines, the last day as a point."""
    step = SPARK_WIDTH / max(1, len(values) - 1)
    spots = [
        None if value is None else (round(place * step, 1), round(SPARK_HEIGHT - 4 - value * 3.2, 1))
        for place, value in enumerate(values)
    ]
    path, pen = [], "M"
    for spot in spots:
        if spot is None:
            pen = "M"
        else:
            path.append(f"{pen}{spot[0]} {spot[1]}")
            pen = "L"
    alone = [
        spot
        for before, spot, after in zip([None, *spots], spots, [*spots[1:], None], strict=False)
        if spot and not before and not after
    ]
    dots = "".join(f'<circle class="lone" cx="{x}" cy="{y}" r="2"/>' for x, y in alone)
    if spots and spots[-1]:
        dots += f'<circle class="last" cx="{spots[-1][0]}" cy="{spots[-1][1]}" r="3.5"/>'
    lines = "".join(
        f'<path class="infusion" d="M{round(place * step, 1)} 0V{SPARK_HEIGHT - 2}"/>' for place in infusions
    )
    said = ", ".join("nothing" if value is None else str(value) for value in values)
    return Markup(
        f'<svg class="spark" viewBox="-4 0 {SPARK_WIDTH + 8} {SPARK_HEIGHT}" role="img" '
        f'aria-label="{escape(title)}, day by day: {said}"><path class="grid" d="M0 {SPARK_HEIGHT - 2}H{SPARK_WIDTH}"/>'
        f'{lines}<path class="value" d="{"".join(path)}"/>{dots}</svg>'
    )
