"""Draws PDFs in a process of its own: run as a script, never imported by the journal (`kit/pdf.py` talks to it).

It holds no keys, no database and no environment of the server, fetches nothing, and ends when the server does.
A request is a length and the page; an answer is a letter, a length and the PDF (or a word for what went wrong).
"""

import contextlib
import hashlib
import logging
import os
import resource
import signal
import struct
import sys
from typing import Any, BinaryIO

HEAD = struct.Struct("!cQ")
LENGTH = struct.Struct("!Q")
DRAWN, MISSING, FAILED = b"d", b"m", b"f"
MOST_MEMORY = 2 << 30
"""Bytes of address space; fonts are mapped into it, so it is far above what a page uses."""

try:
    import weasyprint
    from weasyprint.text.fonts import FontConfiguration
    from weasyprint.urls import URLFetcher
except (ImportError, OSError):  # the library, or what it loads from the system, isn't there
    weasyprint = None
    URLFetcher = object


class Refusing(URLFetcher):  # type: ignore[misc] # WeasyPrint has no types
    """Fetches nothing: no file, no network, not even data in the page."""

    def fetch(self, url: str, headers: Any = None) -> Any:
        raise ValueError("nothing is ever fetched")  # the page is drawn without it


def draw(page: str) -> bytes:
    """A tagged PDF (PDF/UA-1). The same page gives the same bytes."""
    html = weasyprint.HTML(string=page, base_url=None, url_fetcher=Refusing())
    digest = hashlib.sha256(page.encode()).digest()[:16]
    pdf: bytes = html.write_pdf(
        pdf_variant="pdf/ua-1", pdf_identifier=digest, font_config=FontConfiguration()
    )
    return pdf


def serve(requests: BinaryIO, answers: BinaryIO, most_seconds: int) -> None:
    """Answer until nobody asks any more."""
    while len(head := requests.read(LENGTH.size)) == LENGTH.size:
        page = requests.read(*LENGTH.unpack(head)).decode()
        kind, body = MISSING, b""
        if weasyprint is not None:
            signal.alarm(most_seconds)  # ends this process, also when nobody is left to do it
            try:
                kind, body = DRAWN, draw(page)
            except Exception as error:  # whatever it is, the next page must be drawn
                kind, body = FAILED, type(error).__name__.encode()
            signal.alarm(0)
        answers.write(HEAD.pack(kind, len(body)) + body)
        answers.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which closes our input
    logging.disable()
    with contextlib.suppress(ValueError, OSError):  # not every system lets itself be limited
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints is no answer
    serve(sys.stdin.buffer, answers, int(sys.argv[1]))
