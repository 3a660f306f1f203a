"""Infusions, the plan, and how each one was."""

import re
from typing import Any

import pytest

from tests.cast import Cast
from tests.client import CheckingClient

ALL = {
    "day": "2026-11-22",
    "started": "10:00",
    "minutes": "40",
    "number": "3",
    "phase": "maintenance",
    "dose_mg": "38,5",
    "dose_mg_per_kg": "0.5",
    "route": "iv",
    "setting": "clinic",
    "feeling_before": "a little afraid",
    "vitals-before_systolic": "120",
    "vitals-before_diastolic": "80",
    "vitals-peak_oxygen": "97",
    "note": "blue chair",
}


def log(browser: CheckingClient, **fields: str) -> str:
    browser.get("/infusions/new")
    answer = browser.send("/infusions/new", {**ALL, **fields})
    return str(answer.location)


def test_everything_about_an_infusion(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    path = log(browser)
    page = browser.get(path).text
    for words in (
        "Infusion 3",
        "38.5 mg",
        "0.5 mg per kg",
        "By vein (IV)",
        "a little afraid",
        "blue chair",
        "97",
        "10:00 am to 10:40 am",
    ):
        assert words in page, words
    assert "No driving until Monday 10:40 am" in page and "22 hours 40 minutes left" in page
    assert "Do not drive, cycle, or use machines." in page
    assert "No driving until" in browser.get("/today").text


def test_low_light_is_offered_for_a_day_where_the_groggy_come_by(cast: Cast, clock: Any) -> None:
    browser = cast.patient.sign_in()
    path = log(browser)
    offer = "Does the light bother you?"
    clock.shift(22 * 3600 + 39 * 60)  # 10:39 am on the next day, a minute before the end
    for address in ("/today", path, f"{path}/after"):
        assert offer in browser.get(address).text, address
    clock.shift(60)
    for address in ("/today", path, f"{path}/after"):
        assert offer not in browser.get(address).text, address


def test_only_the_day_is_needed(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get("/infusions/new")
    answer = browser.send("/infusions/new", {"day": "2026-11-20"})
    assert "Infusion 1" in browser.follow(answer).text


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("day", "", "Enter the day of the infusion."),
        ("day", "2026-11-23", "still to come"),
        ("day", "22.11.2026", "Enter a date from 2000 on"),
        ("started", "23:59", "still to come"),
        ("minutes", "0", "whole minutes from 1 to 720"),
        ("minutes", "forty", "whole minutes from 1 to 720"),
        ("started", "25:00", "Enter a time such as"),
        ("dose_mg", "-1", "Enter milligrams from 0.1 to 2000"),
        ("dose_mg", "1e9", "Enter milligrams from 0.1 to 2000"),
        ("dose_mg", "1.23456", "three places"),
        ("route", "telepathy", "Choose from the list."),
        ("vitals-before_diastolic", "130", "below the upper one"),
        ("vitals-peak_oxygen", "101", "between 50 and 100"),
    ],
)
def test_bad_input(cast: Cast, field: str, value: str, words: str) -> None:
    browser = cast.patient.sign_in()
    browser.get("/infusions/new")
    page = browser.send("/infusions/new", {**ALL, field: value}, expect=422)
    assert words in page.text and "blue chair" in page.text
    assert f'href="#{field}"' in page.text


def test_changed_deleted_and_brought_back(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    path = log(browser)
    browser.get(f"{path}/edit")
    browser.send(f"{path}/edit", {**ALL, "number": "4"})
    assert "Infusion 4" in browser.get(path).text
    assert "Counts now" in browser.get(f"{path}/history").text
    browser.get(f"{path}/delete")
    page = browser.send(f"{path}/delete", expect=200)
    assert "Bring it back" in page.text
    browser.get(path, expect=404)
    browser.page = page
    browser.follow(browser.send(f"{path}/restore"))


def test_the_plan_and_its_template(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get("/infusions/plan")
    page = browser.send("/infusions/plan", {"first": "2026-11-24", "action": "fill"}, expect=200)
    days = re.findall(r'name="days" value="(\d{4}-\d{2}-\d{2})"', page.text)
    assert days == ["2026-11-24", "2026-11-27", "2026-12-01", "2026-12-04", "2026-12-08", "2026-12-11"]
    page = browser.send("/infusions/plan", {"days": ["2026-11-25", *days[1:]], "action": "save"})
    assert "Wednesday 25 November" in browser.follow(page).text
    assert "In your plan: Wednesday 25 November" in browser.get("/today").text
    browser.get("/infusions/plan")
    page = browser.send(
        "/infusions/plan", {"days": ["2026-11-25", "2026-11-25"], "action": "save"}, expect=422
    )
    assert "in the plan already" in page.text
    page = browser.send("/infusions/plan", {"first": "", "action": "fill"}, expect=422)
    assert "Enter the first day" in page.text


def test_a_plan_made_from_a_version_that_never_was(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get("/infusions/plan")
    browser.send("/infusions/plan", {"days": ["2026-12-02"], "action": "save"})
    page = browser.send(
        "/infusions/plan", {"days": ["2026-12-01"], "action": "save", "base": "10"}, expect=422
    )
    assert "2026-12-01" in page.text and 'id="errors"' in page.text


def test_three_taps_then_finish_tomorrow(cast: Cast, clock: Any) -> None:
    browser = cast.patient.sign_in()
    path = log(browser)
    page = browser.get(f"{path}/after")
    assert "Three taps, then rest" in page.text
    answer = browser.send(
        f"{path}/after", {"diss_peak": "7", "worst_side_effect": "mild", "any_red_flag_now": "no"}
    )
    page = browser.follow(answer)
    assert "in the first 6 hours" in page.text and "Answer more questions now" in page.text
    clock.shift(86400)
    assert "longer questions wait" in browser.get("/infusions").text
    assert "The day after" in browser.get(f"{path}/after").text
    browser.send(
        f"{path}/after",
        {"diss_next_day": "2", "still_senses": "no", "side_effects-nausea": "mild", "still-nausea": "yes"},
    )
    page = browser.get(f"{path}/after?part=first&all=1")
    assert 'name="diss_peak" value="7" checked' in page.text
    more = {
        "diss_peak": "7",
        "diss_unreal": "moderate",
        "diss_peace": "8",
        "diss_distress": "1",
        "diss_duration": "2h",
    }
    more |= {
        "side_effects-dizziness": "moderate",
        "started-dizziness": "during",
        "still-dizziness": "no",
        "gone-dizziness": "2h",
    }
    page = browser.follow(browser.send(f"{path}/after", more))
    for words in (
        "Calm or peaceful",
        "1 to 2 hours after",
        "gone: within 2 hours",
        "The day after",
        "still there",
    ):
        assert words in page.text, words


def test_answering_more_now_keeps_the_three_taps(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    path = log(browser)
    browser.get(f"{path}/after")
    page = browser.send(f"{path}/after", {"diss_peak": "7", "action": "everything"}, expect=200)
    assert 'name="diss_peak" value="7" checked' in page.text and "What it was like" in page.text


def test_a_red_flag_now_leads_to_help(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    path = log(browser)
    browser.get(f"{path}/after")
    answer = browser.send(f"{path}/after", {"any_red_flag_now": "yes"})
    assert "Your answer is saved" in browser.follow(answer).text


def test_the_next_days_questions_wait_for_the_next_day(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    path = log(browser)
    browser.get(f"{path}/after?part=next-day")
    page = browser.send(f"{path}/after", {"diss_next_day": "3"}, expect=422)
    assert "Come back tomorrow" in page.text


@pytest.mark.parametrize(("shift", "code"), [(14, 303), (15, 422)])
def test_a_report_can_be_filled_in_for_fourteen_days(cast: Cast, clock: Any, shift: int, code: int) -> None:
    browser = cast.patient.sign_in()
    path = log(browser)
    clock.shift(shift * 86400)
    browser.get(f"{path}/after?part=first&all=1")
    browser.send(f"{path}/after", {"diss_peak": "7"}, expect=code)


def test_still_there_and_gone_at_once_is_refused(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    path = log(browser)
    browser.get(f"{path}/after?all=1")
    page = browser.send(
        f"{path}/after",
        {"side_effects-nausea": "mild", "still-nausea": "yes", "gone-nausea": "2h"},
        expect=422,
    )
    assert "still there, and when it was gone" in page.text


def test_words_promise_nothing(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    path = log(browser)
    for page in (
        path,
        f"{path}/after",
        f"{path}/after?all=1",
        "/infusions",
        "/infusions/plan",
        "/trends",
        "/welcome/ready",
    ):
        words = browser.get(page).text.lower()
        assert not re.search(r"you are due|will work|better result|recommend|you should", words), page


@pytest.mark.parametrize(("day", "phase"), [("2026-11-08", "series"), ("2026-11-07", "maintenance")])
def test_the_next_phase_is_proposed_by_the_time_since(cast: Cast, day: str, phase: str) -> None:
    browser = cast.patient.sign_in()
    log(browser, day=day, phase="series")
    page = browser.get("/infusions/new").text
    assert re.search(rf'value="{phase}"( checked| selected)', page)
