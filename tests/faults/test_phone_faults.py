"""A real browser on a bad line, in every way a line can be bad: nothing is lost, nothing is there twice, and the page
never says more than is so. `FULL=1` writes 20 entries in each mode."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import phone
from tests.faults.kept import each_once, list_kept
from tests.faults.proxy import MODES
from tests.faults.writing import WAITS, Line, Writer, drained, pass_sign_in, sign_in, until_held, waits

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.once]
ENTRIES = 20 if os.environ.get("FULL") else 4


def write(writer: Writer, number: int, *, kept_page: bool) -> None:
    """The first of each kind in turn."""
    if number % 4 == 3:
        writer.infusion(1 + number % 13, kept_page=kept_page)
    elif kept_page and number % 4 == 2 and "gad-7" not in writer.responses:
        writer.questionnaire("gad-7", 1, 2, 0, 3, 1, 0, 2)
    else:
        writer.check_in(1 + number % 13, kept_page=kept_page)


@pytest.mark.parametrize("mode", MODES)
def test_each_entry_is_on_the_server_once(browser: Browser, line: Line, mode: str) -> None:
    email = line.sign_up()
    context = phone(browser, line.proxy.url)
    page = context.new_page()
    sign_in(page, email)
    writer, since = Writer(page), len(line.proxy.seen)
    line.proxy.delay_s = 15
    for number in range(ENTRIES):
        # First only the sending fails, then everything does.
        everything = number >= ENTRIES // 2
        line.proxy.fail(mode, only="" if everything else "/sync")
        write(writer, number, kept_page=everything)
        waits(page, number + 1)
        if number + 1 == ENTRIES // 2:
            page.goto("/infusions")
            expect(page.get_by_role("status").filter(has_text="wait on this phone")).to_have_text(
                f"{number + 1} entries wait on this phone."
            )
    tries = line.proxy.sends(since)
    assert tries or mode == "refuse", "the phone has to have tried"
    assert all(one.mode == mode for one in tries)
    line.proxy.mend()
    drained(page, ENTRIES)
    each_once(line.journal, email, writer.marks)
    responses = [one for one in list_kept(line.journal) if one.owner == email and one.kind == "questionnaire"]
    assert [list(one.payload["answers"].values()) for one in responses][-1:] == (
        [[1, 2, 0, 3, 1, 0, 2]] if writer.responses else []
    )
    assert len({one.entry for one in responses}) == len(writer.responses)
    context.close()


@pytest.fixture
def mine(browser: Browser, line: Line) -> Iterator[tuple[Page, str]]:
    """A page on which somebody is signed in, and their address."""
    line.proxy.mend()
    context, email = phone(browser, line.proxy.url), line.sign_up()
    page = context.new_page()
    sign_in(page, email)
    yield page, email
    context.close()


def test_signed_out_with_entries_waiting(line: Line, mine: tuple[Page, str]) -> None:
    page, email = mine
    writer = Writer(page)
    line.proxy.fail("refuse", only="/sync")
    for number in range(3):
        writer.check_in(1 + number, kept_page=True)
        waits(page, number + 1)
    # Before the line is whole, else a page could send them in that moment.
    page.context.clear_cookies(name="journal")
    line.proxy.mend()
    page.goto("/today")
    expect(page.get_by_text("Sign in to send 3 entries.")).to_be_visible()
    pass_sign_in(page, email)
    drained(page, 3)
    each_once(line.journal, email, writer.marks)


@pytest.mark.parametrize("what", ["online", "visibilitychange", "nothing"])
def test_it_is_sent_without_a_new_page(line: Line, mine: tuple[Page, str], what: str) -> None:
    """When the phone says that it is online, when the page is looked at again, and after a while by itself."""
    page, email = mine
    writer = Writer(page)
    line.proxy.fail("refuse")
    writer.check_in(1, kept_page=True)
    waits(page, 1)
    line.proxy.mend()
    if what != "nothing":
        target = "window" if what == "online" else "document"
        page.evaluate(f"() => {target}.dispatchEvent(new Event('{what}'))")
    until_held(page, "operations", 0, timeout_s=25)  # after the first pause, or the second
    expect(page.locator("#operations li").filter(has_text=WAITS)).to_have_count(0)
    expect(page.locator("main")).not_to_contain_text(WAITS)
    each_once(line.journal, email, writer.marks)


def test_saving_never_waits_for_what_forms_need_to_know(line: Line, mine: tuple[Page, str]) -> None:
    """It is old and would be fetched anew, and the line is dead: the entry is stored at once all the same."""
    page, email = mine
    page.evaluate(
        """() => new Promise((done) => {
          indexedDB.open("journal").onsuccess = ({ target: { result: open } }) => {
            const unit = open.transaction("things", "readwrite");
            const asked = unit.objectStore("things").get("here");
            asked.onsuccess = () => unit.objectStore("things").put({ ...asked.result, at: 0 });
            unit.oncomplete = () => (open.close(), done());
          };
        })"""
    )
    writer = Writer(page)
    line.proxy.fail("blackhole")
    writer.open_check_in(1, kept_page=True)
    writer.save()
    until_held(page, "operations", 1, timeout_s=3)
    waits(page, 1)
    line.proxy.mend()
    drained(page, 1)
    each_once(line.journal, email, writer.marks)
