"""A phone that keeps what it has over the death of its browser: a profile on disk, and a way to kill all of it at once."""

import os
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import BrowserContext, Error, Page, Playwright

from tests.browser.chromium import FLAGS, PATIENCE_MS, PHONE


class Phone:
    """One profile. `context` is None while the browser is dead."""

    def __init__(self, playwright: Playwright, profile: Path, base_url: str) -> None:
        self._playwright, self.profile, self.base_url = playwright, profile, base_url
        self.context: BrowserContext | None = None

    def start(self) -> Page:
        """The browser, and its first page."""
        self.context = self._playwright.chromium.launch_persistent_context(
            self.profile,
            executable_path=shutil.which("chromium"),
            args=[*FLAGS, "--disable-session-crashed-bubble", "--hide-crash-restore-bubble"],
            base_url=self.base_url,
            viewport=PHONE,
            has_touch=True,
            timezone_id="America/Denver",
            locale="en-US",
        )
        self.context.set_default_timeout(PATIENCE_MS)
        return self.context.pages[0] if self.context.pages else self.context.new_page()

    @property
    def page(self) -> Page:
        assert self.context is not None
        return self.context.pages[0]

    def kill(self) -> None:
        """Every process of the browser, with SIGKILL: nothing gets to write anything down."""
        tree = self._tree()
        assert tree, "there is no browser to kill"
        for pid in tree:  # its root comes first
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._forget()

    def close(self) -> None:
        """In order, as somebody who puts the phone away: everything is written down."""
        if self.context is not None:
            self.context.close()
            self.context = None

    def _forget(self) -> None:
        assert self.context is not None
        with suppress(Error):  # it is gone, and that is what we wanted
            self.context.close()
        self.context = None
        end = time.monotonic() + 10
        while self._tree() and time.monotonic() < end:
            time.sleep(0.01)

    def _tree(self) -> list[int]:
        """The browser's processes, found by the profile that the first one was started with."""
        parents: dict[int, int] = {}
        roots = []
        wanted = f"--user-data-dir={self.profile}"
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                stat = (folder / "stat").read_text().rpartition(")")[2].split()
                words = (folder / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            except OSError:
                continue
            if stat[0] == "Z":
                continue
            pid = int(folder.name)
            parents[pid] = int(stat[1])
            if wanted in words and not any(word.startswith("--type=") for word in words):
                roots.append(pid)
        tree = list(roots)
        for pid in tree:
            tree += [child for child, parent in parents.items() if parent == pid and child not in tree]
        return tree
