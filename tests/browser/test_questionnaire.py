"""The PHQ-9 on a phone: few taps; and what was tapped is there, whatever dies. With JavaScript and without."""

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import create_engine, text

from tests.browser.chromium import phone
from tests.browser.pages import PASSPHRASE
from tests.browser.test_journey import Watched, sign_up, watched
from tests.servers import Journal

pytestmark = pytest.mark.browser
__all__ = ["watched"]


def answer(page: Page, label: str) -> None:
    page.get_by_role("button", name=label, exact=True).tap()


def test_a_phq_9_in_at_most_12_taps(watched: Watched) -> None:
    page = watched.page
    sign_up(page)
    page.goto("/questionnaires")
    taps = 0
    page.get_by_role("link", name=re.compile("PHQ-9")).first.tap()
    taps += 1
    for place in range(1, 10):
        expect(page.get_by_text(f"Question {place} of 9")).to_be_visible()
        answer(page, "Several days" if place < 9 else "Not at all")
        taps += 1
    expect(page.get_by_text("One more question")).to_be_visible()
    answer(page, "Somewhat difficult")
    taps += 1
    expect(page.get_by_text("Your score is 8 of 27.")).to_be_visible()
    expect(page.get_by_text("in the range called mild")).to_be_visible()
    assert taps <= 12
    watched.is_clean()


def test_the_answers_lie_at_the_thumb_and_need_no_scrolling(browser: Browser, journal: Journal) -> None:
    context = phone(browser, journal.url)
    page = context.new_page()
    sign_up(page)
    for place in (1, 8, 9):
        page.goto(f"/questionnaires/phq-9/{place}")
        boxes = [one.bounding_box() for one in page.locator(".answer").all()]
        dock = page.locator(".dock").bounding_box()
        assert dock and all(box and box["y"] + box["height"] <= dock["y"] for box in boxes), place
        assert boxes[0] and boxes[0]["y"] > 844 * 0.3
    context.close()


def flags_and_answers(address: str) -> tuple[int, int]:
    engine = create_engine(address)
    with engine.connect() as connection:
        told = connection.execute(
            text(
                "SELECT (SELECT count(*) FROM flags), (SELECT count(*) FROM entries WHERE kind = 'questionnaire')"
            )
        ).one()
    engine.dispose()
    return int(told[0]), int(told[1])


@pytest.mark.parametrize("script", [True, False], ids=["javascript", "no-javascript"])
@pytest.mark.parametrize("dies", ["the server", "the tab"])
def test_killed_after_item_9_was_tapped(
    browser: Browser, empty_database: str, tmp_path: Path, script: bool, dies: str
) -> None:
    address = None if empty_database.startswith("sqlite") else empty_database
    journal = Journal(tmp_path, address, DEFAULT_ZONE="America/Denver").start()
    context = phone(browser, journal.url, java_script_enabled=script)
    try:
        page = context.new_page()
        email = sign_up(page)
        page.goto("/questionnaires/phq-9/9")
        # As soon as the journal has acknowledged the tap, everything dies: the page with help was never read.
        with page.expect_response(lambda r: r.request.method == "POST" and "/phq-9/9" in r.url) as told:
            page.get_by_role("button", name="Several days", exact=True).tap(no_wait_after=True)
        assert told.value.status in (200, 303)
        if dies == "the server":
            journal.kill()
        context.close()
        if dies == "the server":
            journal.start()
        assert flags_and_answers(empty_database) == (1, 1)

        # Reopened, on another phone: help comes first, then the answer is there.
        context = phone(browser, journal.url, java_script_enabled=script)
        page = context.new_page()
        page.goto("/sign-in")
        page.get_by_label("Email").fill(email)
        page.get_by_label("Passphrase").fill(PASSPHRASE)
        page.get_by_role("button", name="Sign in").tap()
        page.wait_for_url(re.compile("/help-now"))
        expect(
            page.get_by_role("heading", name="Thank you for telling us. You are not alone.")
        ).to_be_visible()
        expect(page.get_by_role("link", name=re.compile("Call 988"))).to_be_visible()
        page.goto("/questionnaires/phq-9/9")
        page.wait_for_url(re.compile("/help-now"))
        page.get_by_role("button", name="Go on with my journal").tap()
        expect(page.get_by_text("Question 9 of 9")).to_be_visible()
        chosen = page.get_by_role("button", name="Several days", exact=True)
        expect(chosen).to_have_attribute("aria-pressed", "true")
        page.goto("/today")
        expect(page.get_by_role("heading", name=re.compile("How is today"))).to_be_visible()
        assert flags_and_answers(empty_database) == (1, 1)
    finally:
        context.close()
        journal.stop()


@pytest.mark.parametrize("apart_ms", [60, 150, 250])
def test_a_double_tap_answers_one_question(browser: Browser, journal: Journal, apart_ms: int) -> None:
    """The second tap must not answer the next question unseen, least of all question 9."""
    for _ in range(5):
        context = phone(browser, journal.url)
        page = context.new_page()
        sign_up(page)
        page.goto("/questionnaires/phq-9/8")
        box = page.get_by_role("button", name="Several days", exact=True).bounding_box()
        assert box
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.touchscreen.tap(x, y)
        began = time.monotonic()
        page.wait_for_timeout(apart_ms)
        page.touchscreen.tap(x, y)
        was_double = time.monotonic() - began < 0.36  # else a busy machine made two taps of it, 0.4 s apart
        if was_double:
            page.wait_for_url("**/phq-9/9")
            page.wait_for_timeout(600)
            assert page.url.endswith("/phq-9/9")
            expect(page.locator(".answer[aria-pressed]")).to_have_count(0)
        context.close()
        if was_double:
            return
    raise AssertionError("this machine is too slow to tap twice")


def test_with_the_keyboard_alone(browser: Browser, journal: Journal) -> None:
    context = phone(browser, journal.url)
    page = context.new_page()
    sign_up(page)
    page.goto("/questionnaires/phq-9/9")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").strip() == "Several days":
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/help-now"))
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").strip() == "Not sure":
            break
    page.keyboard.press("Space")
    expect(page.get_by_text("You answered “Not sure”")).to_be_visible()
    context.close()
