"""The fault proxy does what it says: the tests of the phone's queue are worth no more than this."""

import json
import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, IncompleteRead
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import pytest

from tests.faults.proxy import LOST, MODES, UNSEEN, Proxy

pytestmark = [pytest.mark.slow, pytest.mark.once]


class Small(ThreadingHTTPServer):
    """Answers as the journal would, and counts what reached it."""

    daemon_threads = True
    reached: list[str]


class _Doors(BaseHTTPRequestHandler):
    server: Small

    def do_GET(self) -> None:
        self._say(b"a page", "text/html")

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.reached += [one["id"] for one in asked["operations"]]
        answers = [{"id": one["id"], "status": "applied"} for one in asked["operations"]]
        self._say(json.dumps({"answers": answers}).encode(), "application/json")

    def _say(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Host", self.headers["Host"])
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def small() -> Iterator[Small]:
    server = Small(("127.0.0.1", 0), _Doors)
    server.reached = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def proxy(small: Small) -> Iterator[Proxy]:
    small.reached.clear()
    made = Proxy(small.server_port).start()
    yield made
    made.stop()


def ask(proxy: Proxy, path: str = "/today", operations: list[str] | None = None) -> tuple[int, Any, bytes]:
    line = HTTPConnection("localhost", proxy.port, timeout=10)
    try:
        if operations is None:
            line.request("GET", path)
        else:
            body = json.dumps({"operations": [{"id": one} for one in operations]})
            line.request("POST", path, body, {"Content-Type": "application/json"})
        answer = line.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        line.close()


def test_it_lets_everything_through(proxy: Proxy, small: Small) -> None:
    one = str(uuid4())
    code, headers, body = ask(proxy)
    assert (code, body) == (200, b"a page")
    assert headers["X-Host"] == f"localhost:{proxy.port}", "the journal must know the browser's address"
    code, _, body = ask(proxy, "/sync", [one])
    assert json.loads(body)["answers"] == [{"id": one, "status": "applied"}]
    assert [(s.path, s.reached, s.answered, s.operations) for s in proxy.seen] == [
        ("/today", True, 200, ()),
        ("/sync", True, 200, (one,)),
    ]


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_spoils_the_sending_alone(proxy: Proxy, small: Small, mode: str) -> None:
    one = str(uuid4())
    proxy.delay_s = 0.1
    proxy.fail(mode, only="/sync")
    assert ask(proxy)[0] == 200, "the rest goes through"
    try:
        code, headers, body = ask(proxy, "/sync", [one])
    except (OSError, HTTPException) as error:
        told: Any = type(error)
    else:
        told = code
        assert (headers.get("Retry-After") == "2") == (mode == "429")
        if mode in ("401", "403", "404", "413", "429", "500"):
            assert json.loads(body)["answers"][0]["id"] == one, "its body lies"
        if mode in ("captive", "502"):
            assert headers["Content-Type"] == "text/html"
        if mode == "clipped":
            with pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter"):
                json.loads(body)
        if mode == "foreign":
            answers = json.loads(body)["answers"]
            assert len(answers) == 1 and answers[0]["id"] != one
        if mode == "newer":
            assert [a["status"] for a in json.loads(body)["answers"]] == ["xxxxxxx"]
    nothing = {
        "refuse": ConnectionResetError,
        "blackhole": TimeoutError,
        "reset": ConnectionResetError,
        "truncated": IncompleteRead,
    }
    whole = {
        "captive": 200,
        "clipped": 200,
        "foreign": 200,
        "delay": 200,
        "newer": 200,
        "null": 200,
        "redirect": 302,
    }
    assert (
        told is nothing[mode]
        if mode in nothing
        else told == whole.get(mode, int(mode) if mode.isdigit() else 0)
    )
    assert small.reached == ([] if mode in UNSEEN else [one])
    seen = proxy.sends()[-1]
    assert (seen.mode, seen.reached) == (mode, mode in (*LOST, "delay"))
    proxy.mend()
    assert ask(proxy, "/sync", [one])[0] == 200


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_spoils_everything(proxy: Proxy, mode: str) -> None:
    proxy.delay_s = 0.1
    proxy.fail(mode)
    before = len(proxy.seen)
    try:
        told: Any = ask(proxy)[2]
    except (OSError, HTTPException) as error:
        told = type(error)
    assert told != b"a page" or mode in ("delay", "foreign", "newer"), "there is nothing to name on a page"
    if mode == "refuse":
        assert told is ConnectionRefusedError
        assert len(proxy.seen) == before, "nobody listens"
    proxy.mend()
    assert ask(proxy)[2] == b"a page"


def test_an_open_line_breaks_when_nobody_listens_any_more(proxy: Proxy) -> None:
    """Browsers open connections ahead of time."""
    line = HTTPConnection("localhost", proxy.port, timeout=10)
    line.connect()
    ask(proxy)  # the proxy has seen the first by then
    proxy.fail("refuse")
    with pytest.raises((OSError, HTTPException)):
        line.request("GET", "/today")
        line.getresponse()
    line.close()


def test_what_hangs_goes_on_hanging(proxy: Proxy) -> None:
    """As on a dead line: the phone has to give up by itself."""
    proxy.fail("blackhole", only="/sync")
    line = HTTPConnection("localhost", proxy.port, timeout=0.5)
    line.request("POST", "/sync", '{"operations": []}')
    proxy.wait_for(lambda one: one.path == "/sync")
    proxy.mend()
    with pytest.raises(TimeoutError):
        line.getresponse()
    line.close()
    assert proxy.sends()[-1].answered is None


def test_a_mode_it_does_not_know(proxy: Proxy) -> None:
    with pytest.raises(ValueError, match="no such mode"):
        proxy.fail("418")
