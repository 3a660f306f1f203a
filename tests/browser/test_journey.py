"""The first whole journey, as a patient does it on a phone: with JavaScript and without."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.chromium import phone
from tests.browser.pages import PASSPHRASE
from tests.servers import Journal

pytestmark = pytest.mark.browser
DENVER = ZoneInfo("America/Denver")


class Watched:
    """A phone of which we see every request, every console error and every blocked thing."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.context, self.page = context, context.new_page()
        self.foreign: list[str] = []
        self.errors: list[str] = []
        self.policies: set[str] = set()
        self.page.on(
            "request", lambda r: None if r.url.startswith((origin, "data:")) else self.foreign.append(r.url)
        )
        self.page.on("pageerror", lambda e: self.errors.append(str(e)))
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("response", lambda r: self.policies.add(r.headers.get("content-security-policy", "")))

    def is_clean(self) -> None:
        assert not self.foreign
        assert not self.errors
        assert any(
            "default-src 'none'; script-src 'self'; style-src 'self'" in policy for policy in self.policies
        )


@pytest.fixture(params=[True, False], ids=["javascript", "no-javascript"])
def watched(request: pytest.FixtureRequest, browser: Browser, journal: Journal) -> Iterator[Watched]:
    context = phone(browser, journal.url, java_script_enabled=request.param)
    yield Watched(context, journal.url)
    context.close()


def tap(page: Page, name: str, value: str) -> None:
    page.locator(f'label:has(input[name="{name}"][value="{value}"])').tap()


def sign_up(page: Page) -> str:
    email = f"{uuid4().hex[:10]}@example.org"
    page.goto("/")
    page.get_by_role("link", name="Start a journal").tap()
    page.get_by_label("Email").fill(email)
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Start my journal").tap()
    page.wait_for_url("**/welcome/name")
    return email


def test_from_signing_up_to_the_aligned_chart(watched: Watched) -> None:
    page = watched.page
    sign_up(page)
    page.get_by_label("What should we call you?").fill("Mara")
    page.get_by_role("button", name="Next").tap()
    for _step in ("zone", "country"):
        page.get_by_role("link", name="Skip", exact=True).tap()
    page.locator('label:has(input[value="depression"])').tap()
    page.get_by_role("button", name="Next").tap()
    page.get_by_role("link", name="Skip", exact=True).tap()
    page.get_by_role("button", name="Go to today").tap()

    # The first check-in: three taps on numbers and one on "Save".
    page.wait_for_url("**/today")
    expect(page.get_by_role("heading", name="How is today, Mara?")).to_be_visible()
    taps = 0
    for measure, value in (("mood", "6"), ("anxiety", "4"), ("sleep", "5")):
        tap(page, measure, value)
        taps += 1
    page.get_by_role("button", name="Save today").tap()
    taps += 1
    expect(page.get_by_role("status")).to_contain_text("Saved at")
    assert taps <= 5

    # An infusion that ended three hours ago, or today's earliest hour.
    now = datetime.now(DENVER)
    start = max(now - timedelta(hours=3), now.replace(hour=0, minute=0))
    page.get_by_role("link", name="Infusions").tap()
    page.get_by_role("link", name="Log an infusion").tap()
    page.get_by_label("Day", exact=True).fill(now.date().isoformat())
    page.get_by_label("Start time").fill(f"{start:%H:%M}")
    page.get_by_role("button", name="Save the infusion").tap()
    expect(page.get_by_role("heading", name="Infusion 1", exact=True)).to_be_visible()
    expect(page.get_by_text("No driving until")).to_be_visible()

    # How it was, in three taps.
    page.get_by_role("link", name="How was it?").tap()
    tap(page, "diss_peak", "7")
    tap(page, "worst_side_effect", "mild")
    tap(page, "any_red_flag_now", "no")
    page.get_by_role("button", name="Save and finish tomorrow").tap()
    expect(page.get_by_role("heading", name="How it was")).to_be_visible()
    expect(page.get_by_text("in the first 6 hours")).to_be_visible()

    # Trends: drawn by the server; taken over by Chart.js where there is JavaScript.
    page.get_by_role("link", name="Trends").first.tap()
    expect(page.get_by_role("heading", name="Mood around each infusion")).to_be_visible()
    expect(page.get_by_text(re.compile("We can’t say how long"))).to_be_visible()
    expect(page.locator("[data-aligned] svg, [data-aligned] canvas")).to_be_visible()
    watched.is_clean()


def test_chart_js_draws_where_the_server_drew(browser: Browser, journal: Journal) -> None:
    from tests.browser.pages import sign_in

    with_script = Watched(phone(browser, journal.url), journal.url)
    sign_in(with_script.page, "maya@demo.example.org")
    with_script.page.goto("/trends")
    before = with_script.page.locator("[data-daily=mood]").bounding_box()
    with_script.page.wait_for_timeout(300)
    assert with_script.page.locator("canvas").count() == 0  # nothing is fetched for who only looks
    with_script.page.mouse.move(200, 400)
    with_script.page.locator("[data-daily=mood] canvas").wait_for()
    after = with_script.page.locator("[data-daily=mood]").bounding_box()
    assert before and after
    assert abs(before["height"] - after["height"]) <= 1 and before["y"] == after["y"]
    with_script.page.locator("[data-aligned]").scroll_into_view_if_needed()
    with_script.page.locator("[data-aligned] canvas").wait_for()
    drawn = with_script.page.evaluate(
        "() => Chart.getChart(document.querySelector('[data-daily=mood] canvas')).data.datasets[1].data"
    )
    told = with_script.page.evaluate("async () => (await (await fetch('/trends.json?days=90')).json())")
    assert drawn == next(s for s in told["series"] if s["id"] == "mood")["values"]
    assert sum(value is not None for value in drawn) > 50
    with_script.is_clean()
    with_script.context.close()

    without = Watched(phone(browser, journal.url, java_script_enabled=False), journal.url)
    sign_in(without.page, "maya@demo.example.org")
    without.page.goto("/trends")
    assert without.page.locator("[data-daily=mood] svg path.value").count() == 1
    assert without.page.locator("[data-aligned] svg path.own-middle").count() >= 1
    without.is_clean()
    without.context.close()


def test_a_draft_survives_a_killed_tab(browser: Browser, journal: Journal) -> None:
    context = phone(browser, journal.url)
    page = context.new_page()
    sign_up(page)
    page.goto("/today")
    tap(page, "mood", "3")
    expect(page.get_by_text("Draft kept")).to_be_visible()
    page.locator("[data-kept]").evaluate("(said) => { said.hidden = true; }")  # that was the mood's
    page.get_by_label("Your note").fill("half a thought")
    expect(page.get_by_text("Draft kept")).to_be_visible()
    page.close()
    page = context.new_page()
    page.goto("/today")
    expect(page.get_by_label("Your note")).to_have_value("half a thought")
    expect(page.locator('input[name="mood"][value="3"]')).to_be_checked()
    page.get_by_role("button", name="Save today").tap()
    expect(page.get_by_role("status")).to_be_visible()
    assert page.evaluate("Object.keys(localStorage).filter(k => k.startsWith('draft:')).length") == 0
    context.close()


def test_with_the_keyboard_alone(browser: Browser, journal: Journal) -> None:
    context = phone(browser, journal.url)
    page = context.new_page()
    sign_up(page)
    page.goto("/today")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "mood":
            break
    page.keyboard.press("Space")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert page.evaluate("document.querySelector('input[name=mood]:checked').value") == "4"
    outline = page.evaluate("getComputedStyle(document.activeElement.nextElementSibling).outlineWidth")
    assert outline == "3px"
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Saved at")
    context.close()


def test_low_light_is_remembered_without_javascript(browser: Browser, journal: Journal) -> None:
    context = phone(browser, journal.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/help-now")
    page.get_by_role("button", name="Low light").tap()
    expect(page.locator("html")).to_have_attribute("data-look", "low")
    page.goto("/sign-in")
    assert page.locator("html").get_attribute("data-look") == "low"
    context.close()
