"""What a phone is set to is heeded: low light after an infusion, more contrast, colours of one's own, a notch, a short
screen. And the focus stays where somebody left it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import LOOKS, phone
from tests.browser.pages import sign_in
from tests.browser.test_journey import sign_up, tap
from tests.servers import Journal

pytestmark = [pytest.mark.browser, pytest.mark.once]
PLACES = {"/today": "Today", "/infusions": "Infusions", "/trends": "Trends", "/sharing": "Sharing"}


@pytest.fixture
def mine(browser: Browser, journal: Journal) -> Iterator[Page]:
    page = phone(browser, journal.url).new_page()
    sign_in(page, "grete@demo.example.org")
    yield page
    page.context.close()


def style(page: Page, of: str, *names: str, part: str = "") -> list[str]:
    """The computed styles of the first such element, or of its ::before and the like."""
    ask = """([of, names, part]) => { const s = getComputedStyle(document.querySelector(of), part || null);
    return names.map((n) => s.getPropertyValue(n)); }"""
    told: list[str] = page.evaluate(ask, [of, list(names), part])
    return told


CONTRAST = """([of, name, on]) => {
  // Drawn on a canvas, so that a colour in any notation comes out as numbers.
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const light = (color) => {
    canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [a, b] = [light(getComputedStyle(document.querySelector(of))[name]), light(getComputedStyle(document.querySelector(on)).backgroundColor)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); }"""


@pytest.mark.parametrize("look", LOOKS)
def test_lines_and_words_are_stronger_where_more_contrast_is_asked_for(
    browser: Browser, journal: Journal, look: str
) -> None:
    page = phone(browser, journal.url, look).new_page()
    sign_up(page)
    page.goto("/today")
    asked = {
        ".scale span": ("borderTopColor", ".scale span", 4.5),
        "textarea": ("borderTopColor", "textarea", 7),
        ".quiet": ("color", "body", 7),
        "hr": ("borderTopColor", "body", 4.5),
    }
    usual = {of: page.evaluate(CONTRAST, [of, name, on]) for of, (name, on, _) in asked.items()}
    assert style(page, ".scale span", "border-top-width") == ["1px"]
    page.emulate_media(contrast="more", reduced_motion="reduce")  # colours change at once then
    for of, (name, on, least) in asked.items():
        told = page.evaluate(CONTRAST, [of, name, on])
        assert told >= least and told > usual[of], (of, told, usual[of])
    assert style(page, ".scale span", "border-top-width") == ["2px"]
    assert style(page, ".nav", "border-top-width") == ["2px"]
    page.context.close()


def test_with_colours_of_ones_own_a_choice_still_shows(browser: Browser, journal: Journal) -> None:
    page = phone(browser, journal.url, forced_colors="active").new_page()
    sign_up(page)
    page.goto("/today")
    assert style(page, ".scale span", "outline-style") == ["none"]
    tap(page, "mood", "3")
    page.locator("h1").click()  # the focus elsewhere
    chosen = 'input[name="mood"][value="3"] + span'
    assert style(page, chosen, "outline-style", "outline-width") == ["solid", "3px"]
    bar = style(page, ".nav a[aria-current]", "background-color", part="::before")
    assert bar != style(page, ".nav", "background-color")
    page.goto("/account/treated-for")
    box = 'input[name="treated_for"] + span'
    off = style(page, box, "border-top-width", part="::before")
    page.locator("label.option").first.click()
    assert style(page, box, "border-top-width", part="::before") != off
    page.context.close()


def test_nothing_lies_under_a_notch_or_the_phones_own_bar(mine: Page) -> None:
    tools = mine.context.new_cdp_session(mine)
    insets = {"top": 20, "bottom": 34, "left": 0, "right": 0}
    tools.send("Emulation.setSafeAreaInsetsOverride", {"insets": insets})
    mine.goto("/check-ins/measures")
    height, free = 844, 844 - 34
    for of in (".nav a", ".dock .button"):
        box = mine.locator(of).first.bounding_box()
        assert box and box["y"] + box["height"] <= free, of
    dock, nav = mine.locator(".dock").bounding_box(), mine.locator(".nav").bounding_box()
    assert dock and nav and abs(dock["y"] + dock["height"] - nav["y"]) <= 1
    assert nav["y"] + nav["height"] == height  # its ground goes on to the edge
    pill = mine.locator(".pill").bounding_box()
    assert pill and pill["y"] >= 20
    mine.goto("/sharing/new?way=person")  # a flow, with a dock and no bar of places
    box = mine.locator(".dock .button").first.bounding_box()
    assert box and box["y"] + box["height"] <= free
    insets = {"top": 0, "bottom": 21, "left": 47, "right": 47}
    tools.send("Emulation.setSafeAreaInsetsOverride", {"insets": insets})
    mine.set_viewport_size({"width": 667, "height": 375})
    for of in ("h1", ".top-row > *", "textarea, input:not([type=hidden])"):
        box = mine.locator(of).first.bounding_box()
        assert box and box["x"] >= 47 and box["x"] + box["width"] <= 667 - 47, of


def test_on_a_short_screen_nothing_but_help_stays_in_the_way(mine: Page) -> None:
    mine.goto("/infusions/new")
    assert [style(mine, of, "position") for of in (".dock", ".nav")] == [["sticky"], ["sticky"]]
    mine.set_viewport_size({"width": 640, "height": 360})
    assert [style(mine, of, "position") for of in (".dock", ".nav")] == [["static"], ["static"]]
    mine.evaluate("scrollTo(0, 500)")
    expect(mine.get_by_role("link", name="Help now")).to_be_in_viewport()


def test_four_places_and_where_one_is(mine: Page) -> None:
    for address, name in PLACES.items():
        mine.goto(address)
        assert mine.locator(".nav a").all_inner_texts() == list(PLACES.values())
        assert mine.locator('.nav a[aria-current="page"]').all_inner_texts() == [name]
        tops = {box["y"] for one in mine.locator(".nav a").all() if (box := one.bounding_box())}
        assert len(tops) == 1


def test_low_light_in_place_keeps_what_is_typed_and_the_focus(browser: Browser, journal: Journal) -> None:
    page = phone(browser, journal.url).new_page()
    sign_up(page)
    page.goto("/infusions/new")
    page.get_by_role("button", name="Save the infusion").tap()  # today, at no known time
    page.get_by_role("heading", name="Infusion 1").wait_for()
    page.goto("/today")
    page.get_by_label("Your note").fill("half a thought")
    offer = page.locator(".low-light")
    offer.get_by_role("button", name="Low light").press("Enter")
    expect(offer).to_be_hidden()
    moon = page.locator(".top button")
    expect(moon).to_be_focused()
    expect(moon).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_label("Your note")).to_have_value("half a thought")
    colors = page.locator('meta[name="theme-color"]').evaluate_all("all => all.map((e) => e.content)")
    assert set(colors) == {"#160f09"}
    moon.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-look", "usual")
    expect(moon).to_be_focused()
    page.context.close()


def test_a_refused_form_brings_the_focus_to_what_is_wrong(mine: Page) -> None:
    mine.goto("/check-ins/measures")
    mine.goto("/sharing/new?way=person")
    mine.get_by_role("button", name="Show me the page").press("Enter")
    mine.locator("#errors").wait_for()
    expect(mine.locator("#errors")).to_be_focused()
    mine.locator("#errors a").first.press("Enter")
    expect(mine.get_by_label("Their email address")).to_be_in_viewport()
