"""The CSV file: RFC 4180, the same numbers as on the page, and nothing that a spreadsheet would run."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from journal.domain import summary_csv
from journal.domain import trends as domain_trends
from journal.domain.cells import guard, unguard
from journal.domain.fields import FORBIDDEN
from journal.domain.summary import Summary, Written
from tests.cast import TODAY, Cast
from tests.summaries.told import summarize, tell

pytestmark = pytest.mark.long

RISKY = "=+-@\t\r\n＝＋－＠−﹦﹢﹣﹫"


@pytest.fixture
def summary(cast: Cast, session: Session) -> Summary:
    tell(session, cast.patient.viewer)
    return summarize(session, cast.patient.viewer)


def read(text: str) -> list[dict[str, str]]:
    assert text[0] == "\ufeff"
    return list(csv.DictReader(io.StringIO(text[1:], newline=""), strict=True))


def test_a_row_for_each_measure_and_day(summary: Summary) -> None:
    rows = read(summary_csv.write(summary))
    told = domain_trends.to_json(summary.trends)
    assert [
        (r["id"], r["day"], int(r["value"]), r["late"] == "late") for r in rows if r["kind"] == "measure"
    ] == [
        (s["id"], day, value, late)
        for s in told["series"]
        for day, value, late in zip(told["dates"], s["values"], s["late"], strict=True)
        if value is not None
    ]
    scores = sorted((r["id"], r["day"], float(r["value"])) for r in rows if r["kind"] == "score")
    assert scores == sorted(
        (q["code"], s["day"], s["score"]) for q in told["questionnaires"] for s in q["scores"]
    )
    assert [(r["id"], r["day"], r["value"]) for r in rows if r["kind"] == "side-effect"] == [
        (effect, day.day.isoformat(), grade)
        for day in summary.days
        for effect, grade in day.side_effects.items()
    ]
    said = {r["value"] for r in rows if r["kind"] == "sentence"}
    assert said >= {s["sentence"] for s in told["series"]}
    assert said >= {b["sentence"] for b in told["aligned"]["benefit"] if b["sentence"]}


def test_what_else_it_holds(summary: Summary) -> None:
    rows = read(summary_csv.write(summary))
    by_kind: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_kind.setdefault(row["kind"], []).append(row)
    doses = [
        (r["day"], r["value"], r["scale"], r["detail"]) for r in by_kind["infusion"] if r["id"] == "dose_mg"
    ]
    assert doses[:2] == [
        ("2026-09-23", "1277.3", "mg", "infusion 1"),
        ("2026-10-23", "41.3", "mg", "infusion 2"),
    ]
    assert {(r["id"], r["value"]) for r in by_kind["vital"]} >= {
        ("peak_systolic", "183"),
        ("after_oxygen", "98"),
    }
    nausea = next(r for r in by_kind["after-infusion"] if r["id"] == "nausea")
    assert (
        nausea["detail"]
        == "infusion 2, first report; started: during the infusion; no longer there; gone: later that day"
    )
    assert next(r for r in by_kind["after-infusion"] if r["id"] == "diss_next_day")["day"] == "2026-10-24"
    assert sum(int(r["value"]) for r in by_kind["answer"] if r["id"] == "phq9_9") == 2
    assert {r["detail"] for r in by_kind["flag"]} and all(r["day"] for r in by_kind["flag"])
    about = {r["id"]: r["value"] for r in by_kind["about"]}
    assert about["not-shared"] == "Nothing" and about["name"] == "Mara Lind" and about["days-logged"] == "58"


def test_lines_and_quotes_are_those_of_the_rfc(summary: Summary) -> None:
    note = Written(TODAY, datetime.now(UTC), "note", 'He said "no",\nthen left.')
    text = summary_csv.write(replace(summary, notes=(note,)))
    assert text.endswith('"He said ""no"",\nthen left.",,,\r\n')
    assert text.count("\r\n") == len(read(text)) + 1
    assert text == summary_csv.write(replace(summary, notes=(note,)))


@pytest.mark.parametrize("sign", RISKY)
@pytest.mark.parametrize("before", ["", "'", " ", "\u00a0", "\ufeff", "''  "])
def test_a_formula_gets_an_apostrophe(sign: str, before: str) -> None:
    text = f"{before}{sign}cmd"
    if before.strip("'") and sign in "\t\r\n":
        return  # a line break after a space is no start of a cell
    assert guard(text) == f"'{text}"
    assert unguard(guard(text)) == text


@pytest.mark.parametrize(
    ("text", "guarded"),
    [
        ("a;=1+1;b", "a;'=1+1;b"),
        ("one\n- two", "one\n'- two"),
        ("'tis; fine", "'tis; fine"),
        ("5 - 3 = 2", "5 - 3 = 2"),
    ],
)
def test_where_a_spreadsheet_might_begin_a_cell(text: str, guarded: str) -> None:
    assert guard(text) == guarded
    assert unguard(guarded) == text


hostile = st.lists(
    st.one_of(
        st.sampled_from([*RISKY, ";", ",", '"', "'", " ", "cmd|'/C calc'!A0", "HYPERLINK"]),
        st.text(max_size=5),
    ),
    max_size=8,
).map("".join)


def test_hostile_words_come_back_and_never_run(summary: Summary) -> None:
    @given(hostile, hostile)
    def check(name: str, words: str) -> None:
        if FORBIDDEN.search(name + words):
            return  # refused at every door
        note = Written(TODAY, datetime.now(UTC), "note", words)
        told = replace(summary, name=name, notes=(note,))
        cells = list(csv.reader(io.StringIO(summary_csv.write(told)[1:], newline=""), strict=True))
        assert cells[0] == list(summary_csv.HEADER)
        written = [[str(cell) for cell in row] for row in summary_csv.rows(told)]
        assert [[unguard(cell) for cell in row] for row in cells[1:]] == written
        for cell in (c for row in cells for c in row):
            assert not cell or cell[0] not in RISKY, cell
            for start in cell.replace("\t", ";").replace("\r", ";").replace("\n", ";").split(";"):
                assert not start.strip() or start.strip()[0] not in RISKY, cell

    check()
