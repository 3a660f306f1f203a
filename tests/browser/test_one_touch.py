"""Signing in on a phone without typing: a passkey set up after the first check-in, and a link by mail."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import phone
from tests.browser.pages import PASSPHRASE
from tests.browser.post import confirm, mail_to
from tests.browser.test_journey import Watched, sign_up, tap, watched
from tests.browser.test_second_step import sign_out, virtual_device
from tests.servers import Journal

pytestmark = pytest.mark.browser
__all__ = ["watched"]
OFFER = "Next time, one touch is enough"


def log_today(page: Page) -> None:
    page.goto("/today")
    tap(page, "mood", "4")
    page.get_by_role("button", name="Save today").tap()
    expect(page.get_by_role("heading", name="Today is logged")).to_be_visible()


def test_one_touch_from_the_first_checkin_on(browser: Browser, journal: Journal) -> None:
    seen = Watched(phone(browser, journal.url), journal.url)
    page = seen.page
    with virtual_device(page):
        email = sign_up(page)
        log_today(page)
        expect(page.get_by_role("heading", name=OFFER)).to_be_visible()
        page.get_by_role("link", name="Set up a passkey").tap()
        page.get_by_label("A name for it").fill("My phone")
        page.get_by_role("button", name="Set it up").tap()
        expect(page.get_by_role("status")).to_contain_text("Your passkey is set up")
        expect(page.get_by_role("heading", name=OFFER)).to_have_count(0)

        sign_out(page)
        page.goto("/sign-in?next=/trends")
        first = page.locator("main button").first
        expect(first).to_have_text("Use my passkey")
        expect(page.locator("main .button.primary")).to_have_count(1)
        sent: list[tuple[str, str]] = []
        page.on(
            "request",
            lambda r: sent.append((r.url, r.post_data or "")) if "/one-touch?" in r.url else None,
        )
        first.tap()
        page.wait_for_url(f"{journal.url}/trends")
        seen.is_clean()
        page.goto("/account/passkeys")
        expect(page.get_by_text("Last used")).to_be_visible()

        # The same answer, sent once more.
        sign_out(page)
        page.goto("/sign-in")
        [(address, body)] = sent
        stolen = re.sub(r"csrf_token=[^&]*&", "", body)
        token = page.locator("form[data-passkey] [name=csrf_token]").input_value()
        answer = page.request.post(
            address,
            data=f"csrf_token={token}&{stolen}",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            max_redirects=0,
        )
        assert answer.status == 422 and "This passkey didn’t work here" in answer.text()

        # The passphrase alone goes on working.
        page.goto("/sign-in")
        page.get_by_label("Email").fill(email)
        page.get_by_label("Passphrase").fill(PASSPHRASE)
        page.get_by_role("button", name="Sign in", exact=True).tap()
        page.wait_for_url("**/today")
    seen.context.close()


def test_a_removed_passkey_leaves_the_other_ways(browser: Browser, journal: Journal) -> None:
    context = phone(browser, journal.url)
    page = context.new_page()
    with virtual_device(page):
        sign_up(page)
        page.goto("/account/passkeys")
        page.get_by_role("link", name="Set up a passkey").tap()
        page.get_by_role("button", name="Set it up").tap()
        page.get_by_role("link", name=re.compile("^Remove")).tap()
        page.get_by_role("button", name="Remove it").tap()
        expect(page.get_by_role("status")).to_contain_text("It is removed.")
        sign_out(page)
        page.goto("/sign-in")
        page.get_by_role("button", name="Use my passkey").tap()
        expect(page.locator("#errors")).to_contain_text("This passkey didn’t work here")
        expect(page.get_by_role("link", name="Email me a link to sign in")).to_be_visible()
    context.close()


def test_a_device_that_says_no_is_told_what_else_there_is(browser: Browser, journal: Journal) -> None:
    context = phone(browser, journal.url)
    page = context.new_page()
    page.add_init_script(
        "navigator.credentials.get = () => Promise.reject(new DOMException('no', 'NotAllowedError'))"
    )
    page.goto("/sign-in")
    page.get_by_role("button", name="Use my passkey").tap()
    expect(page.get_by_role("alert")).to_contain_text("No passkey was used")
    context.close()


def test_not_now_is_for_good(browser: Browser, journal: Journal) -> None:
    context = phone(browser, journal.url)
    page = context.new_page()
    with virtual_device(page):
        sign_up(page)
        log_today(page)
        page.get_by_role("button", name="Not now").tap()
        expect(page.get_by_role("heading", name="Today is logged")).to_be_visible()
        expect(page.get_by_role("heading", name=OFFER)).to_have_count(0)
        page.goto("/today")
        expect(page.get_by_role("heading", name="Today is logged")).to_be_visible()
        expect(page.get_by_role("heading", name=OFFER)).to_have_count(0)
    context.close()


def test_a_device_that_keeps_no_keys_is_offered_none(browser: Browser, journal: Journal) -> None:
    context = phone(browser, journal.url)
    page = context.new_page()
    page.add_init_script(
        "PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable = () => Promise.resolve(false)"
    )
    sign_up(page)
    log_today(page)
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("heading", name=OFFER)).to_be_hidden()
    context.close()


def test_a_mailed_link_signs_in(watched: Watched, journal: Journal) -> None:
    """With JavaScript and without; and without it, nothing speaks of passkeys."""
    page = watched.page
    email = sign_up(page)
    confirm(journal, page, email)
    sign_out(page)
    page.goto("/sign-in")
    page.get_by_role("link", name="Email me a link to sign in").tap()
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name="Email me the link").tap()
    expect(page.get_by_role("heading", name="Look in your mail")).to_be_visible()
    link = mail_to(journal, email, "sign-in/link")
    assert page.request.head(link).status == 200  # as a scanner does
    assert page.request.get(link).status == 200
    page.goto(link)
    expect(page.get_by_text(email)).to_be_visible()
    page.get_by_role("button", name="Sign in").tap()
    page.wait_for_url("**/today")
    page.goto("/account")
    expect(page.get_by_text(email)).to_be_visible()
    watched.is_clean()
    page.goto(link)
    expect(page.get_by_role("heading", name="This link no longer works")).to_be_visible()


def test_without_javascript_the_plain_form_stays(browser: Browser, journal: Journal) -> None:
    context = phone(browser, journal.url, java_script_enabled=False)
    page = context.new_page()
    sign_up(page)
    log_today(page)
    expect(page.get_by_role("heading", name=OFFER)).to_be_hidden()
    sign_out(page)
    page.goto("/sign-in")
    expect(page.get_by_role("button", name="Use my passkey")).to_be_hidden()
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    context.close()
