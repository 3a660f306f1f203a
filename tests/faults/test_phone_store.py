"""The phone's store lets somebody down: it is full, held by an old tab, or of another version of the journal. Their words
stay where they are, and nothing that was called saved is lost."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.chromium import phone
from tests.faults.kept import each_once
from tests.faults.writing import HELD, Line, Writer, drained, sign_in, waits

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.once]


@pytest.fixture
def context(browser: Browser, line: Line) -> Iterator[BrowserContext]:
    """A phone with little room for the journal. That has to be so before anything is stored: a browser goes on for a
    while by how much room it saw last."""
    line.proxy.mend()
    opened = phone(browser, line.proxy.url)
    _allow(opened.new_page(), line, 4_000_000)
    yield opened
    opened.close()


def _allow(page: Page, line: Line, room: int | None) -> None:
    asked = {"origin": line.proxy.url} | ({} if room is None else {"quotaSize": room})
    page.context.new_cdp_session(page).send("Storage.overrideQuotaForOrigin", asked)


def fill_up(page: Page) -> None:
    """Write beside the journal until nothing more fits, not even a hundred bytes."""
    page.evaluate(
        """async () => {
          const asked = indexedDB.open("filler", 1);
          asked.onupgradeneeded = () => asked.result.createObjectStore("all", { autoIncrement: true });
          const open = await new Promise((done) => (asked.onsuccess = () => done(asked.result)));
          for (const size of [100000, 10000, 1000, 100]) {
            for (let fits = true; fits; ) {
              const data = new Uint8Array(size);
              for (let at = 0; at < size; at += 65536) crypto.getRandomValues(data.subarray(at, at + 65536));
              const unit = open.transaction("all", "readwrite");
              unit.objectStore("all").add(data);
              fits = await new Promise((done) => {
                unit.oncomplete = () => done(true);
                unit.onabort = () => done(false);
              });
            }
          }
          open.close();
        }"""
    )


def still_here(page: Page, writer: Writer, says: str) -> None:
    """Nothing was called saved, the words stand in the form, and the page says kindly what is wrong."""
    box = page.locator("#errors")
    expect(box).to_contain_text(says)
    expect(box).to_contain_text("Your words are still here")
    expect(page.locator("#note")).to_have_value(f"{writer.marks[-1]} is how it was")
    assert "Saved on this phone" not in page.locator("main").inner_text()
    assert "!" not in box.inner_text()


@pytest.mark.parametrize("kept_page", [True, False], ids=["kept page", "page"])
def test_no_room_and_no_line(line: Line, context: BrowserContext, kept_page: bool) -> None:
    email, page = line.sign_up(), context.pages[0]
    sign_in(page, email)
    writer = Writer(page)
    line.proxy.fail("refuse", only="" if kept_page else "/sync")
    writer.check_in(1, kept_page=kept_page)
    waits(page, 1)
    writer.open_check_in(2, kept_page=kept_page)
    line.proxy.fail("refuse")
    fill_up(page)
    writer.save()
    still_here(page, writer, "no room")
    assert page.evaluate(HELD, "operations") == 1, "what was there is there"
    _allow(page, line, None)
    writer.save()
    waits(page, 2)
    line.proxy.mend()
    drained(page, 2)
    each_once(line.journal, email, writer.marks)


@pytest.mark.parametrize("kept_page", [True, False], ids=["kept page", "page"])
def test_no_room_on_a_whole_line(line: Line, context: BrowserContext, kept_page: bool) -> None:
    """A full phone must not keep anybody from writing while the server can be reached."""
    email, page = line.sign_up(), context.pages[0]
    sign_in(page, email)
    writer = Writer(page)
    writer.open_check_in(2, kept_page=kept_page)
    fill_up(page)
    writer.save()
    page.wait_for_url(f"**/check-ins/{writer.day(2)}")
    each_once(line.journal, email, writer.marks)


@pytest.mark.parametrize("mode", ["captive", "502", "blackhole"])
def test_no_room_on_a_line_that_lies(line: Line, context: BrowserContext, mode: str) -> None:
    """Something answers, but not the journal: the words must not go there."""
    email, page = line.sign_up(), context.pages[0]
    sign_in(page, email)
    writer = Writer(page)
    writer.open_check_in(2, kept_page=False)
    line.proxy.fail(mode)
    fill_up(page)
    writer.save()
    page.locator("#errors").wait_for(timeout=40_000)
    still_here(page, writer, "no room")
    line.proxy.mend()
    _allow(page, line, None)
    writer.save()
    page.wait_for_url(f"**/check-ins/{writer.day(2)}")
    each_once(line.journal, email, writer.marks)
