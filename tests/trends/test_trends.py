"""Trends: charts, tables, sentences and the JSON say the same, and the number of reads is fixed."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from journal.domain.infusion import Infusion
from tests.cast import TODAY, Cast, log_checkin, log_infusion


def fill(session: Session, cast: Cast, days: int = 40) -> None:
    viewer = cast.patient.viewer
    for back in range(days):
        if back in (5, 6, 20):
            continue
        day = TODAY - timedelta(days=back)
        mood = 2 if back > 30 else 7 if back > 12 else 6
        log_checkin(
            session,
            viewer,
            day,
            {"mood": mood, "anxiety": 3},
            side_effects={"nausea": "mild" if back == 29 else "none"},
        )
    for number, back in ((1, 30), (2, 15), (3, 3)):
        log_infusion(session, viewer, TODAY - timedelta(days=back), **{"number": number})
    session.commit()


def test_the_page_says_what_the_json_says(cast: Cast, session: Session) -> None:
    fill(session, cast)
    browser = cast.patient.sign_in()
    page = browser.get("/trends?days=90").text
    told = browser.get("/trends.json?days=90").json
    assert [s["id"] for s in told["series"]] == ["mood", "anxiety"]
    for series in told["series"]:
        assert series["sentence"] in page
        rows = re.findall(r'<tr><th scope="row">(?!−?\d+<)[^<]+</th><td[^>]*>(.*?)</td>', page)
        assert len(rows) > 30
    for benefit in told["aligned"]["benefit"]:
        assert benefit["sentence"] in page
    assert told["aligned"]["n"][3] == 3
    mood = told["series"][0]
    cells = re.search(r"Mood, table.*?<tbody>(.*?)</tbody>", page, re.S)
    assert cells
    shown = list(re.findall(r"</th><td[^>]*>(.*?)</td>", cells[1]))
    assert [int(v) for v in shown if v.isdigit()] == [v for v in reversed(mood["values"]) if v is not None]
    aligned = re.search(r"around each infusion, table.*?<tbody>(.*?)</tbody>", page, re.S)
    assert aligned
    bold = re.findall(r"<b>([\d.]+)</b>", aligned[1])
    assert [float(b) for b in bold] == [m for m in told["aligned"]["median"] if m is not None]


def test_days_of_benefit_reach_the_page(cast: Cast, session: Session) -> None:
    fill(session, cast)
    browser = cast.patient.sign_in()
    benefit = browser.get("/trends.json?days=90").json["aligned"]["benefit"]
    assert [(b["number"], b["kind"]) for b in benefit] == [
        (1, "at-least"),
        (2, "at-least"),
        (3, "not-enough-data"),
    ] or benefit[0]["days"]
    assert "your mood was at least half as low as before for" in browser.get("/trends").text


def test_infusion_1_long_ago_still_gives_the_baseline(cast: Cast, session: Session) -> None:
    """In a window of 14 days the week before infusion 1 is read as well."""
    fill(session, cast)
    browser = cast.patient.sign_in()
    short = browser.get("/trends.json?days=14").json["aligned"]["benefit"]
    long = {b["number"]: b for b in browser.get("/trends.json?days=all").json["aligned"]["benefit"]}
    assert short and all(b == long[b["number"]] for b in short)
    assert short[0]["baseline"] == 8.0


@pytest.mark.parametrize(("days", "count"), [("14", 14), ("90", 90), ("all", 40)])
def test_windows(cast: Cast, session: Session, days: str, count: int) -> None:
    fill(session, cast)
    assert len(cast.patient.sign_in().get(f"/trends.json?days={days}").json["dates"]) == count


@pytest.mark.parametrize("days", ["0", "x", "-1", "91", ""])
def test_other_windows_are_refused(cast: Cast, days: str) -> None:
    assert cast.patient.sign_in().get(f"/trends.json?days={days}", expect=400).json["error"]


def test_nothing_logged_yet(cast: Cast) -> None:
    page = cast.newcomer.sign_in().get("/trends")
    assert "Your first chart appears" in page.text
    assert "<canvas" not in page.text


def test_gaps_are_gaps_in_the_drawing(cast: Cast, session: Session) -> None:
    fill(session, cast)
    page = cast.patient.sign_in().get("/trends").text
    path = re.search(r'data-daily="mood".*?<path class="value" d="([^"]+)"', page, re.S)
    assert path
    assert path[1].count("M") == 3  # broken at the two gaps


def test_without_a_script_each_chart_has_its_table(cast: Cast, session: Session) -> None:
    fill(session, cast)
    page = cast.patient.sign_in().get("/trends").text
    assert page.count('<svg class="chart"') == page.count("<table>")


def test_the_number_of_reads_does_not_grow(cast: Cast, session: Session, database: Any) -> None:
    browser = cast.patient.sign_in()
    counted: dict[str, int] = {}

    def count(*args: Any) -> None:
        if not args[2].lstrip().upper().startswith(("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "PRAGMA")):
            counted["now"] = counted.get("now", 0) + 1

    event.listen(database.engine, "before_cursor_execute", count)
    try:
        told = {}
        for stage in ("little", "much"):
            if stage == "much":
                fill(session, cast)
                browser.send(
                    "/account/passkeys/not-now", page="/today"
                )  # until then, one more looks for the answer
                browser.get("/today")
            for path in ("/today", "/trends?days=all", "/trends.json?days=all", "/check-ins", "/infusions"):
                counted["now"] = 0
                browser.get(path)
                told[stage, path] = counted["now"]
    finally:
        event.remove(database.engine, "before_cursor_execute", count)
    for path in ("/today", "/trends?days=all", "/trends.json?days=all", "/check-ins", "/infusions"):
        assert told["little", path] == told["much", path] <= 4, (
            path
        )  # who, does help wait, and at most two for the page


def test_a_save_takes_at_most_six_statements(cast: Cast, database: Any) -> None:
    browser = cast.patient.sign_in()
    browser.get("/today")
    browser.send("/check-ins/2026-11-22", {"mood": "4"})
    browser.get("/check-ins/2026-11-21/log")
    counted: list[str] = []

    def count(*args: Any) -> None:
        if not args[2].lstrip().upper().startswith(("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "PRAGMA")):
            counted.append(args[2])

    event.listen(database.engine, "before_cursor_execute", count)
    try:
        browser.send("/check-ins/2026-11-21", {"mood": "5", "note": "words"})
    finally:
        event.remove(database.engine, "before_cursor_execute", count)
    assert len(counted) <= 6, counted


def test_an_infusion_without_a_number_follows_the_one_before(cast: Cast, session: Session) -> None:
    viewer = cast.patient.viewer
    log_infusion(session, viewer, TODAY - timedelta(days=5), number=4)
    log_infusion(session, viewer, TODAY - timedelta(days=2))
    session.commit()
    told = cast.patient.sign_in().get("/trends.json").json
    assert [i["number"] for i in told["infusions"]] == [4, 5]
    assert Infusion().number is None
