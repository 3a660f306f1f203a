"""Somebody writing on a phone: on pages from the server while only the sending fails, and on pages that the phone keeps
while everything does. After each save, what the page says is held against what is so."""

import re
import time
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

from playwright.sync_api import Page, expect

from tests.faults.person import PASSPHRASE, Person
from tests.faults.proxy import Proxy
from tests.servers import Journal

DENVER = ZoneInfo("America/Denver")
WAITS = "not sent yet"
ARRIVED = "On the server"
HELD = """async (store) => {
  const known = (await indexedDB.databases()).some((one) => one.name === "journal" && one.version);
  if (!known) return -1;
  const done = (asked) => new Promise((yes, no) => { asked.onsuccess = () => yes(asked.result); asked.onerror = no; });
  const open = await done(indexedDB.open("journal"));
  try {
    return await done(open.transaction(store).objectStore(store).count());
  } finally {
    open.close();
  }
}"""
"""How many things a store of the phone's holds, -1 where there is none yet."""


class Line:
    """A journal behind a proxy: its own address is the proxy's."""

    def __init__(self, folder: Path, address: str | None = None, **env: str) -> None:
        self.journal = Journal(folder, address, has_worker=False, **env)
        self.proxy = Proxy(self.journal.port)
        self.journal.env = {**self.journal.env, "BASE_URL": self.proxy.url}
        self.journal.start()
        self.proxy.start()

    def stop(self) -> None:
        self.proxy.stop()
        self.journal.stop()

    def release(self, code: Path) -> None:
        """From now on another version of the journal serves the same people at the same address."""
        self.journal.stop()
        self.journal.code = code
        self.journal.start()

    def sign_up(self) -> str:
        """A new account; its address."""
        email = f"{uuid4().hex[:10]}@example.org"
        Person(self.journal.url).sign_up(email)
        return email


def sign_in(page: Page, email: str) -> None:
    """Signed in, with the phone ready to be written on without signal."""
    pass_sign_in(page, email)
    page.evaluate("async () => { await navigator.serviceWorker.ready }")
    page.wait_for_function("async () => Boolean(await caches.match('/offline/check-in'))")
    until_held(page, "things", 2)  # what forms need to know, and whose phone it is


def pass_sign_in(page: Page, email: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/today")


class Writer:
    """Writes, each thing with a mark of its own, and looks at what it is told."""

    def __init__(self, page: Page, marks: list[str] | None = None) -> None:
        self.page = page
        self.marks = [] if marks is None else marks
        self.responses: dict[str, dict[str, str]] = {}
        self._starts = count()
        self.today = datetime.now(DENVER).date()

    def mark(self) -> str:
        mark = f"w{uuid4().hex[:10]}w"
        self.marks.append(mark)
        return mark

    def day(self, days_ago: int) -> date:
        return self.today - timedelta(days=days_ago)

    def check_in(self, days_ago: int, *, kept_page: bool) -> None:
        self.open_check_in(days_ago, kept_page=kept_page)
        self.save()

    def open_check_in(self, days_ago: int, *, kept_page: bool) -> None:
        """Written, and not saved yet."""
        page, day = self.page, self.day(days_ago).isoformat()
        if kept_page:
            page.goto("/offline/check-in")
            page.locator("#day").select_option(day)
        else:
            page.goto(f"/check-ins/{day}/log")
        page.locator("label:has(input[name=mood][value='4'])").click()
        page.locator("#note").fill(f"{self.mark()} is how it was")

    def infusion(self, days_ago: int, *, kept_page: bool) -> None:
        page = self.page
        page.goto("/offline/infusion" if kept_page else "/infusions/new")
        page.get_by_label("Day", exact=True).fill(self.day(days_ago).isoformat())
        page.get_by_label("Start time").fill(f"09:{next(self._starts):02}")
        page.locator("#note").fill(f"{self.mark()} happened there")
        self.save()

    def questionnaire(self, code: str, *answers: int) -> None:
        page = self.page
        page.goto(f"/offline/questionnaires/{code}/en")
        for place, answer in enumerate(answers):
            page.locator("form fieldset.question").nth(place).locator(
                f"label:has(input[value='{answer}'])"
            ).click()
        self.responses[code] = {str(n): str(answer) for n, answer in enumerate(answers)}
        self.save()

    def save(self) -> None:
        self.page.locator("form[data-entry] button.primary").click()


def until_held(page: Page, store: str, wanted: int, timeout_s: float = 30) -> None:
    """Wait until a store of the phone's holds so many things."""
    end, there = time.monotonic() + timeout_s, -1
    while time.monotonic() < end:
        there = page.evaluate(HELD, store)
        if there == wanted:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{there} in {store}, not {wanted}")


def start_at(page: Page, number: int) -> None:
    """Wait until this many entries wait, as the page that lists them says."""
    page.goto("/offline")
    expect(page.locator("#operations li").filter(has_text=WAITS)).to_have_count(number)


def waits(page: Page, waiting: int, sent: int = 0) -> None:
    """Right after a save that could not be sent: the page says so, counts what waits, and claims no more to have arrived
    than did before."""
    # Less than a dead line takes to give up: nobody is made to wait for it.
    page.wait_for_url("**/offline", timeout=15_000)
    expect(page.get_by_role("heading", name="Saved on this phone")).to_be_visible()
    said = page.get_by_role("status").filter(has_text="Saved on this phone")
    expect(said).to_contain_text(WAITS)
    lines = page.locator("#operations li")
    expect(lines.filter(has_text=WAITS)).to_have_count(waiting)
    assert lines.filter(has_text=ARRIVED).count() == sent, "no more was confirmed"
    assert not re.search(r"\bsent at|Saved at", page.locator("main").inner_text())


def drained(page: Page, sent: int) -> None:
    """The line is whole again: opening the journal sends everything, and the phone says where it is."""
    page.goto("/today")
    until_held(page, "operations", 0)
    page.goto("/offline")
    lines = page.locator("#operations li")
    expect(lines.filter(has_text=ARRIVED)).to_have_count(sent)
    assert lines.filter(has_text=WAITS).count() == 0
