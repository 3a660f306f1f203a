"""Days out of another app's table: what each row becomes, or what is wrong with it. All rows are looked at, so that one
reading of the report is enough to mend the file."""

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from typing import NamedTuple

from journal.domain.checkin import CheckIn, Note
from journal.domain.errors import Refused
from journal.domain.fields import Reader
from journal.domain.measures import MEASURES

MOST_ROWS = 20_000
"""Own choice: fifty years of one row a day."""
SEPARATORS = ",;\t"
TAKEN = "Your journal has a check-in for this day already. Take this row out of the file."
AHEAD = "This day is still to come. Change the day, or take this row out of the file."
BAD_DAY = "Write the day as year, month, day, such as 2026-11-22."
UNEVEN = 'This row has more cells than the first one. Put quotes (") round a text that has commas in it.'
NOTHING = "Nothing is marked here, so it is left out"


class Line(NamedTuple):
    """A row of the file by column name, with its number as a spreadsheet shows it. `uneven`: it has too many cells."""

    number: int
    cells: Mapping[str, str]
    uneven: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What one row says: measures by id, the lines of its note, and `label`, what to call its measures in a note where
    another row of the day is the day's own. With a problem, nothing else counts."""

    number: int
    day: date | None = None
    at: time | None = None
    measures: Mapping[str, int] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    label: str = ""
    problem: str = ""

    @property
    def is_blank(self) -> bool:
        return not self.problem and not self.measures and not self.lines


@dataclass(frozen=True, slots=True)
class Row:
    """A row in the report: `becomes` says what it will be, or `problem` how to mend it."""

    number: int
    day: date | None
    becomes: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """A day to keep: its check-in, when it was made, and the notes of earlier that day."""

    day: date
    at: time | None
    checkin: CheckIn
    notes: tuple[tuple[time | None, Note], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What becomes of a file. Nothing may be kept while any row has a problem."""

    source: str
    rows: tuple[Row, ...]
    days: tuple[Day, ...]

    @property
    def problems(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.problem)


def read_lines(text: str) -> tuple[tuple[str, ...], tuple[Line, ...]]:
    """The names of the columns, in small letters, and the rows. Raises Refused for what is not a table."""
    text = text.removeprefix("\ufeff")
    first = text.split("\n", 1)[0]
    separator = max(SEPARATORS, key=first.count)
    header: tuple[str, ...] = ()
    lines: list[Line] = []
    number = 0
    try:
        for number, cells in enumerate(
            csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True), 1
        ):
            if not header:
                header = tuple(cell.strip().casefold() for cell in cells)
            elif any(cell.strip() for cell in cells):
                filled = cells + [""] * (len(header) - len(cells))
                more = any(cell.strip() for cell in cells[len(header) :])
                lines.append(Line(number, dict(zip(header, filled, strict=False)), more))
            if len(lines) > MOST_ROWS:
                raise Refused(
                    {"file": f"There are more than {MOST_ROWS:,} rows in this file. Split it in two."}
                )
    except csv.Error:
        raise Refused(
            {"file": f'The file can’t be read after row {number}. A quote (") may be missing there.'}
        ) from None
    if not lines:
        raise Refused({"file": "There are no days in this file. Export it again, and choose the new one."})
    return header, tuple(lines)


def read_day(text: str) -> date | None:
    """A day from 2000 to 2100 written as 2026-11-22; None for anything else."""
    return Reader({}, set()).day_value(text.strip(), BAD_DAY, "day")


def build(source: str, told: Sequence[Told], today: date, taken: Collection[date]) -> Report:
    """What becomes of the rows, which come in the order in which they were made. Of several on one day, the last one
    that measures something is the day's check-in; the others become notes. `taken` are the days that have a check-in
    in the journal."""
    rows = {one.number: Row(one.number, one.day, NOTHING, _problem(one, today, taken)) for one in told}
    by_day: dict[date, list[Told]] = {}
    for one in told:
        if one.day is not None and not rows[one.number].problem and not one.is_blank:
            by_day.setdefault(one.day, []).append(one)
    days = []
    for day, mine in sorted(by_day.items()):
        mine.sort(key=lambda one: one.at or time.min)
        main = next((one for one in reversed(mine) if one.measures), mine[-1])
        notes = []
        for one in mine:
            try:
                if one is main:
                    checkin = CheckIn.parse({"measures": dict(one.measures), "note": "\n".join(one.lines)})
                    rows[one.number] = Row(one.number, day, _say(checkin))
                else:
                    note = Note.parse({"text": "\n".join(filter(None, (one.label, *one.lines)))})
                    rows[one.number] = Row(one.number, day, "A note of its own on that day")
                    notes.append((one.at, note))
            except Refused as refused:
                reason = next(iter(refused.reasons.values()))
                rows[one.number] = Row(one.number, day, problem=f"Its note can’t be kept. {reason}")
        if not any(rows[one.number].problem for one in mine):
            days.append(Day(day, main.at, checkin, tuple(notes)))
    return Report(source, tuple(rows[number] for number in sorted(rows)), tuple(days))


def _problem(one: Told, today: date, taken: Collection[date]) -> str:
    if one.problem or one.day is None:
        return one.problem or BAD_DAY
    if one.day > today:
        return AHEAD
    return TAKEN if one.day in taken and not one.is_blank else ""


def _say(checkin: CheckIn) -> str:
    parts = [f"{MEASURES[name].title} {value}" for name, value in checkin.measures.items()]
    if checkin.note:
        parts.append("a note" if parts else "a check-in with a note only")
    told = ", ".join(parts)
    return told[:1].upper() + told[1:]
