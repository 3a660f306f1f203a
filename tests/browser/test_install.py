"""On the home screen: Chromium finds the journal fit for it, and the offer is made once, quietly, where it can be taken."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import FLAGS, LOOKS, chromium_path, phone
from tests.browser.icons import FOLDER, ICONS, draw
from tests.browser.pages import sign_in
from tests.servers import Journal

pytestmark = [pytest.mark.browser, pytest.mark.once]
CARD = "[data-install]"
ASK = """() => { const event = new Event('beforeinstallprompt', {cancelable: true});
event.prompt = async () => { window.asked = (window.asked || 0) + 1; };
dispatchEvent(event); return event.defaultPrevented; }"""
"""Headless Chromium never asks by itself, so the tests ask in its place."""


@pytest.mark.parametrize("look", LOOKS)
def test_chromium_can_install_it(browser: Browser, journal: Journal, tmp_path: Path, look: str) -> None:
    """In a profile that is kept: nothing is ever installed from a private window."""
    context = browser.browser_type.launch_persistent_context(
        tmp_path,
        executable_path=chromium_path(),
        args=list(FLAGS),
        base_url=journal.url,
        color_scheme="dark" if look == "dark" else "light",
    )
    if look == "low":
        context.add_cookies([{"name": "look", "value": "low", "url": journal.url}])
    page = context.new_page()
    page.goto("/help-now")
    tools = context.new_cdp_session(page)
    told = tools.send("Page.getAppManifest")
    assert told["errors"] == []
    shown = {"light": "rgba(241,241,234,1)", "dark": "rgba(19,25,27,1)", "low": "rgba(22,15,9,1)"}
    assert told["manifest"]["backgroundColor"] == told["manifest"]["themeColor"] == shown[look]
    assert tools.send("Page.getInstallabilityErrors")["installabilityErrors"] == []
    assert tools.send("Page.getAppId")["appId"] == f"{journal.url}/today"
    context.close()


def test_the_icons_are_drawn_from_the_mark(browser: Browser) -> None:
    """Whoever changes the mark draws the icons again: make icons."""
    for name in ICONS:
        kept, again = (
            Image.open(one).convert("RGBA") for one in (FOLDER / name, BytesIO(draw(browser, name)))
        )
        assert kept.size == again.size
        strays = ImageStat.Stat(ImageChops.difference(kept, again)).mean
        assert max(strays) < 1, (name, strays)  # another Chromium may draw an edge a shade differently


def _account(browser: Browser, journal: Journal, init: str = "") -> Page:
    page = phone(browser, journal.url).new_page()
    if init:
        page.add_init_script(init)
    sign_in(page, "grete@demo.example.org")
    page.goto("/account")
    return page


def test_it_is_offered_until_it_was_answered(browser: Browser, journal: Journal) -> None:
    page = _account(browser, journal)
    expect(page.locator(CARD)).to_be_hidden()
    assert page.evaluate(ASK)  # the browser's own bar stays away
    expect(page.locator(CARD)).to_be_visible()
    expect(page.locator("[data-install-ios]")).to_be_hidden()
    page.reload()
    page.evaluate(ASK)
    page.get_by_role("button", name="Not now").tap()
    expect(page.locator(CARD)).to_be_hidden()
    assert page.evaluate("document.activeElement.id") == "main"
    page.reload()
    page.evaluate(ASK)
    expect(page.locator(CARD)).to_be_hidden()
    page.context.close()


def test_a_tap_asks_the_browser_once(browser: Browser, journal: Journal) -> None:
    page = _account(browser, journal)
    page.evaluate(ASK)
    page.get_by_role("button", name="Put it there").tap()
    expect(page.locator(CARD)).to_be_hidden()
    assert page.evaluate("window.asked") == 1
    page.context.close()


@pytest.mark.parametrize(("standalone", "is_told"), [("false", True), ("true", False)])
def test_an_iphone_is_told_how_and_why(
    browser: Browser, journal: Journal, standalone: str, is_told: bool
) -> None:
    define = f"Object.defineProperty(navigator, 'standalone', {{ value: {standalone} }})"
    page = _account(browser, journal, define)
    expect(page.locator(CARD)).to_be_visible(visible=is_told)
    if is_told:
        expect(page.locator(CARD)).to_contain_text("after seven days without a visit")
        expect(page.get_by_role("button", name="Put it there")).to_be_hidden()
    page.context.close()


@pytest.mark.parametrize("address", ["/welcome/country", "/questionnaires/phq-9/1", "/help-now"])
def test_it_is_not_offered_in_the_middle_of_something(
    browser: Browser, journal: Journal, address: str
) -> None:
    page = _account(browser, journal)
    page.goto(address)
    assert page.locator(CARD).count() == 0
    page.context.close()
