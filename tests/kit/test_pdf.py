"""Drawing PDFs: nothing is fetched, nothing hangs, and what can't be drawn is said kindly."""

import base64
import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from pypdf import PdfReader

from journal.kit.pdf import NEEDS, CannotDraw, Drawer, render
from tests.servers import ROOT, Journal

SHORT = '<!doctype html><html lang="en"><head><title>Short</title></head><body><h1>Short</h1></body></html>'
WORKER = str(ROOT / "journal" / "kit" / "pdf_worker.py")
pytestmark = pytest.mark.long
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63606060000000040001f61738550000000049454e44ae426082"
)


@contextlib.contextmanager
def drawer(script: str = "", timeout_s: int = 20) -> Iterator[Drawer]:
    made = Drawer((sys.executable, "-I", "-c", script) if script else None, timeout_s)
    try:
        yield made
    finally:
        made.close()


def test_a_tagged_page_and_the_same_bytes_again() -> None:
    page = SHORT.replace("Short</h1>", "Größe “42”</h1>")
    drawn = render(page)
    assert render(page) == drawn
    with drawer() as another:
        assert another.draw(page) == drawn
    reader = PdfReader(io.BytesIO(drawn))
    assert reader.metadata and reader.metadata.title == "Short"
    assert reader.root_object["/Lang"] == "en" and reader.root_object["/MarkInfo"]["/Marked"]
    assert "Größe “42”" in reader.pages[0].extract_text()


def test_nothing_is_fetched(tmp_path: Path) -> None:
    asked: list[str] = []

    class Bait(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.end_headers()
            self.wfile.write(PIXEL)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Bait)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "pixel.png").write_bytes(PIXEL)
    (tmp_path / "style.css").write_text("h1::before { content: 'fetched' }")
    there, here = f"http://127.0.0.1:{server.server_port}", tmp_path.as_uri()
    baits = "".join(
        f'<link rel="stylesheet" href="{base}/style.css"><link rel="attachment" href="{base}/pixel.png">'
        f"<style>@import url({base}/style.css); @font-face {{ font-family: x; src: url({base}/x.ttf) }} "
        f"p {{ font-family: x; background: url({base}/pixel.png); list-style-image: url({base}/pixel.png) }}</style>"
        f'<img src="{base}/pixel.png" alt="a"><object data="{base}/pixel.png"></object><embed src="{base}/pixel.png">'
        f'<iframe src="{base}/pixel.png"></iframe><svg viewBox="0 0 9 9"><image href="{base}/pixel.png"/>'
        f'<use href="{base}/pixel.png#a"/><style>@import url({base}/style.css);</style></svg>'
        for base in (there, here)
    )
    data = f'<img src="data:image/png;base64,{base64.b64encode(PIXEL).decode()}" alt="b">'
    try:
        drawn = render(SHORT.replace("<h1>", f"<p>here</p>{baits}{data}<h1>"))
    finally:
        server.shutdown()
        server.server_close()
    assert asked == []
    reader = PdfReader(io.BytesIO(drawn))
    text = "".join(page.extract_text() for page in reader.pages)
    assert "Short" in text and "here" in text and "fetched" not in text
    assert not [image for page in reader.pages for image in page.images]
    assert not reader.attachments


def test_what_is_missing_is_said() -> None:
    script = f"import sys, runpy; sys.modules['weasyprint'] = None; runpy.run_path({WORKER!r}, run_name='__main__')"
    with (
        drawer(script) as made,
        pytest.raises(CannotDraw, match="can’t draw PDFs yet") as told,
    ):
        made.draw(SHORT)
    assert f"apt-get install {NEEDS}" in str(told.value)


def test_a_page_that_takes_too_long_is_given_up() -> None:
    with drawer("import time; time.sleep(60)", timeout_s=1) as made:
        began = time.monotonic()
        with pytest.raises(CannotDraw, match="took too long"):
            made.draw(SHORT)
        assert time.monotonic() - began < 5
        assert made._process is None


def test_the_process_gives_up_by_itself_when_nobody_is_left() -> None:
    """Its own alarm ends it, though the server that would have is gone."""
    script = f"""
import sys, time
sys.path.insert(0, {str(Path(WORKER).parent)!r})
import pdf_worker
pdf_worker.weasyprint = object()
pdf_worker.draw = lambda page: time.sleep(60)
pdf_worker.serve(sys.stdin.buffer, sys.stdout.buffer, 1)
"""
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    process.communicate((4).to_bytes(8, "big") + b"page", timeout=20)
    assert process.returncode == -signal.SIGALRM


def test_a_lost_process_is_replaced() -> None:
    with drawer() as made:
        drawn = made.draw(SHORT)
        assert made._process is not None
        first = made._process.pid
        made._process.kill()  # not waited for: it may be lost between looking and asking
        assert made.draw(SHORT) == drawn
        assert made._process.pid != first
    with drawer("pass") as broken, pytest.raises(CannotDraw, match="Try again"):
        broken.draw(SHORT)


def test_it_is_replaced_after_many_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("journal.kit.pdf.MOST_PAGES", 2)
    with drawer() as made:
        made.draw(SHORT)
        first = made._process
        assert first is not None
        made.draw(SHORT)
        assert made._process is None and first.poll() is not None


def test_many_at_once_are_asked_to_come_back() -> None:
    with drawer("import time; time.sleep(60)", timeout_s=2) as made:
        said: list[str] = []

        def ask() -> None:
            try:
                made.draw(SHORT)
            except CannotDraw as cannot:
                said.append(str(cannot))

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        began = time.monotonic()
        with pytest.raises(CannotDraw, match="Wait a moment"):
            made.draw(SHORT)
        assert time.monotonic() - began < 0.5
        for thread in threads:
            thread.join()
        assert len(said) == 3


def test_it_knows_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASTER_KEY", "canary")
    monkeypatch.setenv("DATABASE_URL", "canary")
    script = """
import json, os, sys
body = json.dumps([dict(os.environ), os.listdir("/proc/self/fd")]).encode()
sys.stdout.buffer.write(b"d" + len(body).to_bytes(8, "big") + body)
"""
    with (ROOT / "README.md").open("rb"), drawer(script) as made:
        environment, files = json.loads(made.draw(SHORT))
    assert "canary" not in environment.values() and "PATH" in environment
    assert set(files) <= {"0", "1", "2", "3"}  # the last one is the listing itself


def test_the_server_does_not_carry_what_draws(tmp_path: Path) -> None:
    script = "import sys, wsgi, journal.kit.pdf; print('weasyprint' in sys.modules)"
    env = {**os.environ, "DATA_DIR": str(tmp_path)}
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "False"


class Served(Journal):
    def command(self, before: tuple[str, ...] = ()) -> list[str]:
        return [*super().command(before)[:-1], "tests.kit.pdf_server:app"]


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return bytes(answer.read())


def is_there(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return "pdf_worker" in Path(f"/proc/{pid}/cmdline").read_text()
    return False


@pytest.mark.slow
def test_under_the_real_server(tmp_path: Path) -> None:
    """Others are served while a long page is drawn, and the process goes when the server does."""
    journal = Served(tmp_path).start()
    try:
        assert json.loads(fetch(f"{journal.url}/test/drawer")) is None  # nothing starts before it is needed
        first = fetch(f"{journal.url}/test/short.pdf")
        assert first.startswith(b"%PDF-1.7") and fetch(f"{journal.url}/test/short.pdf") == first
        pid = json.loads(fetch(f"{journal.url}/test/drawer"))
        assert is_there(pid)
        long: list[bytes] = []
        drawing = threading.Thread(target=lambda: long.append(fetch(f"{journal.url}/test/long.pdf")))
        drawing.start()
        waits = []
        while drawing.is_alive():
            began = time.monotonic()
            fetch(f"{journal.url}/healthz")
            waits.append(time.monotonic() - began)
            time.sleep(0.02)
        drawing.join()
        assert long and long[0].startswith(b"%PDF") and len(waits) > 5
        assert sorted(waits)[len(waits) // 2] < 0.3
        assert json.loads(fetch(f"{journal.url}/test/drawer")) == pid
        os.kill(pid, signal.SIGKILL)
        assert fetch(f"{journal.url}/test/short.pdf") == first
        pid = json.loads(fetch(f"{journal.url}/test/drawer"))
    finally:
        journal.stop()
    for _ in range(100):
        if not is_there(pid):
            break
        time.sleep(0.05)
    assert not is_there(pid)
    assert "Traceback" not in journal.log.read_text()
