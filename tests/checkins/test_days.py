"""Days as people use them: late ones, changes, notes, two phones, the night, what is asked."""

import re
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from tests.cast import TODAY, Cast, log_infusion

DAY = "/check-ins/2026-11-22"


def test_past_days_can_be_filled_in_and_are_marked(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    path = "/check-ins/2026-11-08"  # 14 days back
    browser.get(path)
    page = browser.follow(browser.send(path, {"mood": "4"}))
    assert "filled in later" in page.text
    assert "filled in later" in browser.get("/check-ins").text
    told = browser.get("/trends.json?days=90").json
    mood = next(s for s in told["series"] if s["id"] == "mood")
    assert [late for value, late in zip(mood["values"], mood["late"], strict=True) if value is not None] == [
        True
    ]


@pytest.mark.parametrize("day", ["2026-11-07", "2026-11-23", "2027-01-01"])
def test_other_days_are_refused_and_nothing_typed_is_lost(cast: Cast, day: str) -> None:
    browser = cast.patient.sign_in()
    browser.get("/today")
    hidden = browser.hidden(DAY)
    answer = browser.raw("POST", f"/check-ins/{day}", data={**hidden, "mood": "4", "note": "kept words"})
    assert answer.status_code == 422
    assert "Only today and the 14 days before it" in answer.text and "kept words" in answer.text


def test_a_change_keeps_its_history(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get("/today")
    page = browser.follow(browser.send(DAY, {"mood": "4", "note": "first words"}))
    edit = re.search(rf"{DAY}/[0-9a-f-]+/edit", page.text)
    assert edit
    browser.get(edit[0])
    page = browser.follow(browser.send(DAY, {"mood": "7", "note": "second words"}))
    assert "Mood</dt><dd>7" in page.text
    history = browser.get(edit[0].replace("/edit", "/history")).text
    assert "first words" in history and "second words" in history and "Counts now" in history


def test_two_phones_one_day(cast: Cast, clock: Any) -> None:
    one, two = cast.patient.sign_in(), cast.patient.sign_in()
    one.get("/today")
    two.get("/today")
    one.send(DAY, {"mood": "4"})
    clock.shift(3600)
    page = two.follow(two.send(DAY, {"mood": "7"}))
    assert "2 check-ins on this day" in page.text
    told = one.get("/trends.json?days=14").json
    assert next(s for s in told["series"] if s["id"] == "mood")["values"][-1] == 7


def test_two_changes_of_one_check_in_are_shown_and_settled(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get("/today")
    page = browser.follow(browser.send(DAY, {"mood": "4"}))
    edit = re.search(rf"{DAY}/([0-9a-f-]+)/edit", page.text)
    assert edit
    browser.get(edit[0])
    form = browser.hidden(DAY)
    browser.raw("POST", DAY, data={**form, "mood": "6"})
    browser.raw("POST", DAY, data={**form, "mood": "8"})
    page = browser.get("/today")
    assert "Two versions" in page.text and "both versions are kept" in page.text
    history = f"{DAY}/{edit[1]}/history"
    browser.get(history)
    choose = f"{DAY}/{edit[1]}/choose"
    page = browser.follow(browser.send(choose, {"number": "3", "settles": "3"}))
    assert "Mood</dt><dd>8" in page.text and "Two versions" not in page.text


def test_a_double_tap_is_one_check_in(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get("/today")
    form = {**browser.hidden(DAY), "mood": "4"}
    for _ in range(3):
        assert browser.raw("POST", DAY, data=form).status_code == 303
    assert "check-ins on this day" not in browser.get("/today").text


def test_saving_without_the_pages_own_id_works_too(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get("/today")
    token = browser.hidden(DAY)["csrf_token"]
    answer = browser.raw("POST", "/today", data={"csrf_token": token, "mood": "6"})
    assert (answer.status_code, answer.location) == (303, "/today")


def test_same_as_yesterday_without_javascript(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get("/check-ins/2026-11-21")
    browser.send(
        "/check-ins/2026-11-21", {"side_effects-nausea": "moderate", "side_effects-vomiting": "mild"}
    )
    page = browser.get("/today")
    assert "upset stomach (nausea) moderate" in page.text
    page = browser.send(DAY, {"mood": "5", "note": "typed", "action": "same-as-yesterday"}, expect=200)
    assert 'name="side_effects-nausea" value="moderate" checked' in page.text
    assert 'name="side_effects-vomiting" value="mild" checked' in page.text
    assert "typed" in page.text and 'name="mood" value="5" checked' in page.text


def test_something_else_opens_the_list_and_keeps_what_was_typed(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    assert "Vivid dreams" not in browser.get("/today").text
    page = browser.send(DAY, {"mood": "5", "action": "all-side-effects"}, expect=200)
    assert "Vivid dreams" in page.text and "Is this happening right now?" in page.text
    assert 'name="mood" value="5" checked' in page.text


def test_a_red_flag_now_leads_to_help_before_anything_else(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get("/today")
    answer = browser.send(DAY, {"side_effects-chest_pain": "mild", "happening_now-chest_pain": "yes"})
    page = browser.follow(answer)
    assert "Your answer is saved" in page.text and "Call 911" in page.text
    assert "Nobody else sees this, because nothing is shared" in page.text
    assert browser.get("/today", expect=303).location == "/help-now?next=/today"
    browser.follow(browser.get("/today", expect=303))
    assert browser.send("/help-now/seen").location == "/today"
    assert "Chest pain" in browser.get("/today").text


def test_a_red_flag_that_has_passed_does_not(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get("/today")
    answer = browser.send(DAY, {"side_effects-chest_pain": "mild", "happening_now-chest_pain": "no"})
    assert answer.location == "/today"
    page = browser.follow(answer).text
    assert (
        "Please call your clinic today." in page
        and "You logged “Chest pain”, and that it has stopped." in page
    )


def test_notes_at_any_time_of_day(cast: Cast, clock: Any) -> None:
    browser = cast.patient.sign_in()
    browser.get("/today")
    browser.follow(browser.send(DAY, {"mood": "4", "note": "the main note"}))
    for words in ("later words", "last words"):
        clock.shift(3600)
        browser.get("/today")
        browser.send(f"{DAY}/notes", {"note": words})
    page = browser.get("/today")
    assert "1:00 pm" in page.text and "2:00 pm" in page.text and "last words" in page.text
    page = browser.send(f"{DAY}/notes", {"note": "  "}, expect=422)
    assert "Write a few words first." in page.text


def test_a_note_that_is_too_long_is_kept_in_the_form(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get("/today")
    page = browser.send(DAY, {"note": "x" * 5001}, expect=422)
    assert "1 characters too long" in page.text and "x" * 5001 in page.text


def test_deleting_asks_and_can_be_undone_that_day(cast: Cast, clock: Any) -> None:
    browser = cast.patient.sign_in()
    browser.get("/today")
    page = browser.follow(browser.send(DAY, {"mood": "4"}))
    delete = re.search(rf"{DAY}/[0-9a-f-]+/delete", page.text)
    assert delete
    assert "Delete this check-in?" in browser.get(delete[0]).text
    page = browser.follow(browser.send(delete[0]))
    assert "Bring it back" in page.text
    browser.send(delete[0].replace("/delete", "/restore"))
    page = browser.get("/today")
    assert "Mood</dt><dd>4" in page.text
    browser.get(delete[0])
    browser.send(delete[0])
    clock.shift(86400)
    browser.get(DAY)
    browser.send(
        delete[0].replace("/delete", "/restore"),
        {"csrf_token": browser.hidden("/look")["csrf_token"]},
        expect=404,
    )


def test_after_midnight_it_is_still_yesterday_for_who_wants_it(cast: Cast, clock: Any) -> None:
    browser = cast.patient.sign_in()
    browser.send("/account/day-end", {"day_ends_hour": "3"}, page="/account/day-end")
    clock.shift(14 * 3600)  # 2 am on the 23rd
    assert "Sunday 22 November" in browser.get("/today").text
    clock.shift(3600)
    assert "Monday 23 November" in browser.get("/today").text


def test_travel_moves_no_entry(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get("/today")
    browser.send(DAY, {"mood": "4"})
    browser.send("/account/zone", {"zone": "Pacific/Auckland"}, page="/account/zone")
    told = browser.get("/trends.json?days=14").json
    mood = next(s for s in told["series"] if s["id"] == "mood")
    assert told["to"] == "2026-11-23"
    assert dict(zip(told["dates"], mood["values"], strict=True))["2026-11-22"] == 4


def test_dissociation_is_asked_for_seven_days_after_an_infusion(
    cast: Cast, session: Session, clock: Any
) -> None:
    browser = cast.patient.sign_in()
    assert 'name="dissociation"' not in browser.get("/today").text
    log_infusion(session, cast.patient.viewer, TODAY, number=1)
    session.commit()
    assert 'name="dissociation"' in browser.get("/today").text
    clock.shift(7 * 86400)
    assert 'name="dissociation"' in browser.get("/today").text
    clock.shift(86400)
    assert 'name="dissociation"' not in browser.get("/today").text
    browser.send(
        "/check-ins/measures", {"measures": ["mood"], "always_dissociation": "y"}, page="/check-ins/measures"
    )
    assert 'name="dissociation"' in browser.get("/today").text


def test_at_most_five_measures_by_default(cast: Cast, session: Session) -> None:
    browser = cast.patient.sign_in()
    browser.send(
        "/account/treated-for",
        {"treated_for": ["depression", "ptsd", "anxiety", "ocd", "pain"]},
        page="/account/treated-for",
    )
    log_infusion(session, cast.patient.viewer, TODAY, number=1)
    session.commit()
    assert browser.get("/today").text.count('class="scale"') == 5


def test_symptoms_of_ones_own(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.send(
        "/check-ins/measures",
        {"measures": ["mood"], "own_symptom": "Ringing <ears>"},
        page="/check-ins/measures",
    )
    page = browser.get("/today")
    own = re.search(r'name="(own-[a-z0-9]{6})"', page.text)
    assert own and "Ringing &lt;ears&gt;: how strong was it today?" in page.text
    page = browser.follow(browser.send(DAY, {own[1]: "8"}))
    assert "Ringing &lt;ears&gt;</dt><dd>8" in page.text
    page = browser.send(
        "/check-ins/measures",
        {"measures": ["mood"], "own_symptom": "ringing <EARS>"},
        expect=422,
        page="/check-ins/measures",
    )
    assert "There is one of this name already." in page.text
    browser.send("/check-ins/measures", {"measures": ["mood"]}, page="/check-ins/measures")  # no longer asked
    assert "Ringing &lt;ears&gt;</dt><dd>8" in browser.get("/today").text


@pytest.mark.parametrize(
    "path", ["/check-ins/{day}/{id}/edit", "/check-ins/{day}/{id}/history", "/check-ins/{day}/{id}/delete"]
)
def test_what_is_not_there(cast: Cast, path: str) -> None:
    cast.patient.sign_in().get(path.format(day="2026-11-22", id=uuid4()), expect=404)


def test_no_shame_anywhere(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    for path in ("/today", "/check-ins", "/check-ins/2026-11-20", "/trends"):
        words = browser.get(path).text.lower()
        assert not re.search(
            r"streak|missed|great job|well done|!(?!doctype|--)", words.replace("<!doctype", "")
        ), path
