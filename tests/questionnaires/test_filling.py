"""Filling in a questionnaire, page by page, as a person does it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Uuid, bindparam, event, text
from sqlalchemy.orm import Session

from journal.domain import instrument_files
from journal.domain.instrument_files import FOLDER, instruments
from tests.cast import Cast
from tests.client import CheckingClient


def tap(browser: CheckingClient, code: str, place: int, value: int, **fields: str) -> str:
    """Open the question, tap the answer; where that leads."""
    path = f"/questionnaires/{code}/{place}"
    if browser.page is None or f'action="{path}"' not in browser.page.text:
        browser.get(path)
    answer = browser.send(path, {"answer": str(value), **fields})
    browser.page = None
    return str(answer.location)


def fill(browser: CheckingClient, code: str, values: list[int], first: int = 1) -> str:
    onward = ""
    for place, value in enumerate(values, first):
        onward = tap(browser, code, place, value)
        if onward.startswith("/help-now"):
            browser.get(onward)
            onward = str(browser.send("/help-now/seen").location)
    return onward


def test_a_whole_phq_9(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    page = browser.get("/questionnaires/phq-9").text
    assert "Question 1 of 9" in page and "Little interest or pleasure in doing things" in page
    assert "Over the last 2 weeks, how often have you been bothered" in page
    assert tap(browser, "phq-9", 1, 2) == "/questionnaires/phq-9/2"
    assert "Saved. You can stop here and come back." in browser.get("/questionnaires/phq-9/2").text
    assert fill(browser, "phq-9", [2, 2, 2, 1, 1, 1, 1, 0], 2) == "/questionnaires/phq-9/10"
    page = browser.get("/questionnaires/phq-9/10").text
    assert "One more question" in page and "how difficult have these problems made it" in page
    onward = tap(browser, "phq-9", 10, 1)
    page = browser.get(onward).text
    assert "Your score is <b>12</b> of 27." in page and "in the range called moderate" in page
    assert "It is not a diagnosis." in page and "Developed by Drs. Robert L. Spitzer" in page
    assert "There is nothing to compare it with yet." in page
    assert "12 of 27" in browser.get("/questionnaires").text


def test_all_zeros_asks_nothing_more(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    onward = fill(browser, "phq-9", [0] * 9)
    assert "Your score is <b>0</b> of 27." in browser.get(onward).text


def test_each_answer_is_there_on_another_device(cast: Cast) -> None:
    one, two = cast.patient.sign_in(), cast.patient.sign_in()
    fill(one, "gad-7", [1, 2, 3])
    assert "GAD-7 is begun" in two.get("/questionnaires").text
    assert "4 questions are left" in two.get("/questionnaires").text
    assert two.get("/questionnaires/gad-7", expect=303).location == "/questionnaires/gad-7/4"
    onward = fill(two, "gad-7", [0, 0, 0, 0], 4)
    assert "Your score is <b>6</b> of 21." in two.get(onward).text
    assert "GAD-7 is begun" not in one.get("/questionnaires").text


def test_two_phones_at_once_answer_different_questions(cast: Cast) -> None:
    one, two = cast.patient.sign_in(), cast.patient.sign_in()
    tap(one, "gad-7", 1, 1)
    one.get("/questionnaires/gad-7/2")
    two.get("/questionnaires/gad-7/3")  # both pages are open now
    tap(one, "gad-7", 2, 2)
    tap(two, "gad-7", 3, 3)
    page = one.get("/questionnaires/gad-7/end").text
    assert "4 questions are left open" in page
    for place, value in ((1, 1), (2, 2), (3, 3)):
        page = one.get(f"/questionnaires/gad-7/{place}").text
        assert f'name="answer" value="{value}" aria-pressed="true"' in page


def test_a_double_tap_is_one_answer(cast: Cast, session: Session) -> None:
    browser = cast.patient.sign_in()
    browser.get("/questionnaires/phq-9/1")
    for _ in range(3):
        browser.send("/questionnaires/phq-9/1", {"answer": "2"})
    kept = session.execute(
        text(
            "SELECT count(*) FROM revisions r JOIN entries e ON e.id = r.entry_id WHERE e.kind = 'questionnaire'"
        )
    ).scalar_one()
    assert kept == 1


def test_skipped_questions_make_no_score(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    onward = fill(browser, "gad-7", [3, 3, 3, 3, 3])
    assert 'href="/questionnaires/gad-7/7"' in browser.get("/questionnaires/gad-7/6").text  # skip
    assert 'href="/questionnaires/gad-7/end"' in browser.get("/questionnaires/gad-7/7").text
    page = browser.get("/questionnaires/gad-7/end")
    assert "2 questions are left open" in page.text and "Without these there is no score" in page.text
    answer = browser.send("/questionnaires/gad-7/settle", {"state": "finished"})
    page = browser.follow(answer)
    assert "There is no score, because some questions are open." in page.text
    assert "15" not in re.sub(r"<[^>]+>", "", page.text).split("Your answers")[0]
    assert (
        "GAD-7" in browser.get("/questionnaires").text and "no score" in browser.get("/questionnaires").text
    )
    assert "GAD-7" not in browser.get("/trends").text
    assert onward


def test_the_extra_question_can_be_left(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    fill(browser, "phq-9", [1] * 8 + [0])
    page = browser.get("/questionnaires/phq-9/end").text
    assert "You can answer it, or leave it. The score is the same." in page
    page = browser.follow(browser.send("/questionnaires/phq-9/settle", {"state": "finished"})).text
    assert "Your score is <b>8</b> of 27." in page


def test_setting_aside_and_going_on(cast: Cast, clock: Any) -> None:
    browser = cast.patient.sign_in()
    fill(browser, "phq-9", [1, 1])
    page = browser.get("/questionnaires")
    answer = browser.send("/questionnaires/phq-9/settle", {"state": "set-aside"})
    page = browser.follow(answer)
    assert "PHQ-9 is set aside." in page.text
    clock.shift(7 * 86400)
    browser = cast.patient.sign_in()
    assert "PHQ-9 is set aside" in browser.get("/questionnaires").text
    assert browser.get("/questionnaires/phq-9", expect=303).location == "/questionnaires/phq-9/3"
    clock.shift(86400)
    browser = cast.patient.sign_in()
    assert "PHQ-9 is" not in browser.get("/questionnaires").text
    assert "Question 1 of 9" in browser.get("/questionnaires/phq-9").text  # a new one


@pytest.mark.parametrize("why", ["too old", "finished", "deleted"])
def test_no_answer_is_turned_away_for_being_late(cast: Cast, clock: Any, session: Session, why: str) -> None:
    """A page left open: what is tapped there is kept, in a new response, and item 9 is answered as ever."""
    browser = cast.patient.sign_in()
    tap(browser, "phq-9", 1, 1)
    stale = browser.get("/questionnaires/phq-9/9")
    if why == "too old":
        clock.shift(8 * 86400)
    else:
        fill(browser, "phq-9", [0] * 8, 2)
        browser.get("/questionnaires/phq-9/end")
        onward = str(browser.send("/questionnaires/phq-9/settle", {"state": "finished"}).location)
        if why == "deleted":
            browser.get(f"{onward}/delete")
            browser.send(f"{onward}/delete")
        else:
            clock.shift(86400)
    for _ in range(2):  # tapped twice
        browser.page = stale
        answer = browser.send("/questionnaires/phq-9/9", {"answer": "3"})
        browser.page = None
    waits = browser.get("/questionnaires", expect=303)
    assert "Call 988" in browser.follow(waits).text
    browser.send("/help-now/seen")
    assert "PHQ-9 is begun" in browser.get("/questionnaires").text
    assert "9 questions are left" in browser.get("/questionnaires").text
    counted = text("SELECT count(*) FROM entries WHERE kind = 'questionnaire' AND patient_id = :p")
    bound = counted.bindparams(bindparam("p", type_=Uuid()))
    assert session.execute(bound, {"p": cast.patient.account_id}).scalar_one() == 2
    assert answer.status_code == 303


def test_a_form_is_never_spread_over_more_than_a_week(cast: Cast, clock: Any) -> None:
    browser = cast.patient.sign_in()
    tap(browser, "gad-7", 1, 1)
    for place, days in ((2, 5), (3, 2)):
        clock.shift(days * 86400)
        browser = cast.patient.sign_in()
        tap(browser, "gad-7", place, 1)
    clock.shift(86400)
    browser = cast.patient.sign_in()
    assert "Question 1 of 7" in browser.get("/questionnaires/gad-7").text
    tap(browser, "gad-7", 4, 1)
    assert "6 questions are left" in browser.get("/questionnaires").text


def test_one_that_is_too_old_cannot_be_finished_and_says_why(cast: Cast, clock: Any) -> None:
    browser = cast.patient.sign_in()
    fill(browser, "gad-7", [1, 1])
    browser.get("/questionnaires/gad-7/end")
    clock.shift(8 * 86400)
    answer = browser.send("/questionnaires/gad-7/settle", {"state": "finished"})
    page = browser.follow(answer).text
    assert "This one was begun more than a week ago." in page and "no score" not in page


def test_begun_on_two_phones_is_one_response(cast: Cast) -> None:
    one, two = cast.patient.sign_in(), cast.patient.sign_in()
    pages = [phone.get("/questionnaires/gad-7/1") for phone in (one, two)]
    for place in (1, 2, 3):
        tap(one, "gad-7", place, 1)
    two.page = pages[1]
    two.send("/questionnaires/gad-7/1", {"answer": "2"})
    assert "4 questions are left" in two.get("/questionnaires").text
    assert 'value="2" aria-pressed="true"' in one.get("/questionnaires/gad-7/1").text


def test_changing_an_answer_the_same_day_and_not_later(cast: Cast, clock: Any) -> None:
    browser = cast.patient.sign_in()
    onward = fill(browser, "gad-7", [1] * 7)
    response = onward.rpartition("/")[2]
    page = browser.get(onward).text
    change = f"/questionnaires/gad-7/3?response={response}"
    assert change in page
    browser.get(change)
    answer = browser.send("/questionnaires/gad-7/3", {"answer": "3"})
    assert answer.location == onward
    assert "Your score is <b>9</b> of 21." in browser.get(onward).text
    browser.get(change)
    stale = browser.page
    clock.shift(86400)
    assert "stays as it is" in browser.get(onward).text and change not in browser.get(onward).text
    browser.page = stale
    browser.send("/questionnaires/gad-7/3", {"answer": "0"})  # begins a new one
    assert "Your score is <b>9</b> of 21." in browser.get(onward).text


@pytest.mark.parametrize("value", ["4", "-1", "x", "", "1.0", "9" * 40])
def test_what_is_not_an_answer_is_refused_kindly(cast: Cast, value: str) -> None:
    browser = cast.patient.sign_in()
    browser.get("/questionnaires/phq-9/1")
    page = browser.send("/questionnaires/phq-9/1", {"answer": value}, expect=422).text
    assert "one of the answers" in page and 'class="error"' in page


def test_totals_in_the_form_count_for_nothing(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    onward = fill(browser, "gad-7", [1] * 6)
    browser.get("/questionnaires/gad-7/7")
    onward = str(
        browser.send("/questionnaires/gad-7/7", {"answer": "1", "total": "21", "score": "21"}).location
    )
    assert "Your score is <b>7</b> of 21." in browser.get(onward).text


def test_spanish_is_chosen_once_and_kept(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    page = browser.get("/questionnaires/phq-9/1")
    assert 'lang="es"' in page.text
    answer = browser.send("/questionnaires/language", {"language": "es"})
    assert answer.location == "/questionnaires/phq-9/1"
    page = browser.get("/questionnaires/phq-9/1").text
    assert "Poco interés o placer en hacer cosas" in page and '<h1 id="item" lang="es">' in page
    tap(browser, "phq-9", 1, 1)
    assert "Se ha sentido nervioso(a)" in browser.get("/questionnaires/gad-7").text
    assert "Repeated, disturbing" in browser.get("/questionnaires/pcl-5/1").text  # English only
    browser.get("/questionnaires/phq-9/1")
    browser.send("/questionnaires/language", {"language": "xx", "next": "https://evil.example"}, expect=409)


def test_a_word_before_the_pcl_5_and_the_event_is_never_asked_for(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    page = browser.get("/questionnaires/pcl-5").text
    assert "Some may be hard to read." in page and "You won’t be asked what happened." in page
    assert "Below is a list of problems that people sometimes have" in page
    assert "<textarea" not in browser.get("/questionnaires/pcl-5/1").text
    onward = fill(browser, "pcl-5", [2] * 20)
    page = browser.get(onward).text
    assert "Your score is <b>40</b> of 80." in page and "range called" not in page
    assert "feel your feet on the floor" in page
    assert "PCL-5 is begun" not in browser.get("/questionnaires").text
    browser.page = None
    fill(browser, "pcl-5-week", [1] * 20)
    page = browser.get("/questionnaires").text
    assert "40 of 80" in page and "20 of 80" in page
    told = browser.get("/trends.json?days=14").json["questionnaires"]
    assert [(one["code"], [s["score"] for s in one["scores"]]) for one in told] == [
        ("pcl-5", [40.0]),
        ("pcl-5-week", [20.0]),
    ]
    result = browser.get(f"/questionnaires/{'pcl-5-week'}", expect=200)
    assert result.status_code == 200


def test_the_gate_of_the_pc_ptsd_5(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    assert "kinds of events that many people find hard" in browser.get("/questionnaires/pc-ptsd-5").text
    page = browser.get("/questionnaires/pc-ptsd-5/1").text
    assert "Have you ever experienced this kind of event?" in page and "In the past month" not in page
    onward = tap(browser, "pc-ptsd-5", 1, 0)
    assert "Your score is <b>0</b> of 5." in browser.get(onward).text
    # It was a slip: yes, and the five questions come, rather than standing there as skipped.
    response = onward.rpartition("/")[2]
    browser.get(f"/questionnaires/pc-ptsd-5/1?response={response}")
    assert (
        browser.send("/questionnaires/pc-ptsd-5/1", {"answer": "1"}).location == "/questionnaires/pc-ptsd-5/2"
    )
    assert "5 questions are left" in browser.get("/questionnaires").text
    onward = fill(browser, "pc-ptsd-5", [1, 1, 0, 1, 1], 2)
    assert "Your score is <b>4</b> of 5." in browser.get(onward).text


def test_stepping_back_from_the_result_changes_it_and_begins_no_other(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    onward = fill(browser, "urinary", [0, 0, 2])
    assert (
        'value="2" aria-pressed="true"' in browser.get("/questionnaires/urinary/3").text
    )  # the browser's Back
    assert tap(browser, "urinary", 3, 0) == onward
    assert "Saved. You changed an answer." in browser.get(onward).text
    assert "is begun" not in browser.get("/questionnaires").text
    assert "You finished Urinary check today at 12:00 pm" in browser.get("/questionnaires/urinary").text
    browser.get("/questionnaires/urinary?new=1")
    browser.send("/questionnaires/urinary/1", {"answer": "1"})
    browser.page = None
    again = fill(browser, "urinary", [0, 0], 2)
    assert again != onward
    skipping = browser.get("/questionnaires/gad-7/1?new=1").text
    assert 'href="/questionnaires/gad-7/2?new=1"' in skipping


def test_the_page_s_own_script_is_told_where_to_go(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get("/questionnaires/phq-9/1")
    hidden = browser.hidden("/questionnaires/phq-9/1")
    headers = {"Accept": "application/json"}
    told = browser.raw("POST", "/questionnaires/phq-9/1", data={**hidden, "answer": "1"}, headers=headers)
    assert told.json == {"next": "/questionnaires/phq-9/2"}
    told = browser.raw("POST", "/questionnaires/phq-9/1", data={**hidden, "answer": "9"}, headers=headers)
    assert told.status_code == 422
    told = browser.raw("POST", "/questionnaires/phq-9/9", data={**hidden, "answer": "1"}, headers=headers)
    assert told.json == {"next": "/help-now?saved=1&next=/questionnaires/phq-9/10"}


def test_change_is_told_since_last_time_and_since_infusion_1(cast: Cast, clock: Any) -> None:
    browser = cast.patient.sign_in()
    fill(browser, "gad-7", [3, 3, 3, 3, 3, 3, 0])
    clock.shift(86400)
    browser.get("/infusions/new")
    browser.send(
        "/infusions/new", {"day": "2026-11-23", "started": "10:00", "number": "1", "phase": "series"}
    )
    for later, values in ((7, [2, 2, 2, 2, 2, 1, 1]), (14, [1, 1, 1, 1, 1, 1, 2])):
        clock.shift(later * 86400)
        browser = cast.patient.sign_in()
        onward = fill(browser, "gad-7", values)
    page = re.sub(r"\s+", " ", browser.get(onward).text)
    assert "4 points lower than last time (12 on Mon 30 Nov), which is 33 % lower." in page
    assert "10 points lower than before infusion 1 (18 on Sun 22 Nov), which is 56 % lower." in page
    assert "It is half of what it was before, or less. Clinics call this a response." in page
    assert "A change of 4 points or more is often taken as meaningful. This change is that big." in page


def test_what_is_due_is_shown_with_why_and_can_be_turned_off(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    assert "Nothing is asked right now." in browser.get("/questionnaires").text
    browser.get("/infusions/plan")
    browser.send("/infusions/plan", {"days": ["2026-11-25", "2026-11-28", "2026-12-02"], "action": "save"})
    page = browser.get("/questionnaires").text
    assert "Ready for you" in page and "It is asked in the week before infusion 1" in page
    assert "Open until Wednesday 25 November." in page
    assert 'href="/questionnaires/phq-9"' in browser.get("/today").text
    page = browser.get("/questionnaires/phq-9/about")
    assert "It can be filled in now." in page.text
    page = browser.follow(browser.send("/questionnaires/phq-9/ask", {"on": "no"}))
    assert "PHQ-9 won’t be asked." in page.text and "It is not asked." in page.text
    assert 'href="/questionnaires/phq-9"' not in browser.get("/today").text
    browser.get("/questionnaires/phq-9/about")
    browser.send("/questionnaires/phq-9/ask", {"on": "yes"})
    fill(browser, "phq-9", [0] * 9)
    assert 'href="/questionnaires/phq-9"' not in browser.get("/today").text
    assert "Ready for you" not in browser.get("/questionnaires").text


def test_deleting_and_bringing_back(cast: Cast, clock: Any) -> None:
    browser = cast.patient.sign_in()
    onward = fill(browser, "gad-7", [1] * 7)
    assert "Delete this GAD-7?" in browser.get(f"{onward}/delete").text
    page = browser.follow(browser.send(f"{onward}/delete"))
    assert "Deleted. You can bring it back today." in page.text and "7 of 21" not in page.text
    browser.get(onward, expect=404)
    path = f"/questionnaires/responses/{onward.rpartition('/')[2]}/restore"
    browser.get("/questionnaires")
    browser.send(path)
    assert "7 of 21" in browser.get("/questionnaires").text
    browser.get(f"{onward}/delete")
    browser.send(f"{onward}/delete")
    page = browser.get("/questionnaires")
    clock.shift(86400)
    browser.send(path, expect=404)


def test_a_stranger_finds_nothing(cast: Cast) -> None:
    browser, stranger = cast.patient.sign_in(), cast.newcomer.sign_in()
    onward = fill(browser, "gad-7", [1] * 7)
    response = onward.rpartition("/")[2]
    for path in (onward, f"{onward}/delete", f"/questionnaires/gad-7/1?response={response}"):
        stranger.get(path, expect=404)
    # The same id in another journal is another response.
    stranger.get("/questionnaires/gad-7/1")
    stranger.send("/questionnaires/gad-7/1", {"answer": "3", "entry_id": response})
    assert "Your score is <b>7</b> of 21." in browser.get(onward).text
    assert "canary" not in stranger.get("/questionnaires").text


def test_one_questionnaire_s_response_is_not_another_s(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    onward = fill(browser, "gad-7", [1] * 7)
    response = onward.rpartition("/")[2]
    browser.get(f"/questionnaires/phq-9/responses/{response}", expect=404)
    browser.get(f"/questionnaires/phq-9/1?response={response}", expect=404)
    browser.get("/questionnaires/gad-7/8", expect=404)
    browser.get("/questionnaires/gad-7/0", expect=404)
    browser.get("/questionnaires/no-such", expect=404)
    browser.get("/questionnaires/phq-9/1?response=nonsense", expect=404)


def test_the_urinary_check_is_kept_as_its_own_kind_and_tells_what_to_do(cast: Cast, session: Session) -> None:
    browser = cast.patient.sign_in()
    onward = fill(browser, "urinary", [0, 2])
    assert "Please tell your clinic about this before your next infusion." in browser.get(onward).text
    page = browser.get(fill(browser, "urinary", [0], 3)).text
    assert "If you see blood in your pee, or cannot pee, call your clinic today." in page
    kinds = session.execute(text("SELECT kind FROM entries WHERE kind LIKE 'urin%'")).scalars().all()
    assert kinds == ["urinary-check"]
    assert "Urinary" not in browser.get("/trends").text


MADE_UP: dict[str, Any] = {
    "code": "lamp-3",
    "place": 90,
    "title": "The Lamp Scale",
    "short_title": "LAMP",
    "about": "How bright it is",
    "version": "Made up for a test",
    "languages": ["en"],
    "items": [
        {"id": "lamp_1", "loinc": None, "text": {"en": "How bright is the lamp?"}},
        {"id": "lamp_2", "loinc": None, "text": {"en": "How warm is it?"}},
    ],
    "options": [
        {"score": 0, "loinc": None, "label": {"en": "Dark"}},
        {"score": 5, "loinc": None, "label": {"en": "Dim"}},
        {"score": 9, "loinc": None, "label": {"en": "Bright"}},
    ],
    "scoring": {"method": "sum", "least": 0, "most": 18, "decimals": 0},
    "bands": [
        {"id": "dark", "least": 0, "most": 8, "label": {"en": "Dusk"}},
        {"id": "lit", "least": 9, "most": 18, "label": {"en": "Daylight"}},
    ],
    "asked": {"stages": ["once"], "for": ["everyone"]},
}


def test_a_new_questionnaire_is_one_new_file(
    app: Flask, cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in FOLDER.glob("*.json"):
        (tmp_path / path.name).write_text(path.read_text("utf-8"))
    usual = json.loads((FOLDER / "pain-nrs.json").read_text("utf-8"))
    (tmp_path / "lamp-3.json").write_text(json.dumps({**usual, **MADE_UP}))
    monkeypatch.setattr(instrument_files, "FOLDER", tmp_path)
    assert "lamp-3" in instruments()
    browser = cast.patient.sign_in()
    assert "How bright it is, 2 questions. It is asked once." in browser.get("/questionnaires").text
    assert "How bright is the lamp?" in browser.get("/questionnaires/lamp-3").text
    onward = fill(browser, "lamp-3", [5, 9])
    page = browser.get(onward).text
    assert "Your score is <b>14</b> of 18." in page and "in the range called daylight" in page
    assert "The Lamp Scale" in browser.get("/questionnaires/lamp-3/about").text
    assert "LAMP was filled in once in this time: 14" in browser.get("/trends").text
    assert "How bright it is, 2 questions" not in browser.get("/questionnaires").text
    # The file is taken away again: the journal goes on, and the entry stays in the log.
    (tmp_path / "lamp-3.json").unlink()
    instrument_files.load.cache_clear()
    assert "LAMP" not in browser.get("/questionnaires").text and "LAMP" not in browser.get("/trends").text
    browser.get(onward, expect=404)


def test_statements_do_not_grow_with_what_was_filled_in(cast: Cast, database: Any) -> None:
    browser = cast.patient.sign_in()
    seen: list[str] = []

    def count(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            seen.append(statement)

    def statements(path: str) -> int:
        seen.clear()
        browser.get(path)
        return len(seen)

    event.listen(database.engine, "before_cursor_execute", count)
    try:
        paths = ("/questionnaires", "/questionnaires/phq-9/about", "/today", "/trends")
        before = [statements(path) for path in paths]
        for _ in range(3):
            browser.page = None
            fill(browser, "gad-7", [1] * 7)
        assert [statements(path) for path in paths] == before
        assert max(before) <= 4
    finally:
        event.remove(database.engine, "before_cursor_execute", count)
