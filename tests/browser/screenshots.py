"""Pictures of every page on a phone, light, dark and low light, kept outside the repository: `make screenshots`."""

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from playwright.sync_api import Page

from tests.browser.chromium import DESK, LOOKS, chromium, phone
from tests.browser.pages import (
    CARE,
    CLINIC,
    DEMO,
    FOLLOWED,
    MINE,
    PUBLIC,
    SECOND_STEP,
    Visit,
    clinician,
    reader,
    sign_in,
    staff,
)
from tests.servers import ROOT, Journal


def main() -> None:
    target = Path(os.environ.get("SCREENSHOTS") or ROOT.parent / "journal-screenshots")
    only = set(sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        journal = Journal(Path(folder), DEFAULT_ZONE="America/Denver").start()
        try:
            told = journal.flask(*DEMO)
            if told.returncode:
                raise SystemExit(told.stderr)
            for look in LOOKS:
                (target / look).mkdir(parents=True, exist_ok=True)
                for pages, email in (
                    (PUBLIC, None),
                    (SECOND_STEP, None),
                    (MINE, "grete@demo.example.org"),
                ):
                    page = phone(browser, journal.url, look).new_page()
                    if email:
                        sign_in(page, email)
                    _take(page, pages, only, target / look)
                for ending, size in (("", {}), ("-wide", DESK)):
                    page = reader(browser, journal, look, **size).new_page()
                    _take(page, CARE, only, target / look, ending)
                    page = clinician(browser, journal, look, **size).new_page()
                    _take(page, FOLLOWED, only, target / look, ending)
                    page = staff(browser, journal, look, **size).new_page()
                    _take(page, CLINIC, only, target / look, ending)
        finally:
            journal.stop()
    print(f"The pictures are in {target}")


def _take(page: Page, pages: Mapping[str, Visit], only: set[str], folder: Path, ending: str = "") -> None:
    for name, visit in pages.items():
        if only and name not in only:
            continue
        visit(page)
        page.wait_for_timeout(700 if "trends" in name else 50)
        page.screenshot(path=folder / f"{name}{ending}.png", full_page=True)
    page.context.close()


if __name__ == "__main__":
    main()
