"""Phones that many people write on, one after the other, for the state machine: each act is what somebody would do, on the
pages that there are; what is read back is read past them."""

import re
from contextlib import suppress
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, CDPSession, Error, Page, expect

from tests.browser.chromium import phone as new_phone
from tests.faults.person import PASSPHRASE, Person
from tests.faults.writing import Line

CLOCK = """(() => {
  const off = Number(localStorage.getItem("test-clock-off"));
  if (!off) return;
  const Real = Date;
  self.Date = class extends Real {
    constructor(...told) {
      super(...(told.length ? told : [Real.now() + off]));
    }
    static now() {
      return Real.now() + off;
    }
  };
})();"""
"""A phone's clock that is off."""

MODULE = """const shell = await caches.open((await caches.keys()).filter((name) => name.startsWith("shell-")).at(-1));
  const phone = await import((await shell.keys()).map((one) => one.url).find((url) => /\\/phone\\.[^/]*js$/.test(url)));"""
READY = f"""async () => {{ {MODULE} await phone.prepare().catch(() => false); return phone.kit().then((kit) => kit?.owner === document.documentElement.dataset.owner); }}"""
LISTED = f"""async () => {{ {MODULE} return await phone.list(); }}"""
MARK = re.compile(r"w[0-9a-f]{10}w")


@dataclass
class Pocket:
    """A phone. `who`: the account that is signed in, as far as its owner knows."""

    browser: Browser
    line: Line
    context: BrowserContext = field(init=False)
    page: Page = field(init=False)
    who: str | None = None
    _tools: CDPSession | None = None
    used: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.context = new_phone(self.browser, self.line.proxy.url, timezone_id=None)
        self.context.add_init_script(CLOCK)
        self.page = self.context.new_page()

    def renew(self) -> None:
        """The tab's process dies; another tab is opened."""
        with suppress(Error):
            self.page.goto("chrome://crash", timeout=3000)
        old, self.page = self.page, self.context.new_page()
        with suppress(Error):
            old.close()
        self._tools = None

    def sign_in(self, email: str) -> None:
        """Somebody signs in; the page after that is Today."""
        self.page.goto("/sign-in")  # where people come from: a sign-out without signal is told first
        person = Person(self.line.journal.url)
        assert person.sign_in(email, PASSPHRASE) == 303
        self.context.clear_cookies()
        self.context.add_cookies(
            [
                {"name": one.name, "value": str(one.value), "url": self.line.proxy.url}
                for one in person.cookies
            ]
        )
        self.who = email
        self.used.add(email)
        self.page.goto("/today")
        assert urlsplit(self.page.url).path == "/today", self.page.url
        self.page.evaluate("async () => { await navigator.serviceWorker.ready }")
        for _ in range(600):
            if self.page.evaluate(READY):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError("the phone never learned whose it is")

    def write(self, days_ago: int) -> str:
        """On the page that the phone keeps; its mark, once the page said that it was saved."""
        self.page.goto("/offline/check-in")
        form = self.page.locator("form[data-offline]")
        expect(form).to_be_visible()
        self.page.locator("#day").select_option(index=days_ago)
        return self._fill()

    def change(self, place: int) -> tuple[str, str] | None:
        """Change what waits; the old mark and the new one, or None where nothing waits."""
        found = self.listed()
        if not found:
            return None
        one = found[place % len(found)]["operation"]
        self.page.goto(f"/offline/check-in#{one['id']}")
        self.page.reload()  # another hash alone loads nothing
        expect(self.page.locator("#note")).to_have_value(one["payload"]["note"])
        return str(one["payload"]["note"]), self._fill()

    def edit(self, place: int) -> str | None:
        """Change a check-in that arrived, on its own page; the new mark, or None where none arrived."""
        if not self._open_day(place):
            return None
        self.page.goto(str(self.page.locator("main a[href$='/edit']").first.get_attribute("href")))
        return self._fill()

    def delete(self, place: int) -> str | None:
        """Delete a check-in that arrived; its id, or None where none arrived."""
        if not self._open_day(place):
            return None
        address = str(self.page.locator("main a[href$='/delete']").first.get_attribute("href"))
        self.page.goto(address)
        self.page.get_by_role("button", name="Delete it").click()
        expect(self.page.get_by_role("status").filter(has_text="eleted.").first).to_be_visible()
        return address.split("/")[-2]

    def _open_day(self, place: int) -> bool:
        self.page.goto("/check-ins")
        days = self.page.locator("main a.item").filter(has_not_text="Nothing logged")
        if not days.count():
            return False
        self.page.goto(str(days.nth(place % days.count()).get_attribute("href")))
        return bool(self.page.locator("main a[href$='/edit']").count())

    def _fill(self) -> str:
        mark = f"w{token_hex(5)}w"
        self.page.locator("label:has(input[name=mood][value='4'])").click()
        self.page.locator("#note").fill(mark)
        self.page.locator("form[data-entry] button.primary").click()
        for _ in range(600):
            # Refused with the reason, and kept as what needs attention; or saved, where no page is kept to go on to.
            if self.page.locator("#errors, div.banner:has-text('Saved on this phone')").count():
                return mark
            if not self.page.url.partition("#")[0].endswith(("/offline/check-in", "/edit")):
                return mark
            self.page.wait_for_timeout(50)
        raise AssertionError(f"the page never said that it was saved: {self.page.url}")

    def throw_away(self, place: int) -> str | None:
        """One entry that waits, by its button; its mark."""
        self.page.goto("/offline")
        buttons = self.page.locator("[data-discard]:visible")
        found = self.listed()
        if not found:
            return None
        expect(buttons.first).to_be_visible()
        nth = place % buttons.count()
        buttons.nth(nth).click()
        self.page.locator("[data-yes]").click()
        expect(self.page.locator("[data-yes]")).to_have_count(0)
        marks = {one["operation"]["payload"]["note"] for one in found}
        gone = marks - {one["operation"]["payload"]["note"] for one in self.listed()}
        return ",".join(sorted(gone))

    def leave(self) -> None:
        """Sign out; what waits is kept locked."""
        self.page.goto("/offline/sign-out")
        chosen = self.page.locator("[data-keep]:visible, [data-leave]:visible")
        chosen.click()
        self.page.wait_for_function(
            "() => location.pathname === '/' || document.querySelector('#done:not([hidden])')"
        )
        self.who = None

    def listed(self) -> list[dict[str, Any]]:
        """What the signed-in account has on this phone."""
        if "/offline" not in self.page.url:
            self.page.goto("/offline")
        found: list[dict[str, Any]] = self.page.evaluate(LISTED)
        return found

    def set_clock(self, hours: int) -> None:
        self.page.goto("/offline")
        self.page.evaluate("(off) => localStorage.setItem('test-clock-off', off)", hours * 3600_000)

    def set_zone(self, zone: str) -> None:
        if self._tools is not None:
            self._tools.detach()  # it takes its zone with it
        self._tools = self.context.new_cdp_session(self.page)
        self._tools.send("Emulation.setTimezoneOverride", {"timezoneId": zone})

    def drain(self, email: str) -> set[str]:
        """With everything well: all that waits of this account is sent. Gives the marks of what needs attention."""
        self.sign_in(email)
        found: list[dict[str, Any]] = []
        for _ in range(300):
            found = self.listed()
            if not any(one["state"] == "waiting" for one in found):
                break
            self.page.wait_for_timeout(100)
        else:
            raise AssertionError(f"still waiting: {found}")
        assert all(one["reasons"] for one in found)
        return {mark for one in found for mark in MARK.findall(one["operation"]["payload"]["note"])}
