"""What comes first when somebody says that they are not well: help, who will see it, and no lock on anything."""

import re
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.cast import Cast
from tests.client import CheckingClient
from tests.questionnaires.test_filling import tap

DAY = "/check-ins/2026-11-22"


def words(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


def test_item_9_brings_help_before_anything_else(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    onward = tap(browser, "phq-9", 9, 1)
    assert onward == "/help-now?saved=1&next=/questionnaires/phq-9/10"
    page = browser.get(onward)
    said = words(page)
    order = [
        "Your answer is saved.",
        "Thank you for telling us. You are not alone.",
        "Please talk to someone now.",
        "Call 988",
        "Text 988",
        "My safety plan",
        "My person",
        "In danger right now, or badly hurt?",
        "Call 911",
        "Do you feel safe right now?",
        "Feel your feet on the floor.",
        "Who will see this",
        "Nobody else sees this, because nothing is shared.",
        "No one watches this journal day and night.",
        "You answered “Several days” to question 9 of the PHQ-9.",
        "Go on with my journal",
    ]
    places = [said.find(text) for text in order]
    assert -1 not in places and places == sorted(places), list(zip(order, places, strict=True))
    assert 'href="tel:988"' in page.text and 'href="sms:988"' in page.text and 'href="tel:911"' in page.text
    for word in ("alert", "risk", "score", "suicid", "streak", "warning"):
        assert word not in said.lower(), word


@pytest.mark.parametrize(
    "path",
    [
        "/today",
        "/questionnaires",
        "/questionnaires/phq-9",
        "/questionnaires/gad-7/1",
        "/questionnaires/phq-9/end",
    ],
)
def test_it_comes_again_until_the_person_goes_on_and_locks_nothing(cast: Cast, path: str) -> None:
    browser = cast.patient.sign_in()
    tap(browser, "phq-9", 9, 2)
    answer = browser.get(path, expect=303)
    assert answer.location == f"/help-now?next={path}"
    for other in ("/trends", "/infusions", "/check-ins"):  # no score, and no further question, before it
        assert browser.get(other, expect=303).location == f"/help-now?next={other}"
    for free in ("/help-now", "/safety-plan", "/safety-plan/edit", "/account", "/account/sessions"):
        browser.get(free)  # nothing else is in the way
    browser.get(answer.location)
    assert browser.send("/help-now/seen").location == path
    browser.page = None
    assert browser.raw("GET", path).status_code in (200, 303)
    assert not browser.raw("GET", path).headers.get("Location", "").startswith("/help-now")


def test_it_is_there_in_a_second_browser_and_for_nobody_else(cast: Cast) -> None:
    one, two, other = cast.patient.sign_in(), cast.patient.sign_in(), cast.other.sign_in()
    tap(one, "phq-9", 9, 1)
    assert two.get("/today", expect=303).location == "/help-now?next=/today"
    page = other.get("/help-now").text
    assert "Your answer is saved" not in page and "Who will see this" not in page
    other.get("/today")
    one.get("/help-now")
    assert one.page
    shown = re.findall(r'name="shown" value="([^"]+)"', one.page.text)
    assert shown
    other.send("/help-now/seen", {"shown": shown[0]}, page="/account")
    assert two.get("/today", expect=303)


@pytest.mark.parametrize(("answer", "label"), [("no", "No"), ("unsure", "Not sure")])
def test_not_safe_is_kept_flagged_and_answered(cast: Cast, answer: str, label: str) -> None:
    browser = cast.patient.sign_in()
    browser.get("/help-now")
    page = browser.follow(browser.send("/help-now/safe", {"safe": answer}))
    said = words(page)
    assert "Your answer is saved." in said and "Thank you for telling us." in said
    assert f"You answered “{label}” at 12:00 pm." in said
    assert "Please call or text one of these now, or 911 if you are in danger." in said
    assert f'value="{answer}" aria-pressed="true"' in page.text
    assert "You said that you " in said
    assert browser.get("/today", expect=303)


def test_safe_is_kept_and_flags_nothing(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get("/help-now")
    page = browser.follow(browser.send("/help-now/safe", {"safe": "yes"}))
    assert "The numbers stay here for you." in page.text and "You answered “Yes”" in page.text
    assert "Who will see this" not in page.text
    browser.get("/today")


def test_an_answer_nobody_offered_changes_nothing(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    for bad in ("", "maybe"):
        browser.get("/help-now")
        browser.send("/help-now/safe", {"safe": bad}, expect=409)
    assert "You answered" not in browser.get("/help-now").text


def test_the_next_day_help_is_offered_once_more(cast: Cast, clock: Any) -> None:
    browser = cast.patient.sign_in()
    browser.get(tap(browser, "phq-9", 9, 1))
    browser.send("/help-now/seen")
    assert "How are you now?" not in browser.get("/today").text
    clock.shift(86400)
    assert "How are you now?" in browser.get("/today").text
    assert browser.send("/help-now/again", {"show": "help"}).location == "/help-now"
    assert "How are you now?" not in browser.get("/today").text


def test_it_can_be_put_away_without_looking(cast: Cast, clock: Any) -> None:
    browser = cast.patient.sign_in()
    browser.get(tap(browser, "phq-9", 9, 1))
    browser.send("/help-now/seen")
    clock.shift(3 * 86400)
    assert "How are you now?" in browser.get("/today").text
    assert browser.send("/help-now/again", {"show": "no"}).location == "/"
    assert "How are you now?" not in browser.get("/today").text


def test_a_bodily_emergency_puts_911_first(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get("/today")
    page = browser.follow(
        browser.send(DAY, {"side_effects-headache": "severe", "side_effects-blurred_vision": "moderate"})
    )
    said = words(page)
    assert "Please call 911 now." in said and said.find("Call 911") < said.find("Crisis lines") < said.find(
        "Call 988"
    )
    assert "a severe headache together with “Blurred or double vision”" in said


def test_seeing_things_the_day_after_puts_the_clinic_first(cast: Cast, clock: Any) -> None:
    browser = cast.patient.sign_in()
    browser.get("/safety-plan/edit")
    browser.send("/safety-plan/edit", {"clinic_name": "Harbor Light", "clinic_number": "+1 505 555 0100"})
    browser.get("/infusions/new")
    path = browser.send("/infusions/new", {"day": "2026-11-22", "started": "10:00", "minutes": "40"}).location
    clock.shift(22 * 3600 + 39 * 60)  # 23 hours 59 minutes after its end
    browser = cast.patient.sign_in()
    browser.get(f"{path}/after?part=next-day")
    assert browser.send(f"{path}/after", {"still_senses": "yes"}).location == path
    clock.shift(60)
    browser.get(f"{path}/after?part=next-day")
    answer = browser.send(f"{path}/after", {"still_senses": "yes", "diss_next_day": "1"})
    assert answer.location == f"/help-now?saved=1&next={path}"
    said = words(browser.follow(answer))
    assert "Please call your clinic today." in said
    assert "Call Harbor Light" in said and said.find("Call Harbor Light") < said.find("Call 911")
    assert "24 hours after the infusion" in said


def test_the_panel_of_another_country(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get("/account/country")
    browser.send("/account/country", {"country": "GB"})
    page = browser.get(tap(browser, "phq-9", 9, 1))
    assert "116 123" in page.text and "If you are in danger, call 999." in words(page)
    assert "988" not in page.text
    moved = browser.get("/help-now?country=CA&next=/questionnaires/phq-9/end")
    assert 'href="tel:911"' in moved.text and "Your answer is saved." in moved.text


def test_next_leads_nowhere_else(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    page = browser.get("/help-now?next=https://evil.example/").text
    assert '<a class="link" href="/">Go on with my journal</a>' in page
    browser.get("/help-now")
    assert browser.send("/help-now/seen", {"next": "//evil.example"}).location == "/"


def test_a_reason_to_call_stands_on_the_day_and_nobody_claims_to_see_it(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get("/today")
    page = browser.follow(browser.send(DAY, {"side_effects-yellow_skin": "mild"}))
    assert "Please call your clinic today." in page.text
    assert "Nobody else sees this, because nothing is shared." in page.text


def test_a_craving_is_answered_kindly(cast: Cast, session: Session) -> None:
    browser = cast.patient.sign_in()
    browser.get("/today")
    page = browser.follow(browser.send(DAY, {"side_effects-craving": "mild"}))
    assert "nothing to be ashamed of" in page.text and 'href="tel:18006624357"' in page.text
    assert "The journal tells nobody about this." in page.text


PLAN = {
    "struggling": "I stop answering.",
    "things_i_do": "Cold tap.\r\nWalk.",
    "what_matters": "The goats",
    "person_name": "Jonas",
    "person_number": "+1 (505) 555-0117",
}


def write_plan(browser: CheckingClient, **fields: str) -> Any:
    browser.get("/safety-plan/edit")
    return browser.send("/safety-plan/edit", {**PLAN, **fields})


def test_a_safety_plan(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    assert "A few words for a hard hour" in browser.get("/safety-plan").text
    page = browser.follow(write_plan(browser))
    for text in (
        "How I know I am struggling",
        "I stop answering.",
        "Things I can do",
        "The goats",
        "Call Jonas",
    ):
        assert text in page.text, text
    assert 'href="tel:+15055550117"' in page.text and "Making my home safer" not in page.text
    assert "Only you can read this, unless you share it." in page.text and "Stanley" in page.text
    help_page = browser.get("/help-now").text
    assert 'href="tel:+15055550117"' in help_page and "What helps me" in help_page
    assert "Jonas" not in cast.other.sign_in().get("/help-now").text
    assert "A few words for a hard hour" in cast.other.sign_in().get("/safety-plan").text


@pytest.mark.parametrize("number", ["call me", "12", "+1 505 555 0100 ask for Jonas", "+" * 5, "5" * 31])
def test_a_number_that_cannot_be_dialled_is_told_and_all_is_kept(cast: Cast, number: str) -> None:
    browser = cast.patient.sign_in()
    browser.get("/safety-plan/edit")
    page = browser.send("/safety-plan/edit", {**PLAN, "person_number": number}, expect=422).text
    assert (
        "Enter your person’s phone number with digits" in page
        and "I stop answering." in page
        and number in page
    )
    assert "A few words for a hard hour" in browser.get("/safety-plan").text


def test_a_plan_from_two_phones_is_kept_twice(cast: Cast) -> None:
    one, two = cast.patient.sign_in(), cast.patient.sign_in()
    write_plan(one)
    for browser in (one, two):
        browser.get("/safety-plan/edit")
    pages = [one.page, two.page]
    one.page = pages[0]
    one.send("/safety-plan/edit", {**PLAN, "what_matters": "The dog"})
    two.page = pages[1]
    answer = two.send("/safety-plan/edit", {**PLAN, "what_matters": "My sister"})
    assert answer.location == "/safety-plan/history"
    page = two.follow(answer).text
    assert "The dog" in page and "My sister" in page and "Two versions" in page
    assert "Two versions" in one.get("/safety-plan").text
    two.get("/safety-plan/history")
    two.send("/safety-plan/history", {"number": "3", "base": "2", "settles": "3"})
    assert "My sister" in one.get("/safety-plan").text and "Two versions" not in one.get("/safety-plan").text


def test_a_warning_sign_in_a_form_that_is_refused_is_kept_and_answered(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get("/today")
    told = {"happening_now-chest_pain": "yes", "side_effects-chest_pain": "severe", "mood": "4"}
    page = browser.send(DAY, {**told, "note": "x" * 6000}, expect=422)
    assert "Please call 911 now." in page.text and "The warning sign is saved." in page.text
    assert "1,000 characters too long" in page.text and 'name="mood" value="4" checked' in page.text
    answer = browser.send(DAY, {**told, "note": "short"})
    assert answer.location == "/today"  # the same warning sign, which was answered
    waits = browser.get("/today", expect=303)
    assert "Please call 911 now." in browser.follow(waits).text
    browser.send("/help-now/seen")
    page = browser.get("/today")
    assert "short" in page.text and "If this is still so, please call 911 now." in page.text


def test_so_is_one_in_a_report(cast: Cast, clock: Any) -> None:
    browser = cast.patient.sign_in()
    browser.get("/infusions/new")
    path = browser.send("/infusions/new", {"day": "2026-11-22", "started": "10:00", "minutes": "40"}).location
    browser.get(f"{path}/after")
    told = {
        "any_red_flag_now": "yes",
        "still-nausea": "yes",
        "gone-nausea": "2h",
        "side_effects-nausea": "mild",
    }
    page = browser.send(f"{path}/after", told, expect=422)
    assert "Please call 911 now." in page.text and "Keep one." in page.text
    assert str(browser.get("/today", expect=303).location).startswith("/help-now")


def test_a_no_that_is_said_again_is_no_correction(cast: Cast, clock: Any) -> None:
    browser = cast.patient.sign_in()
    for _ in range(2):
        browser.get("/help-now")
        browser.follow(browser.send("/help-now/safe", {"safe": "no"}))
        assert browser.send("/help-now/seen").location == "/"
        browser.get("/today")
        clock.shift(3600)


def test_a_draft_is_let_go_only_after_a_save(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    onward = tap(browser, "phq-9", 9, 1)
    assert " data-saved" in browser.get(onward).text
    waits = browser.get("/today", expect=303)
    assert " data-saved" not in browser.follow(waits).text


def test_the_day_after_but_before_24_hours(cast: Cast, clock: Any) -> None:
    browser = cast.patient.sign_in()
    browser.get("/infusions/new")
    path = browser.send("/infusions/new", {"day": "2026-11-22", "started": "10:00", "minutes": "40"}).location
    clock.shift(20 * 3600)
    browser = cast.patient.sign_in()
    browser.get(f"{path}/after?part=next-day")
    answer = browser.send(f"{path}/after", {"diss_next_day": "9"})
    said = words(browser.follow(answer))
    assert (
        "If you still feel far from normal at 10:40 am on Monday 23 November, 24 hours after the infusion"
        in said
    )
    assert "Say how it is now" in said


def test_the_country_picked_stays_when_one_answers(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get("/help-now?country=GB")
    page = browser.follow(browser.send("/help-now/safe", {"safe": "unsure"}))
    assert "116 123" in page.text and "988" not in page.text and "or 999 if you are in danger" in words(page)


def test_an_old_answer_is_asked_afresh(cast: Cast, clock: Any) -> None:
    browser = cast.patient.sign_in()
    browser.get("/help-now")
    page = browser.follow(browser.send("/help-now/safe", {"safe": "yes"}))
    assert 'value="yes" aria-pressed="true"' in page.text
    clock.shift(600)
    page = browser.get(tap(browser, "phq-9", 9, 3))  # something new is said
    assert "aria-pressed" not in page.text.split("Do you feel safe")[1]
    browser.send("/help-now/seen")
    clock.shift(7200)
    assert "You answered" not in browser.get("/help-now").text


def test_help_that_waited_over_night_says_when_it_was_told(cast: Cast, clock: Any) -> None:
    browser = cast.patient.sign_in()
    browser.get("/today")
    browser.send(DAY, {"side_effects-chest_pain": "mild", "happening_now-chest_pain": "yes"})
    clock.shift(3 * 86400)
    browser = cast.patient.sign_in()
    said = words(browser.follow(browser.get("/today", expect=303)))
    assert (
        "If this is still so, please call 911 now." in said and "You told us on Sunday 22 November." in said
    )
    assert "You logged “Chest pain”, happening right then." in said


def test_going_on_leads_back_to_where_help_was_tapped(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    for referrer, back in (
        ("http://localhost/questionnaires/phq-9/4", "/questionnaires/phq-9/4"),
        ("http://localhost/help-now?elsewhere=1", "/"),
        ("https://evil.example/x", "/"),
    ):
        page = browser.get("/help-now", headers={"Referer": referrer})
        assert f'<a class="link" href="{back}">Go on with my journal</a>' in page.text


def test_signing_in_again_leads_back(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get("/safety-plan/edit")
    answer = browser.raw(
        "POST",
        "/safety-plan/edit",
        data={"struggling": "x"},
        headers={"Referer": "http://localhost/safety-plan/edit"},
    )
    assert answer.status_code == 400 and "/sign-in?next=/safety-plan/edit" in answer.text


def test_an_extension_can_be_dialled(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.follow(write_plan(browser, clinic_number="(505) 555-0100 ext. 4"))
    assert 'href="tel:5055550100,4"' in browser.get("/help-now").text


def test_an_emergency_does_not_hide_the_crisis_lines_from_who_needs_both(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get("/today")
    browser.send(DAY, {"side_effects-chest_pain": "mild", "happening_now-chest_pain": "yes"})
    page = browser.get("/help-now")
    assert "Do you feel safe right now?" not in page.text and "Call 988" in page.text.split("Crisis lines")[1]
    browser.send("/help-now/safe", {"safe": "no"})
    page = browser.get("/help-now")
    said = words(page)
    assert "Please call 911 now." in said and "Crisis lines" not in said
    assert "Call 988" in said and "Do you feel safe right now?" in said
