"""The table in a backup of eMoods (entry.csv in the .emoods file): a row a day.

Columns as seen in a backup of 2024: ID, DATE (YYYY-MM-DD), IRRITABILITY, ANXIETY, DEPRESSED, ELEVATED, SLEEP (hours),
PSYCHOTIC SYMPTOMS, NOTE, THERAPY, MENSTRUAL CYCLE, WEIGHT. The four levels are 1 none, 2 mild, 3 moderate, 4 severe, and
0 where nothing was marked (as its help pages say, too).

Only depressed mood and anxiety become numbers. Elevated mood is not better mood: it stays in the note, in words, and so
does everything else, so that nothing is lost and nothing is made up.
"""

from collections.abc import Collection, Sequence
from datetime import date

from journal.domain.imports import BAD_DAY, UNEVEN, Line, Report, Told, build, read_day

SOURCE = "eMoods"
LEVELS = ("", "none", "mild", "moderate", "severe")
MOOD = {"none": 7, "mild": 5, "moderate": 3, "severe": 1}
ANXIETY = {"none": 0, "mild": 3, "moderate": 6, "severe": 9}
"""Own choices. Not depressed is no more than "rather good"; no level is put at the very end of the scale but "none"."""
NAMED = {
    "depressed": "Depressed mood",
    "elevated": "Elevated mood",
    "irritability": "Irritability",
    "anxiety": "Anxiety",
}
LEFT_OUT = ("id", "note")


def fits(header: Collection[str]) -> bool:
    return "depressed" in header and _day_column(header) is not None


def _day_column(header: Collection[str]) -> str | None:
    return next((name for name in header if name == "date" or name.startswith("date (")), None)


def read(lines: Sequence[Line], today: date, taken: Collection[date]) -> Report:
    column = _day_column(lines[0].cells.keys()) or "date"
    return build(SOURCE, [_told(line, column) for line in lines], today, taken)


def _told(line: Line, column: str) -> Told:
    day = read_day(line.cells.get(column, ""))
    levels = {name: _level(line.cells[name]) for name in NAMED if name in line.cells}
    wrong = next((name for name, level in levels.items() if level is None), None)
    problem = ""
    if line.uneven:
        problem = UNEVEN
    elif day is None:
        problem = BAD_DAY
    elif wrong is not None:
        said = line.cells[wrong].strip()[:20]
        problem = f"{NAMED[wrong]} is “{said}”. eMoods counts from 0 to 4. Write one of these in its place."
    if problem:
        return Told(line.number, day, problem=problem)
    marked = {name: level for name, level in levels.items() if level}
    measures = {}
    if "depressed" in marked:
        measures["mood"] = MOOD[marked["depressed"]]
    if "anxiety" in marked:
        measures["anxiety"] = ANXIETY[marked["anxiety"]]
    return Told(line.number, day, None, measures, tuple(_lines(line, marked, column)))


def _level(text: str) -> str | None:
    """The level's word; empty where nothing was marked; None for what is no level."""
    said = text.strip().casefold().removesuffix(".0")
    if said in LEVELS:
        return said
    return LEVELS[int(said)] if said in {"0", "1", "2", "3", "4"} else None


def _lines(line: Line, marked: dict[str, str], column: str) -> list[str]:
    texts = [line.cells.get("note", "").replace("\r\n", "\n").strip()]
    texts += [f"{NAMED[name]}: {level}" for name, level in marked.items()]
    for name, value in line.cells.items():
        said = value.strip().removesuffix(".0")
        if name in NAMED or name in LEFT_OUT or name == column or said in ("", "0"):
            continue
        texts.append(_line(name, said))
    return [text for text in texts if text]


def _line(name: str, said: str) -> str:
    if name == "sleep":
        return f"Sleep: {said} hour{'' if said == '1' else 's'}"
    if name in ("psychotic symptoms", "therapy", "menstrual cycle") and said.casefold() in ("1", "y", "true"):
        return f"{name.capitalize()}: yes"
    return f"{name.capitalize()}: {said}"
