"""The table that Daylio exports: a row an entry, moods as words, the newest first.

Columns as seen in exports of 2021 to 2026: full_date, date, weekday, time, mood, activities, scales (newer ones only),
note_title, note. The file has a byte-order mark; `date`, `weekday` and `time` are written as the phone's language has
them; activities and scales are parted by " | "; a note holds <br> and entities instead of line ends.
"""

import re
from collections.abc import Collection, Sequence
from datetime import date, time
from html import unescape

from journal.domain.imports import BAD_DAY, UNEVEN, Line, Report, Told, build, read_day

SOURCE = "Daylio"
MOODS = {"rad": 10, "good": 8, "meh": 5, "bad": 3, "awful": 1}
"""Daylio's own five words on the journal's scale from 0 to 10. Own choice: the ends are not the very ends below."""
UNKNOWN = (
    "The mood “{word}” isn’t one of Daylio’s own. Write rad, good, meh, bad or awful in its place, "
    "or take this row out of the file."
)
BAD_TIME = "Write the time such as 16:10 or 4:10 pm, or leave it empty."
TIME = re.compile(r"(\d{1,2})[:.h](\d{2})(?: *([ap])\.? ?m\.?)?", re.IGNORECASE)
BREAK = re.compile(r"<br ?/?>|</p>|</li>|</div>", re.IGNORECASE)
TAG = re.compile(
    r"</?(?:b|i|u|s|p|em|strong|strike|div|span|font|ul|ol|li|h[1-6])(?: [^<>]*)?>", re.IGNORECASE
)


def fits(header: Collection[str]) -> bool:
    return {"full_date", "mood"} <= set(header)


def read(lines: Sequence[Line], today: date, taken: Collection[date]) -> Report:
    told = [_told(line) for line in reversed(lines)]
    return build(SOURCE, told, today, taken)


def _told(line: Line) -> Told:
    day = read_day(line.cells.get("full_date", ""))
    word = line.cells.get("mood", "").strip()
    at, clock = None, line.cells.get("time", "").replace("\u202f", " ").replace("\xa0", " ").strip()
    if clock:
        at = _time(clock)
    problem = ""
    if line.uneven:
        problem = UNEVEN
    elif day is None:
        problem = BAD_DAY
    elif clock and at is None:
        problem = BAD_TIME
    elif word.casefold() not in MOODS:
        problem = UNKNOWN.format(word=word[:40])
    if problem:
        return Told(line.number, day, problem=problem)
    return Told(
        line.number,
        day,
        at,
        {"mood": MOODS[word.casefold()]},
        tuple(_lines(line)),
        f"Mood: {word.casefold()}",
    )


def _time(text: str) -> time | None:
    found = TIME.fullmatch(text)
    if found is None:
        return None
    hour, minute, half = int(found[1]), int(found[2]), (found[3] or "").casefold()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _lines(line: Line) -> list[str]:
    texts = [plain(line.cells.get("note_title", "")), plain(line.cells.get("note", ""))]
    for name in ("activities", "scales"):
        parts = [part for part in map(plain, line.cells.get(name, "").split("|")) if part]
        if parts:
            texts.append(f"{name.capitalize()}: {', '.join(parts)}")
    return [text for text in texts if text]


def plain(text: str) -> str:
    """A note without Daylio's markup."""
    return unescape(TAG.sub("", BREAK.sub("\n", text))).replace("\xa0", " ").strip()
