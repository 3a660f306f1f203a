"""A patient shares, the mail arrives, a therapist reads, the patient ends it: in real browsers, with and without
JavaScript."""

import re
from pathlib import Path
from uuid import uuid4

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import DESK, phone
from tests.browser.pages import PASSPHRASE
from tests.browser.post import confirm, mail_to
from tests.browser.test_journey import Watched, sign_up, watched
from tests.servers import Journal

pytestmark = pytest.mark.browser
__all__ = ["watched"]


def log_today(page: Page) -> None:
    page.goto("/today")
    page.locator('label:has(input[name="mood"][value="4"])').click()
    page.locator("textarea[name=note]").fill("a canary in the note")
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_text("Today is logged")).to_be_visible()


def test_from_the_patient_to_the_therapist_and_back(
    watched: Watched, browser: Browser, journal: Journal
) -> None:
    page, lee = watched.page, f"lee-{uuid4().hex[:8]}@example.org"
    email = sign_up(page)
    confirm(journal, page, email)
    log_today(page)

    page.goto("/sharing")
    expect(page.get_by_text("Nobody sees your journal but you.")).to_be_visible()
    page.get_by_role("link", name="Share with someone").click()
    page.get_by_role("link", name=re.compile("With a person, by email")).click()
    page.get_by_label("Their email address").fill(lee)
    page.get_by_label("What you call them").fill("Dr Lee")
    page.get_by_label("Your name, as they will see it").fill("Mara")
    page.get_by_role("button", name="Show me the page").click()
    expect(page.get_by_role("heading", name="This is the page.")).to_be_visible()
    assert "canary" not in page.locator("#summary").inner_text()  # notes stay off
    preview = page.locator("#summary").inner_text()
    page.get_by_role("button", name=re.compile("^Share until")).click()
    expect(page.get_by_text("Invited, not yet accepted")).to_be_visible()
    where = page.url

    desk = browser.new_context(base_url=journal.url, locale="en-US", timezone_id="America/Denver", **DESK)
    reader = desk.new_page()
    reader.goto(mail_to(journal, lee, "invitations"))
    assert "Mara" not in reader.locator("main").inner_text()
    reader.get_by_role("link", name="I have no account yet").click()
    reader.get_by_label("Email").fill(lee)
    reader.get_by_label("Passphrase").fill(PASSPHRASE)
    reader.get_by_role("button", name="Make my account").click()
    expect(reader.get_by_text("Please confirm your address first.")).to_be_visible()
    confirm(journal, reader, lee)
    expect(reader.get_by_role("heading", name="Mara wants to share with you.")).to_be_visible()
    reader.get_by_role("button", name="Accept").click()
    expect(reader).to_have_url(re.compile("/account/second-step"))
    reader.get_by_role("link", name=re.compile("authenticator app")).click()
    reader.get_by_role("button", name="I have an app").click()
    secret = reader.locator(".secret").inner_text().replace(" ", "")
    reader.get_by_label("Code from your app").fill(pyotp.TOTP(secret).now())
    reader.get_by_role("button", name="Set it up").click()
    reader.locator(".codes").wait_for()
    reader.goto("/care")
    reader.get_by_role("link", name="Open Mara").click()
    summary = reader.locator("#summary").inner_text()
    assert "Mood, day by day" in summary and "canary" not in summary
    assert summary.split("\n")[0] == preview.split("\n")[0]
    with reader.expect_download() as download:
        reader.get_by_role("link", name="PDF").click()
    assert Path(download.value.path()).read_bytes()[:5] == b"%PDF-"
    reader.get_by_label("One line back").fill("See you on Thursday.")
    reader.get_by_role("button", name="Mark reviewed").click()
    expect(reader.get_by_text("Marked as reviewed. Mara can see that.")).to_be_visible()

    page.goto("/sharing")
    expect(page.get_by_text("“See you on Thursday.”")).to_be_visible()
    page.goto("/sharing/access-log")
    log = page.locator("main").inner_text()
    assert "Dr Lee" in log and "the page as a PDF" in log and "the list of people" in log
    page.goto(where)
    page.get_by_role("button", name="End it now").click()
    expect(page.get_by_text("Ended. Nobody can open it any more.")).to_be_visible()
    reader.reload()
    expect(reader.get_by_role("heading", name="This share has ended")).to_be_visible()
    desk.close()
    watched.is_clean()


def test_a_link_and_its_passcode(watched: Watched, browser: Browser, journal: Journal) -> None:
    page = watched.page
    email = sign_up(page)
    confirm(journal, page, email)
    log_today(page)
    page.goto("/sharing/new?way=link")
    page.get_by_label("Who is it for?").fill("My sister")
    page.get_by_label("Your name, as they will see it").fill("Mara")
    page.locator('input[name="kinds"][value="notes"]').check()
    page.get_by_role("button", name="Show me the page").click()
    assert "canary" in page.locator("#summary").inner_text()
    page.get_by_role("button", name=re.compile("^Share until")).click()
    link, passcode = page.locator("#link").inner_text(), page.locator("#passcode").inner_text()

    sister = phone(browser, journal.url, java_script_enabled=False).new_page()
    sister.goto(link)
    sister.get_by_label("Passcode").fill("wrong")
    sister.get_by_role("button", name="Open the page").click()
    expect(sister.get_by_text("9 tries left").first).to_be_visible()
    sister.get_by_label("Passcode").fill(passcode)
    sister.get_by_role("button", name="Open the page").click()
    expect(sister.get_by_role("heading", name="Mara", exact=True)).to_be_visible()
    assert "canary" in sister.locator("#summary").inner_text()
    page.get_by_role("link", name="I have both").click()
    page.get_by_role("button", name="End it now").click()
    sister.reload()
    expect(sister.get_by_role("heading", name="This link is not open")).to_be_visible()
    sister.context.close()
    watched.is_clean()


def test_sharing_by_the_keyboard_alone(browser: Browser, journal: Journal) -> None:
    context = phone(browser, journal.url)
    page = context.new_page()
    email = sign_up(page)
    confirm(journal, page, email)
    page.goto("/sharing/new?way=link")
    page.get_by_label("Who is it for?").focus()
    page.keyboard.type("My sister")
    page.keyboard.press("Tab")
    page.keyboard.type("Mara")
    for _ in range(40):
        hidden = page.evaluate(
            """() => { const e = document.activeElement, dock = document.querySelector('.dock');
            if (!e || !dock || dock.contains(e) || e === document.body) return false;
            const a = e.getBoundingClientRect(), d = dock.getBoundingClientRect();
            return a.bottom > d.top + 2 && getComputedStyle(dock).position === 'sticky' && a.top > 60; }"""
        )
        assert not hidden, "the focus went behind the dock"
        if page.evaluate("document.activeElement.textContent.trim()") == "Show me the page":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="This is the page.")).to_be_visible()
    context.close()
