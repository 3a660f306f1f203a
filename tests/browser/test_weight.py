"""What pages weigh on the way to a phone, counted in the browser itself. Nothing of it depends on the database."""

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.browser.chromium import phone
from tests.browser.pages import sign_in
from tests.browser.test_journey import sign_up
from tests.browser.wire import Fetched, Wire
from tests.servers import Journal

pytestmark = [pytest.mark.browser, pytest.mark.once]
KB = 1024
LATER = """const usual = self.setTimeout.bind(self);
self.setTimeout = (work, ms, ...more) => usual(work, ms >= 1200 ? 600000 : ms, ...more);"""
"""What the journal does on a quiet page, 1.2 s after it came, isn't weighed: a busy machine would be there before the page."""


def weight(fetched: list[Fetched]) -> int:
    return sum(one.size for one in fetched)


def fresh(browser: Browser, journal: Journal, whose: BrowserContext) -> tuple[Wire, BrowserContext]:
    """Another phone of the same person, with nothing kept yet."""
    context = phone(browser, journal.url, storage_state=whose.storage_state())
    context.add_init_script(LATER)
    return Wire(context.new_page(), journal.url), context


def load(wire: Wire, context: BrowserContext, path: str) -> list[Fetched]:
    [page] = context.pages
    page.goto(path)
    page.wait_for_load_state("networkidle")
    return wire.fetched()


def test_the_check_in_page_weighs_little(browser: Browser, journal: Journal) -> None:
    context = phone(browser, journal.url)
    sign_up(context.new_page())
    wire, again = fresh(browser, journal, context)
    context.close()
    first = load(wire, again, "/today")
    assert {"/today"} < {one.path for one in first}
    assert len(first) <= 6
    assert weight(first) <= 20 * KB
    assert 0 < weight([one for one in first if one.is_script]) <= 8 * KB
    second = load(wire, again, "/today")
    assert "/today" in {one.path for one in second} and weight(second) <= 6 * KB
    again.close()


def test_a_year_of_trends_is_seen_before_chart_js_comes(browser: Browser, journal: Journal) -> None:
    context = phone(browser, journal.url)
    sign_in(context.new_page(), "maya@demo.example.org")
    wire, again = fresh(browser, journal, context)
    context.close()
    first = load(wire, again, "/trends")
    assert again.pages[0].locator("[data-daily] svg").first.is_visible()
    assert weight(first) <= 30 * KB
    again.pages[0].mouse.move(200, 400)
    again.pages[0].locator("canvas").first.wait_for()
    late = {one.path.partition("?")[0].partition(".umd")[0]: one.size for one in wire.fetched()}
    assert late.keys() == {"/static/vendor/chart.js-4.6.1/chart", "/trends.json"}
    assert late["/static/vendor/chart.js-4.6.1/chart"] <= 75 * KB
    again.close()
