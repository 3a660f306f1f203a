"""A second step in the real browser: a passkey of Chromium's own virtual device, and an app's codes without JavaScript."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import add_device, phone
from tests.browser.pages import PASSPHRASE
from tests.browser.test_journey import Watched, sign_up, watched
from tests.servers import Journal

pytestmark = pytest.mark.browser
__all__ = ["watched"]


@contextmanager
def virtual_device(page: Page) -> Iterator[None]:
    """A device with a fingerprint reader whose owner always agrees."""
    devtools = add_device(page)
    yield
    devtools.detach()


def sign_out(page: Page) -> None:
    page.goto("/account")
    page.get_by_role("button", name="Sign out").tap()
    page.wait_for_url(re.compile(r"/$"))


def give_passphrase(page: Page, email: str, target: str = "/sign-in") -> None:
    page.goto(target)
    page.get_by_label("Email").fill(email)
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Sign in").tap()
    page.wait_for_url("**/sign-in/second-step")


def test_a_passkey_signs_in_once_for_each_answer(browser: Browser, journal: Journal) -> None:
    seen = Watched(phone(browser, journal.url), journal.url)
    page = seen.page
    with virtual_device(page):
        email = sign_up(page)
        page.goto("/account")
        page.get_by_role("link", name=re.compile("A second step")).tap()
        page.get_by_role("link", name=re.compile("Use a passkey")).tap()
        expect(page.get_by_label("A name for it")).to_have_value(re.compile("Chrome"))
        page.get_by_label("A name for it").fill("My phone")
        page.get_by_role("button", name="Add the passkey").tap()
        expect(page.get_by_role("heading", name="Keep these recovery codes")).to_be_visible()
        expect(page.locator(".codes li")).to_have_count(10)
        page.get_by_role("link", name="I have kept them").tap()
        expect(page.get_by_text("My phone")).to_be_visible()

        # The same device can't be added twice, and the page says so.
        page.get_by_role("link", name=re.compile("Add a passkey")).tap()
        page.get_by_role("button", name="Add the passkey").tap()
        expect(page.get_by_text("This device is set up here already.")).to_be_visible()

        sign_out(page)
        give_passphrase(page, email, "/sign-in?next=/trends")
        page.goto("/today")
        assert "/sign-in" in page.url  # the passphrase alone opens nothing
        page.goto("/sign-in/second-step")
        sent: list[tuple[str, str]] = []
        page.on(
            "request",
            lambda r: sent.append((r.url, r.post_data or "")) if r.url.endswith("/sign-in/passkey") else None,
        )
        page.get_by_role("button", name="Use my passkey").tap()
        page.wait_for_url("**/trends")
        seen.is_clean()

        # What was sent, sent once more by somebody who has the passphrase too.
        sign_out(page)
        give_passphrase(page, email)
        [(address, body)] = sent
        stolen = re.sub(r"csrf_token=[^&]*&", "", body)
        token = page.locator("form[data-passkey] [name=csrf_token]").input_value()
        answer = page.request.post(
            address,
            data=f"csrf_token={token}&{stolen}",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            max_redirects=0,
        )
        assert answer.status == 422 and "That didn’t work" in answer.text()
        page.goto("/today")
        assert "/sign-in" in page.url
    seen.context.close()


def test_a_device_that_says_no_leaves_another_way(browser: Browser, journal: Journal) -> None:
    context = phone(browser, journal.url)
    page = context.new_page()
    with virtual_device(page):
        email = sign_up(page)
        page.goto("/account/second-step/passkeys/new")
        page.get_by_role("button", name="Add the passkey").tap()
        codes = page.locator(".codes li")
        codes.first.wait_for()
        one = codes.first.inner_text()
        sign_out(page)
    # Another phone: it has none of the account's passkeys.
    context.close()
    context = phone(browser, journal.url)
    page = context.new_page()
    page.add_init_script(
        "navigator.credentials.get = () => Promise.reject(new DOMException('no', 'NotAllowedError'))"
    )
    give_passphrase(page, email)
    page.get_by_role("button", name="Use my passkey").tap()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was done. Tap the button again")
    expect(page.get_by_role("button", name="Use my passkey")).to_be_visible()
    page.get_by_role("link", name="Use a recovery code").tap()
    page.get_by_label("Recovery code").fill(one)
    page.get_by_role("button", name="Sign in").tap()
    page.wait_for_url("**/today")
    expect(page.get_by_role("status")).to_contain_text("You have 9 left")
    context.close()


def test_an_app_signs_in_once_for_each_code(watched: Watched) -> None:
    """With JavaScript and without."""
    page = watched.page
    email = sign_up(page)
    page.goto("/account/second-step")
    page.get_by_role("link", name=re.compile("Use an authenticator app")).tap()
    page.get_by_role("button", name="I have an app").tap()
    expect(page.get_by_role("img", name="Code to scan with your authenticator app")).to_be_visible()
    secret = page.locator(".secret").inner_text().replace(" ", "")
    app = pyotp.TOTP(secret)
    page.get_by_label("Code from your app").fill("000000")
    page.get_by_role("button", name="Set it up").tap()
    expect(page.locator("#errors")).to_contain_text("This code doesn’t fit")
    page.get_by_label("Code from your app").fill(app.now())
    page.get_by_role("button", name="Set it up").tap()
    expect(page.locator(".codes li")).to_have_count(10)
    page.get_by_role("link", name="I have kept them").tap()
    expect(page.get_by_text("Authenticator app", exact=True)).to_be_visible()

    sign_out(page)
    give_passphrase(page, email)
    page.goto("/today")
    assert "/sign-in" in page.url
    page.goto("/sign-in/second-step")
    typed = app.at(int(time.time()) + 30)  # the step after the one that set it up
    page.get_by_label("Code from your app").fill(typed)
    page.get_by_role("button", name="Sign in").tap()
    page.wait_for_url("**/today")

    sign_out(page)
    give_passphrase(page, email)
    page.get_by_label("Code from your app").fill(typed)
    page.get_by_role("button", name="Sign in").tap()
    expect(page.locator("#errors")).to_contain_text("it was used already")
    refused = [error for error in watched.errors if "422" not in error]  # the browser notes each refusal
    watched.errors[:] = refused
    watched.is_clean()


def test_without_javascript_a_passkey_leads_to_another_way(browser: Browser, journal: Journal) -> None:
    context = phone(browser, journal.url, java_script_enabled=False)
    page = context.new_page()
    sign_up(page)
    page.goto("/account/second-step/passkeys/new")
    expect(page.get_by_text("This browser can’t add passkeys.")).to_be_visible()
    expect(page.get_by_role("button", name="Add the passkey")).to_be_hidden()
    page.get_by_role("link", name="Set up an authenticator app").tap()
    expect(page.get_by_role("button", name="I have an app")).to_be_visible()
    context.close()
