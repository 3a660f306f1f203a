"""The browser dies: all of its processes at once, with nothing written down on the way. What the page called saved is
there when it comes back. `FULL=1` kills it 200 times."""

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from playwright.sync_api import Playwright, expect

from tests.browser.chromium import driver
from tests.faults.kept import each_once, list_kept
from tests.faults.phone import Phone
from tests.faults.writing import Line, Writer, drained, sign_in, start_at, until_held, waits

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.once]
KILLS = 200 if os.environ.get("FULL") else 30
EACH = 10
"""Kills until the line is whole for once, and everything has to arrive."""
LINES = ("refuse", "reset", "500", "truncated")
"""In some of these the server has it already when the browser dies, and the phone doesn't know."""


@pytest.fixture(scope="module")
def playwright() -> Playwright:
    return driver()


@pytest.fixture
def mine(playwright: Playwright, line: Line, tmp_path: Path) -> Iterator[tuple[Phone, str]]:
    """A phone on which somebody is signed in, put away in order once: the browser writes its cookies down late."""
    phone, email = Phone(playwright, tmp_path / "profile", line.proxy.url), line.sign_up()
    line.proxy.mend()
    sign_in(phone.start(), email)
    phone.close()
    yield phone, email
    phone.close()


def test_what_was_called_saved_survives(line: Line, mine: tuple[Phone, str]) -> None:
    phone, email = mine
    marks: list[str] = []
    for first in range(0, KILLS, EACH):
        waiting, sent = 0, len(marks)
        for kill in range(first, min(first + EACH, KILLS)):
            line.proxy.fail(LINES[kill % len(LINES)], only="" if kill % 2 else "/sync")
            page = phone.start()
            start_at(page, waiting)
            writer = Writer(page, marks)
            for _ in range(1 + kill % 2):
                writer.check_in(1 + kill % 13, kept_page=True)
                waiting += 1
                waits(page, waiting, sent)
            phone.kill()
        line.proxy.mend()
        drained(phone.start(), len(marks))
        phone.close()
    each_once(line.journal, email, marks)


def test_what_is_half_written_survives(line: Line, mine: tuple[Phone, str]) -> None:
    phone, _ = mine
    for address, words in (("/today", "half a thought"), ("/offline/check-in", "half another")):
        page = phone.start()
        page.goto(address)
        page.locator("#note").fill(words)
        expect(page.get_by_text("Draft kept")).to_be_visible()
        phone.kill()
        page = phone.start()
        page.goto(address)
        expect(page.locator("#note")).to_have_value(words)
        phone.kill()


def test_death_at_any_moment_of_saving(line: Line, mine: tuple[Phone, str]) -> None:
    """Nobody was told anything yet: then the words are on the server, in the queue or in the draft; and never twice."""
    phone, email = mine
    random, marks = Random(6), []
    for _ in range(40 if os.environ.get("FULL") else 8):
        page = phone.start()
        writer = Writer(page, marks)
        page.goto("/offline/check-in")
        page.locator("form[data-offline]").wait_for()
        days_ago = 1 + len(marks) % 13
        page.locator("#day").select_option(writer.day(days_ago).isoformat())
        expect(page.get_by_text("Draft kept")).to_be_visible()
        page.locator("[data-kept]").evaluate("(said) => { said.hidden = true; }")  # that was the day's
        page.locator("#note").fill(f"{writer.mark()} and then")
        expect(page.get_by_text("Draft kept")).to_be_visible()
        page.locator("form[data-entry] button.primary").click(no_wait_after=True)
        page.wait_for_timeout(random.uniform(0, 120))
        phone.kill()
        page = phone.start()
        page.goto("/today")
        until_held(page, "operations", 0)
        if marks[-1] not in {mark for one in list_kept(line.journal) for mark in one.marks}:
            page.goto("/offline/check-in")
            expect(page.locator("#note")).to_have_value(f"{marks[-1]} and then")
            page.locator("form[data-entry] button.primary").click()
            page.wait_for_url("**/check-ins/*")
        phone.close()
    each_once(line.journal, email, marks)
