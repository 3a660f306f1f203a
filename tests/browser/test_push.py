"""Web push in the real browser: turned on by a tap, sent to a push service of our own, shown in neutral words, silent after
signing out. What `pushManager.subscribe` gives is made up, because it needs the push service of the browser's maker:
docs/push.md says what is left for a real phone."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Worker, expect
from sqlalchemy import create_engine, text

from tests.browser.chromium import phone
from tests.browser.post import confirm
from tests.browser.test_journey import Watched, sign_up
from tests.push.phone import Phone, check_signature
from tests.push.push_service import PushService, push_service
from tests.servers import Journal

pytestmark = pytest.mark.browser
SENTENCE = "Your journal is here when you are ready."
TURN_ON = "Also remind me on this phone"
SUBSCRIBE = """
PushManager.prototype.subscribe = async function (options) {
  sessionStorage.setItem("asked", JSON.stringify({ ...options, active: navigator.userActivation.isActive }));
  return { toJSON: () => (TOLD) };
};
"""


@pytest.fixture
def pushes() -> Iterator[PushService]:
    with push_service() as opened:
        yield opened


@pytest.fixture
def served(empty_database: str, tmp_path: Path) -> Iterator[Journal]:
    """A journal that may push to this machine, and whose worker runs when the test says so."""
    address = None if empty_database.startswith("sqlite") else empty_database
    server = Journal(
        tmp_path, address, has_worker=False, JOURNAL_TEST_PUSH="loopback", DEFAULT_ZONE="America/Denver"
    ).start()
    yield server
    server.stop()


def work(served: Journal) -> None:
    done = served.flask("worker", "--once")
    assert done.returncode == 0, done.stderr


def run(address: str, statement: str, **values: Any) -> None:
    engine = create_engine(address)
    with engine.begin() as connection:
        connection.execute(text(statement), values)
    engine.dispose()


@contextmanager
def with_reminders(browser: Browser, served: Journal, told: Phone, **more: Any) -> Iterator[Watched]:
    """Somebody with a confirmed address and reminders turned on, whose browser would give this subscription."""
    seen = Watched(phone(browser, served.url, **more), served.url)
    form = told.form
    keys = {"p256dh": form["p256dh"], "auth": form["auth"]}
    answer = str({"endpoint": form["endpoint"], "keys": keys}).replace("'", '"')
    seen.context.add_init_script(SUBSCRIBE.replace("TOLD", answer))
    email = sign_up(seen.page)
    work(served)
    confirm(served, seen.page, email)
    seen.page.goto("/reminders")
    seen.page.get_by_label("Remind me by email").check(force=True)
    seen.page.get_by_role("button", name="Save", exact=True).tap()
    expect(seen.page.get_by_role("heading", name="On your phone")).to_be_visible()
    yield seen
    seen.context.close()


def begin_delivering(page: Page) -> Callable[[str], object]:
    """The browser's own tools deliver a push to our service worker, as if its push service had."""
    tools = page.context.new_cdp_session(page)
    ids: list[str] = []
    tools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda told: ids.extend(one["registrationId"] for one in told["registrations"]),
    )
    tools.send("ServiceWorker.enable")
    page.wait_for_function("navigator.serviceWorker.ready")
    while not ids:
        page.wait_for_timeout(50)
    where = {"origin": page.evaluate("location.origin"), "registrationId": ids[-1]}
    return lambda data: tools.send("ServiceWorker.deliverPushMessage", {**where, "data": data})


def lies_there(page: Page, body: str, tries: int) -> list[list[str]]:
    """The notifications that lie on the phone, once one of these words is among them."""
    read = """async () => (await (await navigator.serviceWorker.ready).getNotifications())
        .map(({ title, body, tag }) => [title, body, tag])"""
    for _ in range(tries):  # starting a service worker takes seconds on a busy machine
        found: list[list[str]] = page.evaluate(read)
        if any(one[1] == body for one in found):
            break
        page.wait_for_timeout(50)
    return found


def delivered(page: Page, deliver: Callable[[str], object], sent: str, said: str) -> list[list[str]]:
    """The browser's tools lose one delivery in some twenty, right after a page was loaded: it is made again then."""
    for _ in range(4):
        deliver(sent)
        found = lies_there(page, said, tries=100)
        if [said] == [body for _, body, _ in found]:
            break
    return found


def worker_of(page: Page) -> Worker:
    [worker] = page.context.service_workers
    return worker


def test_from_the_tap_to_the_locked_screen(
    browser: Browser, served: Journal, pushes: PushService, empty_database: str
) -> None:
    told = pushes.phone()
    with with_reminders(browser, served, told) as seen:
        page = seen.page
        seen.context.grant_permissions(["notifications"], origin=served.url)
        page.reload()
        expect(page.get_by_text("it goes through the company that makes your browser")).to_be_visible()
        key = page.locator("[data-push]").get_attribute("data-push")
        page.get_by_role("button", name=TURN_ON).tap()
        expect(page.get_by_role("status")).to_contain_text("Reminders come to this phone too.")
        expect(page.get_by_text("this one")).to_be_visible()
        expect(page.get_by_role("button", name=TURN_ON)).to_have_count(0)
        asked = page.evaluate("JSON.parse(sessionStorage.getItem('asked'))")
        assert asked == {"userVisibleOnly": True, "applicationServerKey": key, "active": True}

        page.get_by_label("From", exact=True).select_option("3")
        page.get_by_label("Until", exact=True).select_option("3")  # whatever the time is now
        page.get_by_role("button", name="Save quiet hours").tap()
        expect(page.get_by_role("status")).to_contain_text("Saved.")
        now = datetime.now(UTC)
        run(
            empty_database, "UPDATE reminders SET next_due_at = :now", now=f"{now:%Y-%m-%d %H:%M:%S.%f}+00:00"
        )
        work(served)
        [got] = pushes.got_for(told)
        words = told.open(got.body).decode()
        assert words == SENTENCE and key is not None
        assert check_signature(got.headers["authorization"], key)["sub"] == "mailto:journal@localhost"
        assert not [one for one in (served.data_dir / "mail").glob("*.eml") if "note" in one.read_text()]
        page.reload()
        expect(page.get_by_text("Last reminder")).to_be_visible()

        deliver = begin_delivering(page)
        for sent, said in ((words, SENTENCE), ("Other words.", "Other words."), ("", SENTENCE)):
            # Each takes the place of the one before; an empty one has words of its own.
            assert delivered(page, deliver, sent, said) == [["Journal", said, "reminder"]]
        seen.is_clean()


CLICK = """async (open) => {
  const done = [];
  const windows = open.map((path) => ({ url: self.location.origin + path, focus: async () => done.push("focus " + path) }));
  const clients = { matchAll: async () => windows, openWindow: async (path) => done.push("open " + path) };
  Object.defineProperty(self, "clients", { value: clients, configurable: true });
  await self.registration.showNotification("Journal", { tag: "reminder" });
  const [notification] = await self.registration.getNotifications();
  const event = new NotificationEvent("notificationclick", { notification });
  const waits = [];
  event.waitUntil = (work) => waits.push(work);
  self.dispatchEvent(event);
  await Promise.all(waits);
  return [done, (await self.registration.getNotifications()).length];
}"""


def test_a_tap_on_it_leads_to_today(browser: Browser, served: Journal) -> None:
    """The browser lets a worker open windows only after a person's tap, so what it would open is taken down here."""
    context = phone(browser, served.url)
    page = context.new_page()
    context.grant_permissions(["notifications"], origin=served.url)
    page.goto("/help-now")
    page.evaluate("navigator.serviceWorker.register('/sw.js')")
    page.wait_for_function("navigator.serviceWorker.ready")
    worker = worker_of(page)
    assert worker.evaluate(CLICK, []) == [["open /today"], 0]
    assert worker.evaluate(CLICK, ["/check-ins/2026-11-22/edit"]) == [["open /today"], 0]
    assert worker.evaluate(CLICK, ["/infusions", "/today"]) == [["focus /today"], 0]
    context.close()


def test_somebody_who_says_no(browser: Browser, served: Journal, pushes: PushService) -> None:
    with with_reminders(browser, served, pushes.phone()) as seen:
        page = seen.page
        page.evaluate("Notification.requestPermission = async () => 'default'")
        button = page.get_by_role("button", name=TURN_ON)
        button.tap()
        expect(page.get_by_role("alert")).to_contain_text("Nothing was turned on.")
        assert button.get_attribute("aria-disabled") is None
        assert page.evaluate("sessionStorage.getItem('asked')") is None


def test_signing_out_ends_it(
    browser: Browser, served: Journal, pushes: PushService, empty_database: str
) -> None:
    with with_reminders(browser, served, pushes.phone()) as seen:
        page = seen.page
        seen.context.grant_permissions(["notifications"], origin=served.url)
        page.reload()
        page.get_by_role("button", name=TURN_ON).tap()
        expect(page.get_by_text("this one")).to_be_visible()
        page.goto("/account")
        page.get_by_role("button", name="Sign out").tap()
        page.wait_for_url(re.compile(r"/$"))
        run(empty_database, "UPDATE push_devices SET name = 'still there'")
        work(served)
        engine = create_engine(empty_database)
        with engine.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM push_devices")).scalar_one() == 0
        engine.dispose()
        assert page.evaluate(
            "async () => (await (await navigator.serviceWorker.ready).pushManager.getSubscription()) === null"
        )


def without(name: str) -> str:
    return f"delete window.{name}; delete Window.prototype.{name};"


@pytest.mark.parametrize(
    ("more", "script", "words"),
    [
        ({"java_script_enabled": False}, "", "This browser can’t show reminders by itself."),
        ({}, without("PushManager"), "This browser can’t show reminders by itself."),
        (
            {"user_agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1"},
            without("PushManager"),
            "first add the journal to your Home Screen",
        ),
        (
            {},
            "Object.defineProperty(Notification, 'permission', { get: () => 'denied' });",
            "Allow notifications for it in the browser’s settings",
        ),
    ],
    ids=["no JavaScript", "no push", "iPhone in Safari", "denied"],
)
def test_where_the_browser_cannot(
    browser: Browser,
    served: Journal,
    pushes: PushService,
    more: dict[str, Any],
    script: str,
    words: str,
) -> None:
    """No button; one sentence on what can be done."""
    with with_reminders(browser, served, pushes.phone()) as seen:
        state = seen.context.storage_state()
        context = phone(browser, served.url, storage_state=state, **more)
        if script:
            context.add_init_script(script)
        page = context.new_page()
        page.goto("/reminders")
        expect(page.get_by_text(words)).to_be_visible()
        expect(page.locator("[data-push-if]:visible")).to_have_count(1)
        expect(page.get_by_role("button", name=TURN_ON)).to_be_hidden()
        context.close()
