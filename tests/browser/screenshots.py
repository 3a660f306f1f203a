"""Pictures of every page on a phone, light, dark and low light, kept outside the repository: `make screenshots`."""

import os
import sys
import tempfile
from pathlib import Path

from tests.browser.chromium import LOOKS, chromium, phone
from tests.browser.pages import MINE, PASSPHRASE, PUBLIC, SECOND_STEP, sign_in
from tests.servers import ROOT, Journal


def main() -> None:
    target = Path(os.environ.get("SCREENSHOTS") or ROOT.parent / "journal-screenshots")
    only = set(sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        journal = Journal(Path(folder), DEFAULT_ZONE="America/Denver").start()
        try:
            told = journal.flask("demo", "--password", PASSPHRASE)
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
                    for name, visit in pages.items():
                        if only and name not in only:
                            continue
                        visit(page)
                        page.wait_for_timeout(700 if "trends" in name else 50)
                        page.screenshot(path=target / look / f"{name}.png", full_page=True)
                    page.context.close()
        finally:
            journal.stop()
    print(f"The pictures are in {target}")


if __name__ == "__main__":
    main()
