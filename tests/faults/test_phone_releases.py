"""Another version of the journal comes, and goes: with another shape of the phone's store, and another way to speak with
the server, while tabs of the one before are open. None of them hangs, and nothing is lost."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.chromium import PATIENCE_MS, phone
from tests.faults.kept import each_once
from tests.faults.writing import Line, Writer, drained, sign_in, waits
from tests.servers import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.once]
CHANGES = (
    ("static/js/phone.js", 'indexedDB.open("journal", 1)', 'indexedDB.open("journal", 2)'),
    (
        "static/js/phone.js",
        "const store = asked.result.createObjectStore(",
        "if (!asked.result.objectStoreNames.contains(name)) asked.result.createObjectStore(",
    ),
    (
        "static/js/phone.js",
        'if (name === "operations") store.createIndex',
        'if (name === "") store.createIndex',
    ),
    ("static/js/phone.js", "JSON.stringify({ version: 1,", "JSON.stringify({ version: 2,"),
    ("static/js/phone.js", "told.version !== 1", "told.version !== 2"),
    ("journal/sync/present.py", "VERSION = 1", "VERSION = 2"),
)
"""What the next version does otherwise. Its server doesn't understand the phones of this one at all."""


@pytest.fixture(scope="module")
def next_version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    code = tmp_path_factory.mktemp("code")
    for name in ("journal", "static", "templates", "migrations", "deploy"):
        shutil.copytree(ROOT / name, code / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "wsgi.py", code)
    for name, old, new in CHANGES:
        text = (code / name).read_text("utf-8")
        assert old in text, f"{name} has changed: {old}"
        (code / name).write_text(text.replace(old, new), "utf-8")
    return code


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    made = Line(tmp_path / "line")
    yield made
    made.stop()


@pytest.fixture
def context(browser: Browser, line: Line) -> Iterator[BrowserContext]:
    opened = phone(browser, line.proxy.url)
    yield opened
    opened.close()


def opens_anew(page: Page) -> None:
    """The journal is opened, until the pages that the phone keeps are those of this version."""
    page.goto("/today")
    page.evaluate("async () => (await navigator.serviceWorker.getRegistration()).update()")
    wanted = page.evaluate(
        """async () => (await (await fetch("/sw.js")).text()).match(/const version = "(\\w+)"/)[1]"""
    )
    for _ in range(240):
        page.goto("/offline")
        if page.locator("meta[name=shell]").get_attribute("content") == wanted:
            return
        page.wait_for_timeout(250)
    raise AssertionError("the pages of the version before are kept for ever")


def has_upgraded(page: Page) -> None:
    page.wait_for_function(
        "async () => (await indexedDB.databases()).some((one) => one.name === 'journal' && one.version === 2)"
    )


def stays_in_the_form(page: Page, writer: Writer) -> None:
    expect(page.locator("#errors")).to_contain_text("Your words are still here", timeout=20_000)
    expect(page.locator("#note")).to_have_value(f"{writer.marks[-1]} is how it was")


def test_a_new_version_and_back(line: Line, context: BrowserContext, next_version: Path) -> None:
    email, old_tab = line.sign_up(), context.new_page()
    sign_in(old_tab, email)
    writer = Writer(old_tab)
    line.proxy.fail("refuse", only="/sync")
    writer.check_in(1, kept_page=False)
    waits(old_tab, 1)
    writer.open_check_in(2, kept_page=False)
    expect(old_tab.get_by_text("Draft kept")).to_be_visible()

    line.release(next_version)
    new_tab = context.new_page()
    opens_anew(new_tab)
    has_upgraded(new_tab)  # the old tab let go
    line.proxy.mend()
    drained(new_tab, 1)
    writer.save()  # in the old tab, which knows neither the store nor the server any more
    stays_in_the_form(old_tab, writer)
    old_tab.reload()
    expect(old_tab.locator("#note")).to_have_value(f"{writer.marks[-1]} is how it was")
    writer.save()
    old_tab.wait_for_url(f"**/check-ins/{writer.day(2)}")

    line.proxy.fail("refuse", only="/sync")
    writer.check_in(3, kept_page=False)
    waits(old_tab, 1, sent=2)
    line.release(ROOT)  # it was no good: back to the one before
    opens_anew(new_tab)
    later = Writer(new_tab, writer.marks)
    later.check_in(4, kept_page=False)
    stays_in_the_form(new_tab, later)
    line.proxy.mend()
    later.save()
    new_tab.wait_for_url(f"**/check-ins/{later.day(4)}")
    each_once(line.journal, email, [mark for mark in writer.marks if mark != writer.marks[2]])

    line.release(next_version)
    opens_anew(new_tab)
    drained(new_tab, 3)
    each_once(line.journal, email, writer.marks)


def test_an_old_tab_that_never_lets_go(line: Line, context: BrowserContext, next_version: Path) -> None:
    """As one that the phone has put to sleep."""
    email, old_tab = line.sign_up(), context.new_page()
    sign_in(old_tab, email)
    before = Writer(old_tab)
    line.proxy.fail("refuse", only="/sync")
    before.check_in(1, kept_page=False)
    waits(old_tab, 1)
    old_tab.evaluate(
        "() => new Promise((done) => (indexedDB.open('journal').onsuccess = (e) => done(window.held = e.target.result, 0)))"
    )
    line.release(next_version)
    page = context.new_page()
    writer = Writer(page, before.marks)
    writer.check_in(2, kept_page=False)
    stays_in_the_form(page, writer)
    expect(page.locator("#errors")).to_contain_text("Close other tabs of the journal")
    line.proxy.mend()
    writer.save()
    page.wait_for_url(f"**/check-ins/{writer.day(2)}", timeout=20_000)
    each_once(line.journal, email, writer.marks[1:])
    old_tab.close()
    page.goto("/today")
    drained(page, 1)
    each_once(line.journal, email, writer.marks)


def test_a_portal_comes_between_while_a_new_version_is_fetched(
    line: Line, context: BrowserContext, next_version: Path
) -> None:
    """It answers everything with its own page and code 200. None of that is kept in the place of ours."""
    page = context.new_page()
    sign_in(page, line.sign_up())
    line.release(next_version)
    line.proxy.fail("captive", spare="/sw.js")
    since = len(line.proxy.seen)
    page.evaluate("async () => (await navigator.serviceWorker.getRegistration()).update().catch(() => 0)")
    line.proxy.wait_for(lambda one: one.path == "/help-now", since=since)
    page.wait_for_function(
        "async () => !(await navigator.serviceWorker.getRegistration()).installing", timeout=PATIENCE_MS
    )
    line.proxy.fail("refuse")
    for address in ("/offline", "/offline/check-in", "/help-now"):
        page.goto(address)
        expect(page.locator("body")).not_to_contain_text("Free Wi-Fi")
        expect(page.locator("meta[name=shell]")).to_have_count(1)
    line.proxy.mend()
    opens_anew(page)
