"""Tables of other apps: what each row becomes, or what is wrong with it."""

from collections.abc import Collection
from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.domain import imports, imports_daylio, imports_emoods
from journal.domain.errors import Refused
from journal.domain.imports import MOST_ROWS, Report

TODAY = date(2026, 11, 22)
NEW = "full_date,date,weekday,time,mood,activities,scales,note_title,note"
OLD = "full_date,date,weekday,time,mood,activities,note_title,note"
EMOODS = (
    "ID,DATE (YYYY-MM-DD),IRRITABILITY,ANXIETY,DEPRESSED,ELEVATED,SLEEP,PSYCHOTIC SYMPTOMS,NOTE,THERAPY,"
    "MENSTRUAL CYCLE,WEIGHT"
)


def read(text: str, taken: Collection[date] = ()) -> Report:
    header, lines = imports.read_lines(text)
    for one in (imports_daylio, imports_emoods):
        if one.fits(header):
            return one.read(lines, TODAY, taken)
    raise AssertionError(header)


def daylio(*rows: str, header: str = NEW) -> Report:
    return read("\n".join((header, *rows)) + "\n")


def emoods(*rows: str) -> Report:
    return read("\n".join((EMOODS, *rows)) + "\n")


def row(mood: str = "good", day: str = "2026-11-20", at: str = "18:20", note: str = "") -> str:
    return f'{day},November 20,Friday,{at},{mood},"","","","{note}"'


@pytest.mark.parametrize(
    ("mood", "value"),
    [("rad", 10), ("good", 8), ("meh", 5), ("bad", 3), ("awful", 1), (" Rad ", 10), ("GOOD", 8)],
)
def test_daylios_own_moods(mood: str, value: int) -> None:
    [day] = daylio(row(mood)).days
    assert dict(day.checkin.measures) == {"mood": value}


def test_a_row_with_everything() -> None:
    text = '2026-11-20,20. November,Freitag,8:05 pm,good,"work | long walk","Sleep Quality: 6/10 points | Sleep Time: 7:30","A title","One<br>two &amp; <b>three</b> <3, ""four"""'
    [day] = daylio(text).days
    assert (day.day, day.at) == (date(2026, 11, 20), time(20, 5))
    assert day.checkin.note.split("\n") == [
        "A title",
        "One",
        'two & three <3, "four"',
        "Activities: work, long walk",
        "Scales: Sleep Quality: 6/10 points, Sleep Time: 7:30",
    ]


def test_the_older_columns_are_read_too() -> None:
    [day] = daylio('2021-03-27,March 27,Saturday,20:39,bad,"kids","","So so"', header=OLD).days
    assert day.checkin.note == "So so\nActivities: kids"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("18:20", time(18, 20)),
        ("8:05 pm", time(20, 5)),
        ("8:05\u202fPM", time(20, 5)),
        ("8:05 p.m.", time(20, 5)),
        ("12:05 am", time(0, 5)),
        ("12:05 pm", time(12, 5)),
        ("8.05", time(8, 5)),
        ("0:00", time(0, 0)),
        ("٨:٠٥", time(8, 5)),
        ("", None),
    ],
)
def test_times_as_phones_write_them(text: str, at: time | None) -> None:
    [day] = daylio(row(at=text)).days
    assert day.at == at


@pytest.mark.parametrize("text", ["24:00", "13:00 pm", "0:10 am", "12:60", "evening", "-1:00", "1e3"])
def test_times_that_are_none(text: str) -> None:
    [problem] = daylio(row(at=text)).problems
    assert problem.problem == imports_daylio.BAD_TIME


def test_of_several_on_a_day_the_last_one_counts() -> None:
    """Daylio puts the newest first."""
    report = daylio(
        row("bad", at="9:00 pm", note="late"), row("rad", at="4:10 pm", note="walk"), row("meh", at="8:00 am")
    )
    [day] = report.days
    assert (day.at, dict(day.checkin.measures), day.checkin.note) == (time(21), {"mood": 3}, "late")
    assert [(at, note.text) for at, note in day.notes] == [
        (time(8), "Mood: meh"),
        (time(16, 10), "Mood: rad\nwalk"),
    ]
    assert [one.becomes for one in report.rows] == [
        "Mood 3, a note",
        "A note of its own on that day",
        "A note of its own on that day",
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (row("chill"), "The mood “chill” isn’t one of Daylio’s own"),
        (row(""), "The mood “” isn’t"),
        (row("a" * 999), "isn’t one of Daylio’s own"),
        (row(day="20.11.2026"), "such as 2026-11-22"),
        (row(day=""), "such as 2026-11-22"),
        (row(day="2026-02-30"), "such as 2026-11-22"),
        (row(day="1999-12-31"), "such as 2026-11-22"),
        (row(day="2026-11-23"), "still to come"),
        (row(note="a" * 5001), "1 characters too long"),
        (row(note="\x07"), "a sign in here"),
        ("2026-11-20,November 20,Friday,18:20,good,a,b,c,d,and one more", "more cells than the first"),
    ],
)
def test_what_is_wrong_with_a_row(line: str, words: str) -> None:
    """The other rows are looked at all the same, and each is told by its number."""
    report = daylio(row(day="2026-11-01"), line, row("rage", day="2026-11-02"))
    assert [one.number for one in report.problems] == [3, 4]
    assert words in report.problems[0].problem
    assert report.rows[0].becomes == "Mood 8"


def test_today_can_be_brought_in_and_tomorrow_not() -> None:
    assert daylio(row(day="2026-11-22")).days and not daylio(row(day="2026-11-22")).problems
    assert daylio(row(day="2026-11-23")).problems


def test_a_day_that_has_a_checkin_is_refused() -> None:
    report = read(f"{NEW}\n{row()}\n{row(day='2026-11-19')}\n", {date(2026, 11, 20)})
    assert [(one.number, one.problem) for one in report.problems] == [(2, imports.TAKEN)]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_whatever_a_spreadsheet_makes_of_it(separator: str, end: str) -> None:
    header = NEW.replace(",", separator)
    line = separator.join(
        ('"2026-11-20"', "x", "y", "18:20", "rad", '"a | b"', "", "", '"one, two; three\tfour\nfive"')
    )
    [day] = read("\ufeff" + header + end + line + end).days
    assert day.checkin.note == "one, two; three\tfour\nfive\nActivities: a, b"


def test_a_formula_is_only_text() -> None:
    [day] = daylio(row(note="=HYPERLINK(1)")).days
    assert day.checkin.note == "=HYPERLINK(1)"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no days in this file"),
        ("\ufeff", "no days in this file"),
        (NEW, "no days in this file"),
        (NEW + "\n\n ,,\n", "no days in this file"),
        (NEW + '\n2026-11-20,x,y,18:20,good,"a', "may be missing there"),
        (NEW + '\n2026-11-20,x,y,18:20,good,"a"b,c', "may be missing there"),
        (NEW + '\n"' + "a" * 140_000 + '"', "may be missing there"),
        (NEW + "\n" + (row() + "\n") * (MOST_ROWS + 1), "more than 20,000 rows"),
    ],
)
def test_files_that_are_no_table(text: str, words: str) -> None:
    with pytest.raises(Refused) as refused:
        imports.read_lines(text)
    assert words in refused.value.reasons["file"]


@pytest.mark.parametrize(
    ("cells", "measures", "note"),
    [
        ("1,2026-11-20,1,1,1,1,0.0,0,,0,0,0.0", {"mood": 7, "anxiety": 0}, ["Irritability: none", "Depressed mood: none"]),
        ("1,2026-11-20,0,0,2,0,0.0,0,,0,0,0.0", {"mood": 5}, ["Depressed mood: mild"]),
        ("1,2026-11-20,0,3,3,0,8.5,0,,0,0,0.0", {"mood": 3, "anxiety": 6}, ["Sleep: 8.5 hours", "Anxiety: moderate"]),
        ("1,2026-11-20,0,4,4,0,1.0,1,,1,1,148.0", {"mood": 1, "anxiety": 9}, ["Sleep: 1 hour", "Psychotic symptoms: yes", "Therapy: yes", "Menstrual cycle: yes", "Weight: 148"]),
        ("1,2026-11-20,0,0,0,4,0.0,0,wired,0,0,0.0", {}, ["wired", "Elevated mood: severe"]),
        ("1,2026-11-20,0,mild,,none,,N,,0,0,", {"anxiety": 3}, ["Elevated mood: none", "Anxiety: mild"]),
    ],
)  # fmt: skip
def test_emoods(cells: str, measures: dict[str, int], note: list[str]) -> None:
    [day] = emoods(cells).days
    assert dict(day.checkin.measures) == measures
    assert set(note) <= set(day.checkin.note.split("\n"))


def test_elevated_mood_is_not_better_mood() -> None:
    low, high = (emoods(f"1,2026-11-20,0,0,1,{level},0,0,,0,0,0").days[0] for level in (1, 4))
    assert low.checkin.measures == high.checkin.measures


def test_a_day_without_anything_marked_is_left_out() -> None:
    report = emoods("1,2026-11-20,0,0,0,0,0.0,0,,0,0,0.0")
    assert not report.days and not report.problems
    assert report.rows[0].becomes == imports.NOTHING


@pytest.mark.parametrize("level", ["5", "-1", "2.5", "a lot", "1e0"])
def test_a_level_that_is_none(level: str) -> None:
    [problem] = emoods(f"1,2026-11-20,0,{level},1,1,0,0,,0,0,0").problems
    assert (
        problem.problem
        == f"Anxiety is “{level}”. eMoods counts from 0 to 4. Write one of these in its place."
    )


def test_a_column_of_ones_own_goes_into_the_note() -> None:
    [day] = read(f"{EMOODS},CUPS OF TEA\n1,2026-11-20,0,0,1,0,0,0,,0,0,0,4\n").days
    assert "Cups of tea: 4" in day.checkin.note.split("\n")


def test_two_rows_of_one_day() -> None:
    [day] = emoods("1,2026-11-20,0,0,4,0,0,0,early,0,0,0", "2,2026-11-20,0,0,1,0,0,0,late,0,0,0").days
    assert dict(day.checkin.measures) == {"mood": 7} and day.checkin.note.startswith("late")
    assert [note.text for _at, note in day.notes] == ["early\nDepressed mood: severe"]


@given(st.text(max_size=400), st.sampled_from([NEW, OLD, EMOODS, ""]))
def test_whatever_comes_is_told_in_sentences(text: str, header: str) -> None:
    try:
        report = read(f"{header}\n{text}")
    except (Refused, AssertionError):
        return
    assert all(one.becomes or one.problem for one in report.rows)
    kept = {one.number for one in report.rows if not one.problem}
    assert len(kept) + len(report.problems) == len(report.rows)
