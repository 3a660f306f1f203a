"""Warning signs are kept, shown, and lead to help; versions from two phones are all shown."""

from typing import Any

import pytest

from tests.cast import Cast
from tests.infusions.test_infusions import log


@pytest.mark.parametrize("action", ["everything", "all-side-effects"])
def test_yes_then_more_questions_is_saved_and_leads_to_help(cast: Cast, action: str) -> None:
    browser = cast.patient.sign_in()
    path = log(browser)
    browser.get(f"{path}/after")
    answer = browser.send(f"{path}/after", {"diss_peak": "7", "any_red_flag_now": "yes", "action": action})
    assert "Your answer is saved" in browser.follow(answer).text
    assert browser.send("/help-now/seen").location == path
    page = browser.get(path).text
    assert "A warning sign was happening then</dt><dd>Yes" in page and "Help now" in page


def test_finishing_tomorrow_keeps_what_was_answered(cast: Cast, clock: Any) -> None:
    browser = cast.patient.sign_in()
    path = log(browser)
    browser.get(f"{path}/after")
    browser.send(f"{path}/after", {"diss_peak": "7", "any_red_flag_now": "no"})
    clock.shift(86400)
    page = browser.get(f"{path}/after?part=first&all=1")
    assert 'name="any_red_flag_now" value="no" checked' in page.text


@pytest.mark.parametrize(
    ("fields", "helps"),
    [
        ({"diss_next_day": "3", "still_senses": "no"}, False),
        ({"diss_next_day": "4"}, True),
        ({"still_senses": "yes"}, True),
        ({"diss_duration": "not-yet"}, True),
        ({"diss_duration": "longer"}, False),
    ],
)
def test_the_day_after(cast: Cast, clock: Any, fields: dict[str, str], helps: bool) -> None:
    browser = cast.patient.sign_in()
    path = log(browser)
    clock.shift(86400)
    browser.get(f"{path}/after?part=next-day")
    answer = browser.send(f"{path}/after", fields)
    assert answer.location.startswith("/help-now") is helps


def test_a_red_flag_of_the_day_after_stays_in_the_form(cast: Cast, clock: Any) -> None:
    browser = cast.patient.sign_in()
    path = log(browser)
    clock.shift(86400)
    browser.get(f"{path}/after?part=next-day")
    browser.send(f"{path}/after", {"side_effects-chest_pain": "mild", "happening_now-chest_pain": "no"})
    page = browser.get(f"{path}/after?part=next-day")
    assert 'name="side_effects-chest_pain" value="mild" checked' in page.text


def test_two_phones_one_report_and_one_plan(cast: Cast) -> None:
    one, two = cast.patient.sign_in(), cast.patient.sign_in()
    path = log(one)
    for browser in (one, two):
        browser.get(f"{path}/after")
    one.send(f"{path}/after", {"diss_peak": "7"})
    two.follow(two.send(f"{path}/after", {"diss_peak": "3"}))
    assert "Two versions" in two.get(path).text
    history = f"{path}/after/history?part=first"
    page = two.get(history)
    assert "Made elsewhere" in page.text and "<dd>3</dd>" in page.text and "<dd>7</dd>" in page.text
    two.send(history, {"number": "2", "base": "1", "settles": "2"})
    assert "Strongest, how far from normal</dt><dd>3" in two.get(path).text
    pages = [(b, b.get("/infusions/plan")) for b in (one, two)]
    for (browser, page), day in zip(pages, ("2026-12-01", "2026-12-02"), strict=True):
        browser.page = page
        answer = browser.send("/infusions/plan", {"days": [day], "action": "save"})
    assert answer.location == "/infusions/plan/history"
    assert "1 Dec" in browser.follow(answer).text and "2 Dec" in browser.get("/infusions/plan/history").text


def test_the_notice_that_holds_longest_is_shown(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    log(browser, started="11:00", minutes="30")
    log(browser, started="08:00", number="2")
    for path in ("/infusions", "/today"):
        assert "No driving until Monday 11:30 am" in browser.get(path).text


def test_the_same_infusion_twice_is_not_made(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    log(browser)
    browser.get("/infusions/new")
    page = browser.send(
        "/infusions/new", {"day": "2026-11-22", "started": "10:00", "note": "kept words"}, expect=422
    )
    assert "logged already" in page.text and "kept words" in page.text


def test_a_deleted_infusion_can_be_brought_back_all_day(cast: Cast, clock: Any) -> None:
    browser = cast.patient.sign_in()
    path = log(browser)
    browser.get(f"{path}/delete")
    browser.send(f"{path}/delete", expect=200)
    clock.shift(3600)
    assert "Bring it back" in browser.get("/infusions").text
    clock.shift(86400)
    assert "Bring it back" not in browser.get("/infusions").text
