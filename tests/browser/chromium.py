"""Debian's Chromium through Playwright: a phone, in three looks."""

import atexit
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, Playwright, expect, sync_playwright

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE = {"width": 390, "height": 844}
DESK = {"viewport": {"width": 1280, "height": 860}, "device_scale_factor": 1, "has_touch": False}
LOOKS = ("light", "dark", "low")
PATIENCE_MS = 30_000
"""How long a busy machine may take to show what has to come: a test that passes never waits for it."""
expect.set_options(timeout=PATIENCE_MS // 2)


def chromium_path() -> str:
    path = shutil.which("chromium")
    if path is None:
        raise RuntimeError("chromium is missing. On Debian or Ubuntu: apt-get install chromium")
    return path


@cache
def driver() -> Playwright:
    """What drives browsers: one for all tests, since two can't run in one process."""
    started = sync_playwright().start()
    atexit.register(started.stop)
    return started


@contextmanager
def chromium() -> Iterator[Browser]:
    browser = driver().chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
    yield browser
    browser.close()


def add_device(page: Page) -> CDPSession:
    """Give the page a device with a fingerprint reader whose owner always agrees. It is there until the session ends."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return devtools


def phone(browser: Browser, base_url: str, look: str = "light", **more: Any) -> BrowserContext:
    """A phone of its own, with no cookies yet."""
    values: dict[str, Any] = {
        "viewport": PHONE,
        "device_scale_factor": 2,
        "has_touch": True,
        "timezone_id": "America/Denver",
        "locale": "en-US",
        "color_scheme": "dark" if look == "dark" else "light",
        "base_url": base_url,
        **more,
    }
    context = browser.new_context(**values)
    context.set_default_timeout(PATIENCE_MS)
    if look == "low":
        context.add_cookies([{"name": "look", "value": "low", "url": base_url}])
    return context
