"""Lighthouse's marks for the pages that matter most, on its own mobile settings. Prints; judges nothing.

`python -m tests.bench.marks` measures this alone; `make bench` ends with it. Lighthouse is fetched once, by the lock file
beside this one and checked by its hashes, into a folder outside the repository. Only here: no test needs it, or Node.
"""

import json
import os
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.browser.chromium import FLAGS, chromium, chromium_path, phone
from tests.browser.pages import DEMO, sign_in
from tests.servers import Journal

RUNS = int(os.environ.get("RUNS", "3"))
LOCK = Path(__file__).parent / "lighthouse"
KEPT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "infusion-journal" / "lighthouse"
MARKS = ("performance", "accessibility", "best-practices")


def lighthouse() -> Path | None:
    """Where it is, fetched if need be; None where there is no Node to run it."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return None
    script = KEPT / "node_modules" / "lighthouse" / "cli" / "index.js"
    wanted = (LOCK / "package-lock.json").read_bytes()
    had = KEPT / "package-lock.json"
    if not (script.exists() and had.exists() and had.read_bytes() == wanted):
        KEPT.mkdir(parents=True, exist_ok=True)
        for path in LOCK.glob("*.json"):
            shutil.copy(path, KEPT)
        subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=KEPT, check=True
        )
    return script


def report(script: Path, address: str, cookie: str) -> dict[str, Any]:
    """One run, in Lighthouse's own words."""
    with tempfile.TemporaryDirectory() as folder:
        to = Path(folder) / "report.json"
        command = ["node", str(script), address, "--quiet", "--output=json", f"--output-path={to}"]
        command += [f"--only-categories={','.join(MARKS)}", f"--chrome-flags={' '.join(FLAGS)}"]
        command += [f"--extra-headers={json.dumps({'Cookie': cookie})}"] if cookie else []
        env = {**os.environ, "CHROME_PATH": chromium_path()}
        subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL, timeout=300)
        told: dict[str, Any] = json.loads(to.read_text("utf-8"))
        return told


def lost(told: dict[str, Any]) -> list[str]:
    """Each audit that took something from a mark, in words."""
    found = []
    for mark in MARKS:
        for one in told["categories"][mark]["auditRefs"]:
            audit = told["audits"][one["id"]]
            if one["weight"] and audit["score"] is not None and audit["score"] < 1:
                found.append(f"{mark}: {audit['title']} {audit.get('displayValue', '')}".strip())
    return found


def measure() -> None:
    script = lighthouse()
    if script is None:
        print("\nLighthouse needs Node and npm; its marks are left out.")
        return
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder), DEFAULT_ZONE="America/Denver").start()
        try:
            told = journal.flask(*DEMO)
            if told.returncode:
                raise SystemExit(told.stderr)
            _tell(script, journal)
        finally:
            journal.stop()


def _preview(page: Page) -> str:
    page.goto("/sharing")
    address = page.locator('.list a[href^="/sharing/"]').first.get_attribute("href")
    return f"{address}/preview"


def _tell(script: Path, journal: Journal) -> None:
    with chromium() as browser:
        page = phone(browser, journal.url).new_page()
        sign_in(page, "grete@demo.example.org")
        page.goto("/check-ins")
        row = page.locator(".list a.item", has_text="Fill it in").filter(has_not_text="Today").first
        pages = {"Today": "/today", "check-in": row.get_attribute("href"), "trends": "/trends"}
        pages |= {"help now": "/help-now", "share preview": _preview(page)}
        cookies = page.context.cookies()
    cookie = "; ".join(f"{one['name']}={one['value']}" for one in cookies)
    print(f"\nLighthouse, mobile: the middle of {RUNS} runs")
    print(f"{'':16}{'performance':>13}{'accessibility':>15}{'best practices':>16}   LCP, CLS, blocking time")
    for name, path in pages.items():
        runs = [report(script, f"{journal.url}{path}", cookie) for _ in range(RUNS)]
        marks = [statistics.median(run["categories"][mark]["score"] * 100 for run in runs) for mark in MARKS]
        audits = [runs[0]["audits"][one] for one in ("largest-contentful-paint", "cumulative-layout-shift")]
        audits.append(runs[0]["audits"]["total-blocking-time"])
        print(f"{name:16}{marks[0]:13.0f}{marks[1]:15.0f}{marks[2]:16.0f}   ", end="")
        print(", ".join(audit["displayValue"] for audit in audits))
        for one in sorted({word for run in runs for word in lost(run)}):
            print(f"{'':16}  {one}")
    print("goals: 98 or more, 100, 100")


if __name__ == "__main__":
    measure()
