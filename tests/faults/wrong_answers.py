"""What a proxy says instead of the journal: each as nasty as it gets, with what was asked for in its body."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

NOT_OURS = ("connection", "proxy-connection", "keep-alive", "accept-encoding")
"""What isn't passed on: one request a connection, and answers in plain words, which can be spoiled."""
PORTAL = "<!doctype html><title>Free Wi-Fi</title><h1>Welcome to Harbor Clinic Guest</h1><form method=post><button>Accept</button></form>"
BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
REASONS = {302: "Found", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 413: "Content Too Large"}


@dataclass(frozen=True)
class Request:
    """A whole request, as it came."""

    method: str
    path: str
    head: bytes
    body: bytes

    @classmethod
    async def read(cls, reader: asyncio.StreamReader) -> "Request":
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        method, target, _ = lines[0].decode("latin-1").split(" ", 2)
        length = next((int(x[15:]) for x in lines if x.lower().startswith(b"content-length:")), 0)
        return cls(method, target.partition("?")[0], head, await reader.readexactly(length))

    @property
    def operations(self) -> tuple[str, ...]:
        """The ids of the operations that the phone sends, if it sends any."""
        if self.path != "/sync":
            return ()
        return tuple(str(one["id"]) for one in json.loads(self.body)["operations"])

    def raw(self) -> bytes:
        """The request for the journal: one a connection."""
        first, *lines = self.head.removesuffix(b"\r\n\r\n").split(b"\r\n")
        kept = [x for x in lines if x.split(b":")[0].decode("latin-1").lower() not in NOT_OURS]
        return b"\r\n".join([first, *kept, b"Connection: close", b"", b""]) + self.body

    @property
    def praise(self) -> str:
        """An answer that would take everything out of the queue, were it worth anything."""
        asked = json.loads(self.body) if self.path == "/sync" else {}
        kept = {
            "status": "applied",
            "revision": 1,
            "number": 1,
            "page": "/today",
            "says": "Saved.",
            "help": None,
        }
        answers = [{"id": one, **kept} for one in self.operations]
        told = {"version": asked.get("version"), "owner": asked.get("owner"), "epoch": "none", "last": 1}
        return json.dumps({**told, "answers": answers})


def _page(code: int, kind: str, text: str, *more: str) -> bytes:
    body = text.encode()
    head = [
        f"HTTP/1.1 {code} {REASONS.get(code, 'Said')}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        *more,
        "Connection: close",
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


def _told(code: int) -> Callable[[Request, bytes, int], bytes]:
    """A refusal whose body nevertheless names every operation as kept: the code alone must keep them queued."""

    def answer(request: Request, _told: bytes, retry_after_s: int) -> bytes:
        more = [f"Retry-After: {retry_after_s}"] if code == 429 else []
        return _page(code, "application/json", request.praise, *more)

    return answer


def _parts(told: bytes) -> tuple[bytes, bytes]:
    head, _, body = told.partition(b"\r\n\r\n")
    return head, body


def _truncated(_request: Request, told: bytes, _: int) -> bytes:
    """Says how long it is, and ends in the middle."""
    head, body = _parts(told)
    return head + b"\r\n\r\n" + body[: len(body) * 2 // 3]


def _clipped(_request: Request, told: bytes, _: int) -> bytes:
    """Whole by its length, and no JSON any more."""
    head, body = _parts(told)
    short = body[: len(body) * 2 // 3]
    lines = [x for x in head.split(b"\r\n") if not x.lower().startswith(b"content-length:")]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(short), b"", b""]) + short


def _foreign(request: Request, told: bytes, _: int) -> bytes:
    """An answer to somebody else's operations: each id is another's, so that none of ours is named."""
    head, body = _parts(told)
    for one in request.operations:
        body = body.replace(one.encode(), str(uuid4()).encode())  # of the same length
    return head + b"\r\n\r\n" + body


def _newer(_request: Request, told: bytes, _: int) -> bytes:
    """A later version of the journal, in words that this one doesn't know."""
    head, body = _parts(told)
    for status in (b"applied", b"duplicate"):
        body = body.replace(status, b"x" * len(status))
    return head + b"\r\n\r\n" + body


WRONG: dict[str, Callable[[Request, bytes, int], bytes]] = {
    "captive": lambda *_: _page(200, "text/html", PORTAL),
    "redirect": lambda *_: _page(302, "text/html", "Sign in", "Location: /sign-in?next=/today"),
    "null": lambda *_: _page(200, "application/json", "null"),
    "502": lambda *_: _page(502, "text/html", BAD_GATEWAY),
    "truncated": _truncated,
    "clipped": _clipped,
    "foreign": _foreign,
    "newer": _newer,
    **{str(code): _told(code) for code in (401, 403, 404, 413, 429, 500)},
}
