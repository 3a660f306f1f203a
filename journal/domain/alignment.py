"""The infusion-aligned chart: every infusion laid over day 0, and the own median where three or more can speak."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from journal.domain.benefit import Benefit, Given, decide, sentence
from journal.domain.measures import Measure

FIRST_OFFSET, LAST_OFFSET = -3, 14
"""Days before and after (product decision)."""
MEDIAN_FROM = 3
"""Own choice: a median of fewer than three infusions isn't drawn."""
OFFSETS = tuple(range(FIRST_OFFSET, LAST_OFFSET + 1))


@dataclass(frozen=True, slots=True)
class Line:
    """One infusion: a value or None for each of OFFSETS."""

    number: int
    day: date
    values: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Aligned:
    """`counts` says how many infusions speak at each of OFFSETS; `middle` is None where that is under three."""

    measure: Measure
    lines: tuple[Line, ...]
    middle: tuple[float | None, ...]
    counts: tuple[int, ...]
    benefits: tuple[Benefit, ...]
    sentences: tuple[str, ...]


def build(
    measure: Measure,
    values: Mapping[date, int],
    infusions: Sequence[Given],
    since: date,
    today: date,
    *,
    to_patient: bool = True,
) -> Aligned:
    """Lay the infusions given since `since` over each other. `infusions` are all of them, sorted by day."""
    shown = [index for index, given in enumerate(infusions) if given.day >= since]
    lines = tuple(_line(values, infusions, index, today) for index in shown)
    columns = [
        [value for line in lines if (value := line.values[column]) is not None]
        for column in range(len(OFFSETS))
    ]
    benefits = tuple(decide(measure, values, infusions, index, today) for index in shown)
    sentences = tuple(
        sentence(
            measure,
            benefit,
            infusions[index + 1].number if index + 1 < len(infusions) else None,
            to_patient=to_patient,
        )
        for index, benefit in zip(shown, benefits, strict=True)
    )
    return Aligned(
        measure,
        lines,
        tuple(float(median(c)) if len(c) >= MEDIAN_FROM else None for c in columns),
        tuple(len(column) for column in columns),
        benefits,
        sentences,
    )


def _line(values: Mapping[date, int], infusions: Sequence[Given], index: int, today: date) -> Line:
    given = infusions[index]
    following = infusions[index + 1].day if index + 1 < len(infusions) else None
    days = [given.day + timedelta(days=offset) for offset in OFFSETS]
    return Line(
        given.number,
        given.day,
        tuple(
            values.get(day) if day <= today and (following is None or day < following) else None
            for day in days
        ),
    )
