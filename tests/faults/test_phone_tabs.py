"""Several pages of one phone, open at once, and pages that go midway: none takes from another what is not its own."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.chromium import phone
from tests.faults.hands import end_sessions
from tests.faults.kept import each_once, list_kept
from tests.faults.person import PASSPHRASE
from tests.faults.two_phones import MODULE
from tests.faults.writing import Line, Writer, pass_sign_in, sign_in, until_held, waits

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.once]


@pytest.fixture
def context(browser: Browser, line: Line) -> Iterator[BrowserContext]:
    line.proxy.mend()
    opened = phone(browser, line.proxy.url)
    yield opened
    opened.close()
    line.proxy.mend()


@pytest.fixture
def mine(context: BrowserContext, line: Line) -> tuple[Page, str]:
    """A page on which somebody is signed in, and their address."""
    page, email = context.new_page(), line.sign_up()
    sign_in(page, email)
    return page, email


def ask(page: Page, what: str) -> object:
    """What the phone's own module says on this page."""
    return page.evaluate(f"async () => {{ {MODULE} return await {what}; }}")


def fill_in_sign_in(page: Page, email: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Sign in").click()


def test_a_page_from_before_somebody_signed_in(context: BrowserContext, line: Line) -> None:
    """Nobody was signed in when it came, and it is still open: it takes nothing from who signed in since."""
    before, page = context.new_page(), context.new_page()
    before.goto("/")
    sign_in(page, line.sign_up())
    ask(page, "phone.keepThing('card', { person_name: 'Rosa' })")
    page.goto("/offline")
    assert ask(before, "phone.owner()") is None  # as it says at each look and at each change
    until_held(page, "keys", 1, timeout_s=0.5)
    assert ask(page, "phone.findThing('card')") == {"person_name": "Rosa"}
    after = context.new_page()
    context.clear_cookies(name="journal")
    after.goto("/")  # but one that came since, and says that nobody is signed in, speaks for now
    until_held(page, "keys", 0)


def test_what_is_half_written_comes_before_anything_is_kept_over_it(
    line: Line, mine: tuple[Page, str]
) -> None:
    """On the page after signing in again there is no key yet: what is typed there waits for what was there."""
    page, email = mine
    address = f"/check-ins/{Writer(page).day(1)}/log"
    page.goto(address)
    page.locator("#note").fill("the first half")
    expect(page.get_by_text("Draft kept")).to_be_visible()
    end_sessions(line.journal, email)
    page.goto(address)
    page.wait_for_url("**/sign-in**")
    until_held(page, "keys", 0)
    line.proxy.delay_s = 8
    line.proxy.fail("delay", only="/sync/kit.json")
    fill_in_sign_in(page, email)
    page.wait_for_url("**/log")
    page.locator("#note").fill("and the second")
    expect(page.get_by_text("Draft kept")).to_be_visible()
    expect(page.locator("#note")).to_have_value("the first half\nand the second")
    page.locator("form[data-entry] button.primary").click()
    page.wait_for_url("**/check-ins/*")
    expect(page.locator("main")).to_contain_text("the first half and the second")
    page.goto(address)  # nothing of it comes back as a draft
    assert ask(page, f"phone.findDraft('check-in:{Writer(page).day(1)}')") is None
    until_held(page, "drafts", 0)


def test_a_page_that_goes_while_the_server_hears_of_the_sign_out(line: Line, mine: tuple[Page, str]) -> None:
    page, _ = mine
    line.proxy.fail("blackhole", only="/sync/sign-out")
    since = len(line.proxy.seen)
    page.goto("/account")
    page.get_by_role("button", name="Sign out", exact=True).click()
    line.proxy.wait_for(lambda one: one.path == "/sync/sign-out", since=since)
    other = page.context.new_page()
    page.close()
    line.proxy.mend()
    since = len(line.proxy.seen)
    other.goto("/today")
    other.wait_for_url("**/sign-in**")
    told = line.proxy.wait_for(lambda one: one.path == "/sync/sign-out", since=since)
    assert told.answered == 200
    until_held(other, "keys", 0)


def test_signing_out_throws_away_only_what_was_asked_about(line: Line, mine: tuple[Page, str]) -> None:
    """Nothing waited when the page came; another one kept something since."""
    page, email = mine
    leaving = page.context.new_page()
    leaving.goto("/offline/sign-out")
    expect(leaving.get_by_text("Nothing waits on this phone.")).to_be_visible()
    line.proxy.fail("500", only="/sync")
    writer = Writer(page)
    writer.check_in(1, kept_page=True)
    waits(page, 1)
    leaving.get_by_role("button", name="Sign out").click()
    leaving.wait_for_url("**/")
    until_held(leaving, "operations", 1)
    # The other page shows nothing of it any more.
    expect(page.locator("#operations li")).to_have_count(0)
    expect(page.get_by_text("Sign in to send 1 entry.")).to_be_visible()
    line.proxy.mend()
    pass_sign_in(leaving, email)
    until_held(leaving, "operations", 0)
    each_once(line.journal, email, writer.marks)


def test_a_kept_form_left_open_keeps_nothing_for_the_next_one(line: Line, mine: tuple[Page, str]) -> None:
    """It was opened by one, who signed out in another tab, where the next one signed in. The words stay in the form."""
    page, _ = mine
    form = page.context.new_page()
    form.goto("/offline/check-in")
    form.locator("form[data-entry]").wait_for()
    page.goto("/account")
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url("**/")
    another = line.sign_up()
    for somebody in (False, True):
        if somebody:
            sign_in(page, another)
        form.locator("#note").fill(f"somebody else signed in: {somebody}")
        form.wait_for_timeout(500)  # a draft is kept 0.25 s after the last letter
        form.locator("form[data-entry] button.primary").click()
        expect(form.get_by_role("alert")).to_contain_text("You are signed out on this phone")
        expect(form.locator("#note")).to_have_value(f"somebody else signed in: {somebody}")
        until_held(form, "operations", 0)
        until_held(form, "drafts", 0)
    writer = Writer(form)
    form.goto("/offline/check-in")
    expect(form.locator("#note")).to_have_value("")
    form.locator("#note").fill(f"{writer.mark()} by the next one")
    form.locator("form[data-entry] button.primary").click()
    form.wait_for_url("**/today")
    [kept] = [one for one in list_kept(line.journal) if writer.marks[0] in one.marks]
    assert kept.owner == another


def test_what_is_saved_takes_no_other_draft_along(line: Line, mine: tuple[Page, str]) -> None:
    """The safety plan could not be sent. A check-in that is saved next says nothing of it."""
    page, _ = mine
    page.goto("/safety-plan/edit")
    page.locator("textarea").first.fill("Walking to the river")
    expect(page.get_by_text("Draft kept")).to_be_visible()
    line.proxy.fail("502", only="/safety-plan/edit")
    page.get_by_role("button", name="Save my plan").click()
    expect(page.get_by_role("button", name="Save my plan")).to_have_count(0)
    line.proxy.mend()
    writer = Writer(page)
    writer.check_in(1, kept_page=False)
    page.wait_for_url(f"**/check-ins/{writer.day(1)}")
    page.wait_for_timeout(2000)  # it looks after the phone 1.2 s after it came
    page.goto("/safety-plan/edit")
    expect(page.locator("textarea").first).to_have_value("Walking to the river")


def test_what_is_thrown_away_on_its_way_stays_away(line: Line, mine: tuple[Page, str]) -> None:
    """The server refuses it after its owner has thrown it away."""
    page, _ = mine
    page.goto("/offline")
    line.proxy.delay_s = 2
    line.proxy.fail("delay", only="/sync")
    since = len(line.proxy.seen)
    page.evaluate(
        f"""async (day) => {{ {MODULE}
          const made = {{ base: 0, after: null, day, zone: "America/Denver", captured_at: new Date().toISOString() }};
          await phone.keep({{ id: crypto.randomUUID(), entry: crypto.randomUUID(), kind: "check-in", payload: {{ mood: "99" }}, ...made }});
        }}""",
        Writer(page).day(1).isoformat(),
    )
    page.evaluate(f"() => {{ (async () => {{ {MODULE} self.sent = await phone.send(); }})(); }}")
    on_its_way = line.proxy.wait_for(lambda one: one.path == "/sync", since=since)
    ask(page, "phone.discard((await phone.list()).map((one) => one.order))")
    page.wait_for_function("() => self.sent")  # it waits for whoever sends already
    assert b'"status":"rejected"' in on_its_way.answer
    until_held(page, "operations", 0, timeout_s=1)


def test_on_a_full_phone_somebody_can_sign_out_all_the_same(line: Line, mine: tuple[Page, str]) -> None:
    page, _ = mine
    page.goto("/account")
    page.context.add_init_script(
        """const put = Cache.prototype.put;
        Cache.prototype.put = function (address, ...what) {
          if (address === "/signed-out") return Promise.reject(new DOMException("full", "QuotaExceededError"));
          return put.call(this, address, ...what);
        };"""
    )
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url("**/")
    until_held(page, "keys", 0)
    page.goto("/today")
    page.wait_for_url("**/sign-in**")
