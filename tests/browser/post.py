"""Reading the mail that a running journal keeps as files, and following its links."""

import re
import time
from email import message_from_bytes
from pathlib import Path

from playwright.sync_api import Page

from tests.servers import Journal


def mail_to(journal: Journal, address: str, words: str) -> str:
    """The address in the newest mail to somebody that has these words in its link."""
    folder = Path(journal.data_dir) / "mail"
    for _ in range(200):
        for path in sorted(folder.glob("*.eml"), reverse=True):
            mail = message_from_bytes(path.read_bytes())
            found = re.search(rf"\S+/{words}/\S+", str(mail.get_payload(decode=True), "utf-8"))
            if mail["To"] == address and found:
                return found[0]
        time.sleep(0.1)
    raise AssertionError(f"no mail to {address}")


def confirm(journal: Journal, page: Page, email: str) -> None:
    page.goto(mail_to(journal, email, "account/verify"))
    page.locator("main").get_by_role("button").first.click()
    page.wait_for_load_state()
