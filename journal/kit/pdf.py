"""PDFs, drawn by one process beside the server, so that a long page holds up nobody else.

The process is a script of its own (`pdf_worker.py`), not a fork and not a child that imports the server again: it knows
no keys, inherits no database, and takes a second to start, so it stays for the next page. It starts with the first one.
"""

import atexit
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

HEAD = struct.Struct("!cQ")
LENGTH = struct.Struct("!Q")
DRAWN, MISSING = b"d", b"m"
"""As in the script; importing it would bring what it draws with into the server (a second, and 60 MB)."""
TIMEOUT_S = 20
ALONE_S = 5
"""So much longer the process gives itself, should the server that would end it be gone."""
MOST_WAITING = 3
"""Own choice: more than this at once are asked to come back, so that they don't take all threads of the server."""
MOST_PAGES = 100
"""Own choice: after so many the process is replaced, so that its memory doesn't grow."""
MOST_BYTES = 64 << 20
KEPT = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "LD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
)
"""What the process gets of our environment: where programs, fonts and their cache are, and no secrets."""
MANY = "Many summaries are being drawn just now. Wait a moment, then try again."
NEEDS = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fontconfig fonts-dejavu-core"


class CannotDraw(Exception):
    """There is no PDF. The message says why and what to do, in words for whoever asked for it."""


class Drawer:
    """The process that draws, started when it is first needed and after it was lost."""

    def __init__(self, command: Sequence[str] | None = None, timeout_s: int = TIMEOUT_S) -> None:
        self._command = command or (sys.executable, "-I", str(Path(__file__).with_name("pdf_worker.py")))
        self._timeout_s = timeout_s
        self._turn = threading.Lock()
        self._places = threading.BoundedSemaphore(MOST_WAITING)
        self._process: subprocess.Popen[bytes] | None = None
        self._owner, self._drawn = 0, 0

    def draw(self, page: str) -> bytes:
        """The page as a PDF. Raises CannotDraw when it takes too long, too many are asking, or something is missing."""
        if not self._places.acquire(blocking=False):
            raise CannotDraw(MANY)
        try:
            if not self._turn.acquire(timeout=self._timeout_s):
                raise CannotDraw(MANY)
            try:
                kind, body = self._ask(page.encode())
            finally:
                self._turn.release()
        finally:
            self._places.release()
        if kind == DRAWN:
            return body
        if kind == MISSING:
            raise CannotDraw(
                "This server can’t draw PDFs yet. Whoever runs it can add what is missing. On Debian or Ubuntu: "
                f"sudo apt-get install {NEEDS}"
            )
        raise CannotDraw(
            "The PDF could not be drawn. The summary itself and the other files are not affected."
        )

    def close(self) -> None:
        """End the process, if it is ours."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return  # of a server that we were forked from: not ours to end
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def _ask(self, page: bytes) -> tuple[bytes, bytes]:
        process = self._running()
        was_used = self._drawn > 0
        assert process.stdin is not None and process.stdout is not None  # noqa: S101 - pipes are asked for below
        late = threading.Event()

        def give_up() -> None:
            late.set()
            process.kill()  # ends the read below, which would wait for ever

        timer = threading.Timer(self._timeout_s, give_up)
        timer.start()
        try:
            process.stdin.write(LENGTH.pack(len(page)) + page)
            process.stdin.flush()
            kind, length = HEAD.unpack(_read(process.stdout, HEAD.size))
            if length > MOST_BYTES:
                raise EOFError
            body = _read(process.stdout, length)
        except (OSError, EOFError):
            timer.cancel()
            self.close()
            if late.is_set():
                raise CannotDraw(
                    "The PDF took too long to draw. Choose fewer days, then try again."
                ) from None
            if was_used:  # it was lost since the last page; a new one can do this
                return self._ask(page)
            raise CannotDraw("The PDF could not be drawn. Try again in a moment.") from None
        finally:
            timer.cancel()
        self._drawn += 1
        if self._drawn >= MOST_PAGES or late.is_set():
            self.close()
        return kind, body

    def _running(self) -> subprocess.Popen[bytes]:
        ours = self._owner == os.getpid()
        if self._process is None or not ours or self._process.poll() is not None:
            self.close()
            self._process = subprocess.Popen(  # noqa: S603 - a fixed command, nothing that somebody wrote
                [*self._command, str(self._timeout_s + ALONE_S)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # it could quote the page
                env={name: os.environ[name] for name in KEPT if name in os.environ},
                cwd="/",
            )
            self._owner, self._drawn = os.getpid(), 0
        return self._process


def _read(pipe: IO[bytes], length: int) -> bytes:
    read = pipe.read(length)
    if len(read) != length:
        raise EOFError
    return read


_drawer = Drawer()
atexit.register(_drawer.close)


def render(page: str) -> bytes:
    """A whole page of HTML, with its styles in it, as a tagged PDF. The same page gives the same bytes. Raises
    CannotDraw."""
    return _drawer.draw(page)
