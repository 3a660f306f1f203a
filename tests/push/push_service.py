"""A push service of our own on this machine: real HTTP, which answers as it was told to, and keeps what it got."""

import socket
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

from tests.push.phone import Phone


@dataclass
class Got:
    """A note as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class PushService:
    """`plan[path]`: how to answer, one after the other, the last from then on; 201 where nothing is planned. An answer is a
    code, with headers, or something that is done with the open line."""

    port: int
    plan: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    got: list[Got] = field(default_factory=list)
    on_got: Callable[[Got], object] = lambda _got: None
    end: threading.Event = field(default_factory=threading.Event)

    def phone(self, *answers: Any) -> Phone:
        """A new phone, and how the service answers for it."""
        path = f"/push/{uuid4().hex}"
        self.plan[path] = list(answers)
        return Phone(f"http://localhost:{self.port}{path}")

    def got_for(self, phone: Phone) -> list[Got]:
        return [one for one in self.got if phone.endpoint.endswith(one.path)]

    def answer(self, path: str) -> Any:
        plan = self.plan[path]
        return plan.pop(0) if len(plan) > 1 else plan[0] if plan else 201


def hang(handler: BaseHTTPRequestHandler, service: PushService) -> None:
    service.end.wait(30)


def drip(handler: BaseHTTPRequestHandler, service: PushService) -> None:
    """A header line now and then, so that no step ever takes long."""
    handler.wfile.write(b"HTTP/1.1 201 Created\r\n")
    while not service.end.wait(0.05):
        handler.wfile.write(b"X-More: 1\r\n")
        handler.wfile.flush()


def go_on(handler: BaseHTTPRequestHandler, service: PushService) -> None:
    """Go on, go on."""
    while not service.end.wait(0.05):
        handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        handler.wfile.flush()


def flood(handler: BaseHTTPRequestHandler, service: PushService) -> None:
    """A body that never ends."""
    handler.send_response(201)
    handler.send_header("Content-Length", str(1 << 40))
    handler.end_headers()
    while not service.end.is_set():
        handler.wfile.write(b"x" * 65536)


def flood_headers(handler: BaseHTTPRequestHandler, service: PushService) -> None:
    handler.wfile.write(b"HTTP/1.1 201 Created\r\n")
    while not service.end.is_set():
        handler.wfile.write(b"X-More: " + b"x" * 60_000 + b"\r\n")


def nonsense(handler: BaseHTTPRequestHandler, _service: PushService) -> None:
    handler.wfile.write(b"220 mail.example.org ESMTP\r\n")


def cut(handler: BaseHTTPRequestHandler, _service: PushService) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, _request: Any, _address: Any) -> None:
        """The journal hangs up on those that hang or flood."""


@contextmanager
def push_service() -> Iterator[PushService]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got = Got(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            service.got.append(got)
            service.on_got(got)
            answer = service.answer(self.path)
            self.close_connection = True
            if callable(answer):
                answer(self, service)
                return
            code, headers = answer if isinstance(answer, tuple) else (answer, {})
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            return

    server = _Server(("127.0.0.1", 0), Handler)
    service = PushService(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.end.set()
        with suppress(OSError):
            server.shutdown()
        server.server_close()
        thread.join(5)
