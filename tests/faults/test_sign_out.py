"""After signing out, the phone holds nothing that could be read: with signal, without, and where the server ended it.
What pages can reach is looked at, what lies on the disk, and what the back button brings."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import BrowserContext, Error, Page, Playwright, expect

from tests.browser.chromium import FLAGS, PATIENCE_MS, PHONE, driver
from tests.faults.hands import end_sessions
from tests.faults.kept import list_kept
from tests.faults.person import PASSPHRASE
from tests.faults.traces import canary, on_disk, on_screen, within_reach
from tests.faults.two_phones import MODULE
from tests.faults.writing import Line, Writer, sign_in, until_held

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.once]
SEALED_FIELD = '"captured_at"'
"""Stands in every operation before it is sealed, and in no file of the journal in these quotes."""
CARD = f"""async (words) => {{ {MODULE}
  await phone.keepThing("card", {{ person_name: words, person_number: "555 0100", parts: [["What helps me", words]] }});
}}"""
KEY = "async () => (await (await fetch('/sync/kit.json', { cache: 'no-store' })).json()).key"


@pytest.fixture(scope="module")
def playwright() -> Playwright:
    return driver()


@dataclass
class Pocket:
    """A phone with a profile on disk, which keeps pages for the back button as phones do."""

    playwright: Playwright
    line: Line
    profile: Path
    email: str = ""
    key: bytes = b""
    context: BrowserContext | None = None
    written: dict[str, str] = field(default_factory=dict)

    def open(self) -> Page:
        self.context = self.playwright.chromium.launch_persistent_context(
            self.profile,
            executable_path=shutil.which("chromium"),
            args=list(FLAGS),
            ignore_default_args=["--disable-back-forward-cache"],
            base_url=self.line.proxy.url,
            viewport=PHONE,
            timezone_id="America/Denver",
        )
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.add_init_script(
            "addEventListener('pageshow', (event) => (self.restored = Number(event.persisted)))"
        )
        return self.context.pages[0]

    def close(self) -> None:
        if self.context is not None:
            self.context.close()
            self.context = None

    @property
    def secrets(self) -> list[str]:
        return [*self.written.values(), SEALED_FIELD]

    def holds_nothing(self, page: Page) -> None:
        """Neither within a page's reach nor on the disk, nor is the key that opens what is sealed; closes the browser."""
        assert within_reach(page, self.secrets) == []
        self.close()
        key = [self.key, self.key.hex()] if self.key else []
        assert on_disk(self.profile, [*self.secrets, *key]) == []


@pytest.fixture
def pocket(playwright: Playwright, line: Line, tmp_path: Path) -> Iterator[Pocket]:
    line.proxy.mend()
    made = Pocket(playwright, line, tmp_path / "profile", line.sign_up())
    yield made
    made.close()
    line.proxy.mend()


def fill(pocket: Pocket) -> Page:
    """Something of everything: on the server and seen, waiting, half-written, and the crisis card."""
    page, proxy = pocket.open(), pocket.line.proxy
    sign_in(page, pocket.email)
    pocket.key = bytes.fromhex(page.evaluate(KEY))
    writer = Writer(page)
    words = pocket.written

    def note(name: str, address: str) -> None:
        words[name] = canary()
        page.goto(address)
        page.locator("#note").fill(f"{words[name]} is what I wrote")

    def save() -> None:
        page.locator("form[data-entry] button.primary").click()

    note("sent", f"/check-ins/{writer.day(1)}/log")
    page.locator("label:has(input[name=mood][value='4'])").click()
    save()
    page.wait_for_url(f"**/check-ins/{writer.day(1)}")
    expect(page.locator("main")).to_contain_text(words["sent"])
    words["card"] = canary()
    page.evaluate(CARD, words["card"])
    note("draft", f"/check-ins/{writer.day(3)}/log")
    expect(page.get_by_text("Draft kept")).to_be_visible()
    proxy.fail("500", only="/sync")
    note("waiting", f"/check-ins/{writer.day(2)}/log")
    save()
    page.wait_for_url("**/offline")
    note("infusion", "/infusions/new")
    page.get_by_label("Start time").fill("09:30")
    save()
    page.wait_for_url("**/offline")
    writer.questionnaire("gad-7", 1, 2, 0, 3, 1, 0, 2)
    page.wait_for_url("**/offline")
    note("draft on a kept page", "/offline/check-in")
    expect(page.get_by_text("Draft kept")).to_be_visible()
    until_held(page, "operations", 3)
    page.goto("/account")
    return page


def leave(page: Page, how: str) -> None:
    """By the button on the account's page, and an answer to what becomes of what waits."""
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url("**/offline/sign-out")
    expect(page.get_by_text("3 entries wait")).to_be_visible()
    if how == "Throw away and sign out":
        page.get_by_role("button", name=how).click()
        expect(page.get_by_role("alert")).to_contain_text("Nothing was thrown away")
        until_held(page, "operations", 3)
        page.get_by_label("Type").fill("Throw away")
    page.get_by_role("button", name=how).click()


STANDS = """(step) => {
  const isThere = window.step !== step && document.readyState === "complete";
  return isThere ? (window.restored ?? 0) : null;
}"""
"""Once another page than the one that was left stands there: 1 where it came back as it was left, else 0."""


def told(page: Page, script: str, argument: object) -> int | None:
    """What a page says, or nothing where it went on in that moment."""
    try:
        said: int | None = page.evaluate(script, argument)
    except Error:
        return None
    return said


def step_on(page: Page, way: str, step: int) -> int | None:
    return told(
        page, f"(step) => {{ window.step = step; setTimeout(() => history.{way}(), 0); return 0; }}", step
    )


def back_shows_nothing(page: Page, secrets: list[str]) -> None:
    """All the way back, and forward again. Restored pages are as they were left: those too."""
    page.wait_for_load_state()
    ways = ["back"] * page.evaluate("history.length") + ["forward"] * 3
    restored = 0
    for step, way in enumerate(ways):
        if step_on(page, way, step) is None:
            page.wait_for_load_state()  # it was still going on; it isn't left before it could be kept
            step_on(page, way, step)
        stands, looks, end = None, 0, time.monotonic() + 3
        while (stands is None or looks < 3) and time.monotonic() < end:
            page.wait_for_timeout(70)
            assert on_screen(page, secrets) == [], page.url
            stands, looks = told(page, STANDS, step), looks + 1
        restored += stands or 0
    page.wait_for_load_state()
    assert restored, "no page came back as it was left, so that this showed nothing of them"


def arrived(pocket: Pocket) -> dict[str, str]:
    """What of it all is on the server, and whose."""
    kept = list_kept(pocket.line.journal)
    return {
        name: one.owner for one in kept for name, word in pocket.written.items() if word in str(one.payload)
    }


def sign_in_again(page: Page, email: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/today")
    until_held(page, "keys", 1)


KEEP, DISCARD, SEND = "Keep them locked and sign out", "Throw away and sign out", "Send now, then sign out"


def test_the_search_finds_what_lies_in_the_clear(playwright: Playwright, tmp_path: Path) -> None:
    """The control: each place where a browser could keep something, with a word put there for once."""
    words = {
        name: canary()
        for name in ("indexedDB", "binary", "localStorage", "sessionStorage", "cache", "http", "typed")
    }

    class Cacheable(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"<title>A page</title><textarea></textarea><p>{words['http']}".encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Cache-Control", "max-age=3600")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Cacheable)
    Thread(target=server.serve_forever, daemon=True).start()
    profile = tmp_path / "profile"
    context = playwright.chromium.launch_persistent_context(
        profile, executable_path=shutil.which("chromium"), args=list(FLAGS)
    )
    page = context.pages[0]
    page.goto(f"http://localhost:{server.server_port}/")
    page.evaluate(
        """async (words) => {
          localStorage.setItem("a", words.localStorage);
          sessionStorage.setItem("a", words.sessionStorage);
          await (await caches.open("a")).put("/a", new Response(words.cache));
          const asked = indexedDB.open("a", 1);
          asked.onupgradeneeded = () => asked.result.createObjectStore("a", { keyPath: "id" });
          await new Promise((done) => (asked.onsuccess = done));
          const unit = asked.result.transaction("a", "readwrite", { durability: "strict" });
          unit.objectStore("a").put({ id: 1, text: words.indexedDB, bytes: new TextEncoder().encode(words.binary).buffer });
          await new Promise((done) => (unit.oncomplete = done));
          asked.result.close();
        }""",
        words,
    )
    page.locator("textarea").fill(words["typed"])
    found = within_reach(page, words.values())
    assert {word for _, word in found} == {
        words[name] for name in ("indexedDB", "binary", "localStorage", "sessionStorage", "cache")
    }
    assert set(on_screen(page, words.values())) == {words["http"], words["typed"]}
    page.wait_for_timeout(4000)  # the browser writes what is typed by a timer of its own
    context.close()
    server.shutdown()
    server.server_close()
    found = on_disk(profile, words.values())
    missing = {name for name, word in words.items() if word not in {one for _, one in found}}
    assert not missing, found


@pytest.mark.parametrize("how", [KEEP, DISCARD])
@pytest.mark.parametrize("signal", [True, False])
def test_nothing_can_be_read(pocket: Pocket, how: str, signal: bool) -> None:
    page, proxy = fill(pocket), pocket.line.proxy
    if not signal:
        proxy.fail("refuse")
    leave(page, how)
    if signal:
        page.wait_for_url("**/")
    else:
        expect(page.get_by_role("heading", name="Signed out on this phone")).to_be_visible()
    until_held(page, "operations", 3 if how == KEEP else 0)
    for store in ("keys", "tail", "drafts"):
        until_held(page, store, 0)
    assert within_reach(page, pocket.secrets) == []
    back_shows_nothing(page, pocket.secrets)
    pocket.holds_nothing(page)
    if not signal:
        tell_the_server_first(pocket)
    assert arrived(pocket).keys() == {"sent"}


def tell_the_server_first(pocket: Pocket) -> None:
    """Opened again with signal: the server hears of it before it shows anything, and shows nothing of theirs."""
    proxy, since = pocket.line.proxy, len(pocket.line.proxy.seen)
    proxy.mend()
    page = pocket.open()
    page.goto("/today")
    page.wait_for_url("**/sign-in**")
    told = proxy.wait_for(lambda one: one.path == "/sync/sign-out", since=since)
    assert told.answered == 200
    shown = [one for one in proxy.seen[since:] if one.path == "/today"][-1]
    assert shown.at > told.at and shown.answered == 303
    assert on_screen(page, pocket.secrets) == []
    pocket.close()


def test_what_is_kept_locked_goes_to_its_owner_alone(pocket: Pocket) -> None:
    page, line = fill(pocket), pocket.line
    leave(page, KEEP)
    page.wait_for_url("**/")
    line.proxy.mend()
    another = line.sign_up()
    sign_in_again(page, another)
    page.goto("/offline")
    expect(page.get_by_text("3 entries of another account wait here, sealed.")).to_be_visible()
    expect(page.locator("#operations li")).to_have_count(0)
    assert within_reach(page, pocket.secrets) == []
    for address in ("/offline/check-in", "/today", "/help-now"):
        page.goto(address)
        page.wait_for_timeout(300)
        assert on_screen(page, pocket.secrets) == []
    page.goto("/account")
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url("**/")
    assert arrived(pocket) == {"sent": pocket.email}
    until_held(page, "operations", 3)
    sign_in_again(page, pocket.email)
    until_held(page, "operations", 0)
    assert arrived(pocket) == dict.fromkeys(("sent", "waiting", "infusion"), pocket.email)
    assert [
        one.payload["answers"]
        for one in list_kept(line.journal)
        if one.kind == "questionnaire" and one.owner == pocket.email
    ]
    assert another not in {one.owner for one in list_kept(line.journal)}


def test_whoever_has_the_key_is_known(pocket: Pocket) -> None:
    """A page may go while the key is being kept: there is no moment at which the phone has one, and not whose it is."""
    page = pocket.open()
    page.add_init_script(
        """const put = Cache.prototype.put;
        Cache.prototype.put = async function (...what) {
          await new Promise((done) => setTimeout(done, 1500));
          return put.apply(this, what);
        };"""
    )
    sign_in_again(page, pocket.email)
    page.goto("/offline")
    expect(page.get_by_text("Nothing waits on this phone.")).to_be_visible()
    page.evaluate("async () => { await navigator.serviceWorker.ready }")  # what is asked next is in its shell
    assert page.evaluate(f"async () => {{ {MODULE} return phone.owner(); }}")


def test_another_account_deleted_on_this_phone_takes_nothing_along(pocket: Pocket) -> None:
    page, line = fill(pocket), pocket.line
    leave(page, KEEP)
    page.wait_for_url("**/")
    line.proxy.mend()
    sign_in_again(page, line.sign_up())
    page.goto("/check-ins/" + Writer(page).day(3).isoformat() + "/log")
    page.locator("#note").fill("half-written by somebody else")
    expect(page.get_by_text("Draft kept")).to_be_visible()
    page.goto("/account/delete")
    expect(page.locator("input[name=others_wait]")).to_have_value("yes")
    page.get_by_label("I understand").check(force=True)
    page.get_by_label("passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Delete my account").click()
    page.wait_for_url("**/account/deleted")
    # The one thing is the number by which the owner of what waits tells a restored server.
    for store, wanted in {"operations": 3, "drafts": 0, "keys": 0, "things": 1}.items():
        until_held(page, store, wanted)
    sign_in_again(page, pocket.email)
    until_held(page, "operations", 0)
    assert arrived(pocket) == dict.fromkeys(("sent", "waiting", "infusion"), pocket.email)


def test_sending_before_signing_out(pocket: Pocket) -> None:
    page, proxy = fill(pocket), pocket.line.proxy
    leave(page, SEND)
    expect(page.get_by_role("alert")).to_contain_text("There is no connection")
    until_held(page, "operations", 3)
    proxy.mend()
    page.get_by_role("button", name=SEND).click()
    page.wait_for_url("**/")
    assert arrived(pocket) == dict.fromkeys(("sent", "waiting", "infusion"), pocket.email)
    pocket.holds_nothing(page)


def test_a_session_that_the_server_ended(pocket: Pocket) -> None:
    """Nothing is dropped and nothing can be read, until the same person signs in."""
    page, line = fill(pocket), pocket.line
    end_sessions(line.journal, pocket.email)
    page.goto("/today")
    page.wait_for_url("**/sign-in**")
    expect(page.get_by_text("Sign in to send 3 entries.")).to_be_visible()
    until_held(page, "keys", 0)
    back_shows_nothing(page, pocket.secrets)
    pocket.holds_nothing(page)
    line.proxy.mend()
    page = pocket.open()
    sign_in_again(page, pocket.email)
    until_held(page, "operations", 0)
    assert arrived(pocket) == dict.fromkeys(("sent", "waiting", "infusion"), pocket.email)
    page.goto(f"/check-ins/{Writer(page).day(3)}/log")
    expect(page.locator("#note")).to_have_value(f"{pocket.written['draft']} is what I wrote")
