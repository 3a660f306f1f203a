"""A phone on slow 4G: when a page is to be seen, how it answers a tap, what it weighs. Prints; judges nothing.

`python -m tests.bench.phone` measures this alone; `make bench` ends with it. 1.6 Mbit/s down, 0.75 up, 150 ms, and a
processor four times as slow as this one: on another machine, or a busy one, the times are others. The weights are not.
"""

import os
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests.browser.chromium import chromium, phone
from tests.browser.pages import DEMO, PASSPHRASE, sign_in
from tests.browser.wire import Wire
from tests.servers import Journal

REPEATS = int(os.environ.get("REPEATS", "5"))
SLOW_4G = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}
WATCH = """
window.seen = { lcp: 0, cls: 0, blocked: 0, inp: 0, chart: 0 };
const on = (type, take, more) => new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true, ...more });
on('largest-contentful-paint', (e) => { seen.lcp = e.startTime; });
on('layout-shift', (e) => { if (!e.hadRecentInput) seen.cls += e.value; });
on('longtask', (e) => { seen.blocked += Math.max(0, e.duration - 50); });
on('event', (e) => { if (e.interactionId) seen.inp = Math.max(seen.inp, e.duration); }, { durationThreshold: 16 });
const look = () => {
  const drawing = document.querySelector('[data-daily] svg');
  if (drawing && drawing.getBoundingClientRect().height) requestAnimationFrame((now) => { seen.chart = now; });
  else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
Use = Callable[[Page], None]


def log_a_day(page: Page) -> None:
    """What somebody does with the page: three numbers, a word."""
    for name, value in (("mood", "6"), ("anxiety", "4"), ("sleep", "5")):
        page.locator(f'label:has(input[name="{name}"][value="{value}"])').tap()
    page.get_by_label("Your note").press_sequentially("half a thought")


def look_at_a_day(page: Page) -> None:
    page.mouse.move(200, 400)
    page.locator("canvas").first.wait_for()
    page.locator("[data-daily] canvas").first.tap()
    page.get_by_text("Show as table").first.tap()


def open_page(browser: Browser, journal: Journal, state: Any, path: str, use: Use | None) -> dict[str, float]:
    """One cold visit, and what was seen of it, in milliseconds and bytes."""
    context = phone(browser, journal.url, storage_state=state)
    page = context.new_page()
    page.add_init_script(WATCH)
    wire = Wire(page, journal.url)
    wire.tools.send("Network.emulateNetworkConditions", SLOW_4G)
    wire.tools.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(path)
    page.wait_for_load_state("networkidle")
    if use is not None:
        use(page)
    page.wait_for_timeout(600)
    seen: dict[str, float] = page.evaluate("window.seen")
    fetched = wire.fetched()
    seen |= {"requests": len(fetched), "bytes": sum(one.size for one in fetched)}
    seen["scripts"] = sum(one.size for one in fetched if one.is_script)
    page.goto(path)
    page.wait_for_load_state("networkidle")
    seen["next"] = sum(one.size for one in wire.fetched())
    context.close()
    return seen


def measure() -> None:
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        journal = Journal(Path(folder), DEFAULT_ZONE="America/Denver").start()
        try:
            told = journal.flask(*DEMO)
            if told.returncode:
                raise SystemExit(told.stderr)
            _tell(browser, journal)
        finally:
            journal.stop()


def _state(browser: Browser, journal: Journal, fill: Use) -> Any:
    page = phone(browser, journal.url).new_page()
    fill(page)
    kept = page.context.storage_state()
    page.context.close()
    return kept


def _newcomer(page: Page) -> None:
    page.goto("/sign-up")
    page.get_by_label("Email").fill("bench@example.org")
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Start my journal").click()
    page.wait_for_url("**/welcome/name")


def _tell(browser: Browser, journal: Journal) -> None:
    newcomer = _state(browser, journal, _newcomer)
    maya = _state(browser, journal, lambda page: sign_in(page, "maya@demo.example.org"))
    pages: dict[str, tuple[Any, str, Use | None]] = {
        "Today, the check-in": (newcomer, "/today", log_a_day),
        "Trends, 90 days": (maya, "/trends", look_at_a_day),
        "Trends, all": (maya, "/trends?days=all", look_at_a_day),
        "Help now": (maya, "/help-now", None),
    }
    print(f"\nA phone on slow 4G, processor ÷ 4, nothing kept: medians of {REPEATS} visits")
    print(f"{'':22}{'LCP':>8}{'chart':>8}{'CLS':>7}{'INP':>7}{'blocked':>9}", end="")
    print(f"{'requests':>10}{'bytes':>8}{'scripts':>9}{'next load':>11}")
    for name, (state, path, use) in pages.items():
        visits = [open_page(browser, journal, state, path, use) for _ in range(REPEATS)]
        got = {key: statistics.median(visit[key] for visit in visits) for key in visits[0]}
        print(f"{name:22}{got['lcp']:6.0f}ms{got['chart']:6.0f}ms{got['cls']:7.3f}", end="")
        print(f"{got['inp']:5.0f}ms{got['blocked']:7.0f}ms{got['requests']:10.0f}{got['bytes']:8.0f}", end="")
        print(f"{got['scripts']:9.0f}{got['next']:11.0f}")
    print(
        "goals: Today LCP 1000 ms, chart 1200 ms, CLS 0, INP 100 ms, blocked 50 ms; the check-in page 6 requests,"
    )
    print(
        "       20480 bytes, 8192 of scripts, next load 6144; Chart.js is counted, and comes after the chart is seen"
    )


if __name__ == "__main__":
    measure()
