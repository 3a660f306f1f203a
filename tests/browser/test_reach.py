"""Every page can be reached with a thumb and read by tired eyes: large targets, nothing cut, nothing hidden behind a bar,
on small phones, on their side, with text twice as large. Nothing of this depends on the database, so it runs once."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, CDPSession, Page

from tests.browser.chromium import PHONE, phone
from tests.browser.measures import BEHIND, BROKEN, CUT, MOVES, SMALL
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
TARGET = 44
SMALL_PHONES = {"320": (320, 568), "360": (360, 700)}
USUAL_PHONE = (390, 844)
ON_ITS_SIDE = (640, 360)
DRAWN = """() => document.querySelector('canvas') && new Promise((done) => setTimeout(() => requestAnimationFrame(done), 120))"""
"""Charts follow the page's width a moment later."""
READ_FIRST = {"sharing-preview", "account-export-errors"}
"""Pages on which the primary button waits at the end on purpose: what it does is to be read before."""


def resize(page: Page, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.evaluate(DRAWN)


@contextmanager
def text_twice_as_large(tools: CDPSession) -> Iterator[None]:
    """As the browser's own setting does it, so that media queries in em hear of it too."""
    tools.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
    yield
    tools.send("Page.setFontSizes", {"fontSizes": {"standard": 16, "fixed": 13}})


def faults(page: Page, tools: CDPSession) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, size in SMALL_PHONES.items():
        resize(page, size)
        found |= {f"small, {name}": page.evaluate(SMALL, TARGET), f"cut, {name}": page.evaluate(CUT)}
        found[f"broken, {name}"] = page.evaluate(BROKEN)
    found["behind, 360"] = page.evaluate(BEHIND)
    resize(page, ON_ITS_SIDE)
    found |= {"cut, on its side": page.evaluate(CUT), "behind, on its side": page.evaluate(BEHIND)}
    page.emulate_media(reduced_motion="reduce")
    found["moves"] = page.evaluate(MOVES)
    page.emulate_media(reduced_motion="no-preference")
    with text_twice_as_large(tools):
        resize(page, USUAL_PHONE)
        found["cut, at 200 %"] = page.evaluate(CUT)
        resize(page, SMALL_PHONES["320"])
        found |= {"cut, 320 at 200 %": page.evaluate(CUT), "behind, 320 at 200 %": page.evaluate(BEHIND)}
        found["small, 320 at 200 %"] = page.evaluate(SMALL, TARGET)
    page.set_viewport_size(PHONE)
    return {kind: some for kind, some in found.items() if some}


@pytest.mark.parametrize("whose", ["public", "mine", "second-step", "care", "clinic", "followed"])
def test_all_is_in_reach_and_nothing_is_cut(browser: Browser, journal: Journal, whose: str) -> None:
    known = {"care": reader, "clinic": staff, "followed": clinician}.get(whose)
    page = (known(browser, journal) if known else phone(browser, journal.url)).new_page()
    tools = page.context.new_cdp_session(page)
    if whose == "mine":
        sign_in(page, "grete@demo.example.org")
    pages = {"public": PUBLIC, "mine": MINE, "second-step": SECOND_STEP, "care": CARE}
    pages |= {"clinic": CLINIC, "followed": FOLLOWED}
    told = {}
    for name, visit in pages[whose].items():
        visit(page)
        page.wait_for_load_state()
        told[name] = faults(page, tools)
    page.context.close()
    assert not {name: found for name, found in told.items() if found}


def test_the_measures_would_find_something(browser: Browser, journal: Journal) -> None:
    page = phone(browser, journal.url).new_page()
    tools = page.context.new_cdp_session(page)
    sign_in(page, "grete@demo.example.org")
    page.goto("/infusions/new")
    assert faults(page, tools) == {}
    page.evaluate("document.querySelector('.pill').style.minHeight = '30px'")
    assert "small, 320" in faults(page, tools)
    page.evaluate("document.querySelector('h1').style.whiteSpace = 'nowrap'")
    page.evaluate("document.querySelector('h1').textContent = 'A heading that is far too long for its line'")
    assert "cut, 320" in faults(page, tools)
    page.evaluate("document.documentElement.style.scrollPadding = '0'")
    assert "behind, 360" in faults(page, tools)
    page.evaluate("document.querySelector('.button').style.transition = 'color 1s'")
    assert "moves" in faults(page, tools)
    page.context.close()


PRIMARY = """() => [...document.querySelectorAll('.button.primary')].filter((e) => e.checkVisibility() && !e.closest('.dock'))
.filter((e) => e.getBoundingClientRect().bottom > innerHeight - 64).map((e) => e.textContent.trim())"""


def test_the_primary_button_is_in_the_dock_or_on_the_first_screen(browser: Browser, journal: Journal) -> None:
    page = phone(browser, journal.url).new_page()
    sign_in(page, "grete@demo.example.org")
    away = {}
    for name, visit in MINE.items():
        visit(page)
        page.wait_for_load_state()
        if name not in READ_FIRST and (found := page.evaluate(PRIMARY)):
            away[name] = found
    page.context.close()
    assert not away
