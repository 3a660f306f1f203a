"""The app lock in the real browser: it comes when nobody is there, covers all, opens in place, and loses nothing."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import phone
from tests.browser.pages import PASSPHRASE, left_alone
from tests.browser.test_journey import Watched, sign_up, watched
from tests.browser.test_second_step import virtual_device
from tests.faults.two_phones import MODULE
from tests.servers import Journal

pytestmark = pytest.mark.browser
__all__ = ["watched"]
PIN = "4071"
LATER = "() => { const now = Date.now; Date.now = () => now() + 16 * 60_000; }"
"""Sixteen minutes have gone by, for this page."""
KIT_LOCKS = f"async () => {{ {MODULE} return (await phone.kit())?.locks ?? null; }}"


def turn_on(page: Page) -> None:
    page.goto("/account")
    page.get_by_role("link", name=re.compile("App lock")).tap()
    page.get_by_role("link", name=re.compile("Turn it on with a PIN")).tap()
    page.get_by_label("A PIN").fill(PIN)
    page.get_by_label("The same PIN once more").fill(PIN)
    page.get_by_role("button", name="Turn the app lock on").tap()
    expect(page.get_by_role("status")).to_contain_text("Your PIN is set.")


def lock_now(page: Page) -> None:
    page.goto("/account/lock")
    page.get_by_role("button", name="Lock now").tap()
    expect(page.get_by_role("heading", name="Locked")).to_be_visible()


def sheet(page: Page):  # type: ignore[no-untyped-def] # a locator
    return page.get_by_role("dialog", name="Locked")


def test_locked_and_opened_again(watched: Watched) -> None:
    """With JavaScript and without; a wrong PIN first."""
    page = watched.page
    email = sign_up(page)
    turn_on(page)
    lock_now(page)
    page.goto("/trends")
    assert "/unlock" in page.url and email not in page.content()
    page.get_by_label("Your PIN").fill("9999")
    page.get_by_role("button", name="Unlock").first.tap()
    expect(page.locator("#errors")).to_contain_text("This is not your PIN")
    page.get_by_role("link", name="Help now").first.tap()
    expect(page.get_by_role("heading", name="You are not alone.")).to_be_visible()
    page.goto("/unlock?next=/trends")
    page.get_by_label("Your PIN").fill(PIN)
    page.get_by_role("button", name="Unlock").first.tap()
    page.wait_for_url("**/trends")
    watched.errors[:] = [error for error in watched.errors if "422" not in error]
    watched.is_clean()


def test_without_javascript_what_was_written_is_saved_or_waits(browser: Browser, journal: Journal) -> None:
    context = phone(browser, journal.url, java_script_enabled=False)
    page = context.new_page()
    sign_up(page)
    turn_on(page)
    other = context.new_page()
    page.goto("/today")
    lock_now(other)
    page.get_by_label("Note").first.fill("written before it was locked")
    page.get_by_role("button", name="Save today").tap()
    expect(page.get_by_role("status")).to_contain_text("Saved.")
    page.get_by_label("Your PIN").fill(PIN)
    page.get_by_role("button", name="Unlock").first.tap()
    expect(page.get_by_text("written before it was locked")).to_be_visible()

    page.goto("/account/name")
    page.get_by_label("What should we call you?").fill("Mara & Co")
    lock_now(other)
    page.get_by_role("button", name="Save").tap()
    expect(page.get_by_text("What you wrote waits on this page.")).to_be_visible()
    page.get_by_label("Your PIN").fill(PIN)
    page.get_by_role("button", name="Unlock").first.tap()
    page.get_by_role("button", name="Go on with it").tap()
    page.wait_for_url("**/account")
    page.goto("/account/name")
    expect(page.get_by_label("What should we call you?")).to_have_value("Mara & Co")
    context.close()


def test_a_page_left_alone_is_covered_and_keeps_what_was_typed(browser: Browser, journal: Journal) -> None:
    seen = Watched(phone(browser, journal.url), journal.url)
    page = seen.page
    page.clock.install()
    sign_up(page)
    turn_on(page)
    page.goto("/safety-plan/edit")
    number = page.get_by_label("Their number")
    number.fill("555 01")
    page.clock.fast_forward("14:50")
    expect(sheet(page)).to_be_hidden()
    number.press_sequentially("0")  # somebody is here: it starts anew
    page.clock.fast_forward("14:50")
    expect(sheet(page)).to_be_hidden()
    page.clock.fast_forward("00:15")
    expect(sheet(page)).to_be_visible()
    expect(number).to_be_hidden()
    assert page.title() == "Locked · Infusion Journal"
    assert page.evaluate("document.querySelector('main').inert && document.querySelector('header').inert")

    # With the keyboard alone: a wrong PIN, then the right one.
    expect(sheet(page).get_by_label("Your PIN")).to_be_focused()
    page.keyboard.type("9999")
    page.keyboard.press("Enter")
    expect(sheet(page).get_by_role("alert")).to_contain_text("This is not your PIN")
    expect(sheet(page).get_by_label("Your PIN")).to_be_focused()
    page.keyboard.press("Escape")
    expect(sheet(page)).to_be_visible()
    page.keyboard.type(PIN)
    page.keyboard.press("Enter")
    expect(sheet(page)).to_be_hidden()
    expect(number).to_have_value("555 010")
    expect(number).to_be_focused()
    assert "safety plan" in page.title().lower()
    page.keyboard.type("0")
    page.get_by_role("button", name="Save my plan").tap()
    page.wait_for_url("**/safety-plan")
    expect(page.get_by_text("555 0100")).to_be_visible()
    seen.errors[:] = [error for error in seen.errors if "422" not in error]
    seen.is_clean()
    seen.context.close()


def test_the_tap_that_wakes_the_phone_reaches_nothing_below(browser: Browser, journal: Journal) -> None:
    """A phone that slept runs no timers: the first touch comes before them."""
    context = phone(browser, journal.url)
    page = context.new_page()
    sign_up(page)
    turn_on(page)
    page.add_init_script("setInterval = () => 0")
    page.goto("/today")
    at = page.locator('label:has(input[name="mood"][value="6"])').bounding_box()
    assert at
    page.evaluate(LATER)
    page.touchscreen.tap(at["x"] + 20, at["y"] + 20)
    expect(sheet(page)).to_be_visible()
    assert not page.evaluate("document.querySelector('[name=mood][value=\"6\"]').checked")
    assert not page.evaluate("document.querySelector('#lock details').open")  # nor the sheet under the finger
    context.close()


def test_it_is_blank_while_away_and_covered_on_coming_back(browser: Browser, journal: Journal) -> None:
    context = phone(browser, journal.url)
    page = context.new_page()
    sign_up(page)
    turn_on(page)
    page.goto("/today")
    go = """(hidden) => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
        document.dispatchEvent(new Event('visibilitychange')); }"""
    heading = page.get_by_role("heading", level=1)
    page.evaluate(go, True)
    expect(heading).to_be_hidden()
    page.evaluate(go, False)
    expect(heading).to_be_visible()
    page.evaluate(go, True)
    page.evaluate(LATER)
    page.evaluate(go, False)
    expect(sheet(page)).to_be_visible()
    expect(heading).to_be_hidden()
    context.close()


def test_two_tabs_know_of_each_other(browser: Browser, journal: Journal) -> None:
    context = phone(browser, journal.url)
    page, other = context.new_page(), context.new_page()
    sign_up(page)
    turn_on(page)
    page.goto("/today")
    other.goto("/trends")
    left_alone(page)
    left_alone(other)
    sheet(page).get_by_label("Your PIN").fill(PIN)
    sheet(page).get_by_role("button", name="Unlock").first.tap()
    expect(sheet(page)).to_be_hidden()
    expect(sheet(other)).to_be_hidden()
    context.close()


def test_five_wrong_pins_and_then_the_passphrase_in_place(browser: Browser, journal: Journal) -> None:
    context = phone(browser, journal.url)
    page = context.new_page()
    sign_up(page)
    turn_on(page)
    page.goto("/infusions/new")
    page.get_by_label("Note").fill("typed before")
    left_alone(page)
    pin = sheet(page).get_by_label("Your PIN")
    for _ in range(5):
        pin.fill("9999")
        pin.press("Enter")
        expect(pin).to_have_value("")
    expect(pin).to_be_hidden()
    expect(sheet(page).get_by_role("alert")).to_contain_text("wrong five times")
    sheet(page).get_by_label("Your passphrase").fill(PASSPHRASE)
    sheet(page).get_by_role("button", name="Unlock").last.tap()
    expect(sheet(page)).to_be_hidden()
    expect(page.get_by_label("Note")).to_have_value("typed before")
    left_alone(page)
    expect(pin).to_be_visible()  # it works again
    context.close()


def test_a_passkey_opens_it_in_place(browser: Browser, journal: Journal) -> None:
    seen = Watched(phone(browser, journal.url), journal.url)
    page = seen.page
    with virtual_device(page):
        sign_up(page)
        page.goto("/account/second-step/passkeys/new?next=/account/lock")
        page.get_by_role("button", name="Add the passkey").tap()
        page.get_by_role("link", name="I have kept them").tap()
        page.wait_for_url("**/account/lock")
        page.get_by_role("button", name="Turn it on with this device’s passkey").tap()
        expect(page.get_by_text("It is on.")).to_be_visible()
        page.goto("/infusions/new")
        page.get_by_label("Note").fill("typed before")
        for _ in range(2):
            left_alone(page)
            sheet(page).get_by_role("button", name="Use this device’s passkey").tap()
            expect(sheet(page)).to_be_hidden()
        expect(page.get_by_label("Note")).to_have_value("typed before")
        lock_now(page)
        page.goto("/trends")
        page.get_by_role("button", name="Use this device’s passkey").tap()
        page.wait_for_url("**/trends")
        seen.is_clean()
    seen.context.close()


def test_the_server_hears_of_long_writing_and_a_locked_one_covers(browser: Browser, journal: Journal) -> None:
    context = phone(browser, journal.url)
    page, other = context.new_page(), context.new_page()
    page.clock.install()
    sign_up(page)
    turn_on(page)
    page.goto("/infusions/new")
    heard: list[int] = []
    page.on("response", lambda r: heard.append(r.status) if "still-here" in r.url else None)
    note = page.get_by_label("Note")
    for _ in range(10):  # five minutes of writing
        note.press_sequentially("word ")
        page.clock.fast_forward("00:30")
    for _ in range(100):
        page.wait_for_timeout(50)
        if len(heard) >= 3:
            break
    assert 3 <= len(heard) <= 5 and set(heard) == {204}
    lock_now(other)
    page.clock.fast_forward("01:05")
    note.press_sequentially("x")
    expect(sheet(page)).to_be_visible()
    sheet(page).get_by_label("Your PIN").fill(PIN)
    sheet(page).get_by_label("Your PIN").press("Enter")
    expect(sheet(page)).to_be_hidden()
    expect(note).to_have_value("word " * 10 + "x")
    context.close()


def test_without_a_connection_it_stays_covered_and_says_so(browser: Browser, journal: Journal) -> None:
    context = phone(browser, journal.url)
    page = context.new_page()
    sign_up(page)
    turn_on(page)
    page.goto("/infusions/new")
    page.get_by_label("Note").fill("typed before")
    left_alone(page)
    page.route("**/unlock", lambda route: route.abort())
    sheet(page).get_by_label("Your PIN").fill(PIN)
    sheet(page).get_by_label("Your PIN").press("Enter")
    expect(sheet(page).get_by_role("alert")).to_contain_text("The journal can’t be reached.")
    page.unroute("**/unlock")
    sheet(page).get_by_label("Your PIN").fill(PIN)
    sheet(page).get_by_label("Your PIN").press("Enter")
    expect(sheet(page)).to_be_hidden()
    expect(page.get_by_label("Note")).to_have_value("typed before")
    context.close()


def until_kit_locks(page: Page, minutes: int) -> None:
    """What the phone knows of the lock without signal, once it has asked."""
    page.evaluate("async () => { await navigator.serviceWorker.ready }")
    for _ in range(200):
        if page.evaluate(KIT_LOCKS) == minutes:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"the phone does not know that it locks after {minutes} minutes")


def test_pages_that_the_phone_keeps_know_of_it_and_do_not_undo_it(browser: Browser, journal: Journal) -> None:
    context = phone(browser, journal.url)
    page, form, hub = context.new_page(), context.new_page(), context.new_page()
    sign_up(page)
    until_kit_locks(page, 0)
    turn_on(page)
    page.goto("/today")
    until_kit_locks(page, 15)  # at once, not when what it knows is ten minutes old
    page.touchscreen.tap(195, 300)
    form.goto("/offline/check-in")
    form.locator("form[data-entry]").wait_for()
    hub.goto("/offline")
    expect(hub.get_by_text("Nothing waits on this phone.")).to_be_visible()
    for one in (page, form, hub):
        one.evaluate(LATER)
    page.evaluate("() => dispatchEvent(new Event('focus'))")
    expect(sheet(page)).to_be_visible()
    form.locator("#note").fill("anybody may write")
    form.locator("#note").press("x")
    page.wait_for_timeout(300)
    page.evaluate("() => dispatchEvent(new Event('focus'))")
    expect(sheet(page)).to_be_visible()
    expect(hub.get_by_text("The journal is locked.")).to_be_visible()
    expect(hub.get_by_text("Nothing waits on this phone.")).to_be_hidden()
    context.close()
