"""axe-core finds nothing, on every page, in all three looks. Nothing of this depends on the database, so it runs once."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.chromium import LOOKS, PHONE, phone
from tests.browser.pages import (
    CARE,
    CLINIC,
    FOLLOWED,
    MINE,
    PUBLIC,
    SECOND_STEP,
    clinician,
    reader,
    sign_in,
    staff,
)
from tests.servers import Journal

pytestmark = [pytest.mark.browser, pytest.mark.once]
CONTRAST = "async () => (await axe.run(document, {runOnly: {type: 'rule', values: ['color-contrast']}}))"
"""What a look can change; all the rest is the same page."""
RUN = "async () => (await axe.run(document, {runOnly: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']}))"

STILL = """async () => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  await frame();
  await frame();
  await Promise.all(document.getAnimations().map((one) => one.finished.catch(() => false)));
}"""
"""Colours that are still on their way from one to another are no colours of the page."""


def findings(page: Page, axe: str, run: str = RUN) -> list[str]:
    # As tall as the page: under the bars that stay at the bottom of the screen, axe takes what can still be scrolled
    # into view for something that can't be tapped.
    page.wait_for_load_state()  # on a busy machine a tap is answered before the next page is there
    page.set_viewport_size(
        {"width": 390, "height": max(844, page.evaluate("document.documentElement.scrollHeight"))}
    )
    page.evaluate(STILL)
    page.evaluate(axe)
    found: dict[str, Any] = page.evaluate(run)
    return [
        f"{v['id']}: {v['nodes'][0]['html'][:140]} {v['nodes'][0]['failureSummary'][:200]}"
        for v in found["violations"]
    ]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("whose", ["public", "mine", "second-step", "care", "clinic", "followed"])
def test_nothing_is_found(browser: Browser, journal: Journal, axe: str, look: str, whose: str) -> None:
    known = {"care": reader, "clinic": staff, "followed": clinician}.get(whose)
    context = known(browser, journal, look) if known else phone(browser, journal.url, look)
    page = context.new_page()
    if whose == "mine":
        sign_in(page, "grete@demo.example.org")
    told = {}
    pages = {"public": PUBLIC, "mine": MINE, "second-step": SECOND_STEP, "care": CARE}
    pages |= {"clinic": CLINIC, "followed": FOLLOWED}
    for name, visit in pages[whose].items():
        visit(page)
        if "trends" in name:
            page.mouse.move(200, 400)
            page.locator("canvas").first.wait_for()
        told[name] = findings(page, axe, RUN if look == "light" else CONTRAST)
        page.set_viewport_size(PHONE)
    context.close()
    assert not {name: found for name, found in told.items() if found}


def test_axe_would_find_something(browser: Browser, journal: Journal, axe: str) -> None:
    """The check itself can fail."""
    page = phone(browser, journal.url).new_page()
    page.goto("/sign-in")
    page.evaluate("document.querySelector('label').remove()")
    assert any(found.startswith("label") for found in findings(page, axe))
    page.context.close()
