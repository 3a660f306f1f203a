"""A line between a browser and the journal that fails in one way at a time, on demand, and keeps account of it.

The browser talks to nothing else, so that the journal's own address is the proxy's. One request a connection, both ways:
what goes wrong with one never touches another, and no browser sends anything twice by itself.
"""

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.faults.wrong_answers import WRONG, Request

HELD = "blackhole"
"""Takes the request and never says a word, until the browser gives up."""
LINGER_NOT = struct.pack("ii", 1, 0)
"""Closing sends RST instead of FIN."""
UNSEEN = ("refuse", HELD, "captive", "redirect", "null", "502", "401", "403", "404", "413", "429", "500")
"""Modes in which nothing reaches the journal."""
LOST = ("reset", "truncated", "clipped", "foreign", "newer")
"""Modes in which the journal has done its work, and its answer is lost or spoiled."""
MODES = (*UNSEEN, *LOST, "delay")


@dataclass
class Seen:
    """One request and what came of it. `answered` is the code the browser got, None where it got none (yet)."""

    method: str
    path: str
    mode: str
    operations: tuple[str, ...]
    at: float = field(default_factory=time.monotonic)
    reached: bool = False
    answered: int | None = None
    answer: bytes = b""


class Proxy:
    """Listens on its port from `start` to `stop`. `seen` holds every request, oldest first."""

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        # Held all the time, so that nobody takes the port while nothing listens on it.
        self._guard = socket.socket()
        self._guard.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._guard.bind(("127.0.0.1", 0))
        self.port = int(self._guard.getsockname()[1])
        self.url = f"http://localhost:{self.port}"
        self.seen: list[Seen] = []
        self.mode, self.only, self.spare, self.delay_s = "fine", "", "", 1.5
        self.retry_after_s = 2
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    def start(self) -> "Proxy":
        self._thread.start()
        self._run(self._listen())
        return self

    def stop(self) -> None:
        self._run(self._close(for_good=True))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self._guard.close()

    def fail(self, mode: str, *, only: str = "", spare: str = "") -> None:
        """From now on fail like this: every request, or only those whose path is `only`, or all but those whose path is
        `spare`. What hangs goes on hanging."""
        if mode not in (*MODES, "fine"):
            raise ValueError(f"no such mode: {mode}")
        self.mode, self.only, self.spare = mode, only, spare
        self._run(self._close() if mode == "refuse" and not only + spare else self._listen())

    def mend(self) -> None:
        """From now on let everything through."""
        self.fail("fine")

    def wait_for(self, wanted: Callable[[Seen], bool], timeout_s: float = 20, *, since: int = 0) -> Seen:
        """The first request from number `since` on that is wanted, once it is there."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            for one in self.seen[since:]:
                if wanted(one):
                    return one
            time.sleep(0.02)
        raise AssertionError(f"no such request in {timeout_s} s; there were {self.seen[since:]}")

    def sends(self, since: int = 0) -> list[Seen]:
        """The tries to send what waits on the phone."""
        return [one for one in self.seen[since:] if one.path == "/sync"]

    def _run(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._talk, "127.0.0.1", self.port, limit=2**21)

    async def _close(self, *, for_good: bool = False) -> None:
        if self._server is not None:
            for listening in self._server.sockets:
                self._loop.remove_reader(listening.fileno())
            # Whoever is let in already gets inside: a server that is closed meanwhile would drop them.
            for _ in range(3):
                await asyncio.sleep(0)
            self._server.close()
            self._server = None
        for writer in tuple(self._open):
            _reset(writer)
        if for_good:
            mine = asyncio.current_task()
            talks = [one for one in asyncio.all_tasks() if one is not mine]
            for one in talks:
                one.cancel()
            await asyncio.gather(*talks, return_exceptions=True)
            await asyncio.sleep(0.02)  # the transports close in the loop's next round

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            request = await Request.read(reader)
            fails = self.only in ("", request.path) and self.spare != request.path
            mode = self.mode if fails else "fine"
            seen = Seen(request.method, request.path, mode, request.operations)
            self.seen.append(seen)
            answer = await self._answer(mode, request, seen, reader)
            if answer is None:
                _reset(writer)
                return
            seen.answered, seen.answer = int(answer.split(b" ", 2)[1]), answer
            writer.write(answer)
            await writer.drain()
        except (OSError, EOFError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # either end hung up, or all of it ends
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(
        self, mode: str, request: Request, seen: Seen, reader: asyncio.StreamReader
    ) -> bytes | None:
        """What the browser gets; None for a line that breaks."""
        if mode == HELD:
            await reader.read()  # ends when the browser hangs up
            return None
        if mode == "refuse":
            return None
        if mode == "delay":
            await asyncio.sleep(self.delay_s)
        told = b""
        if mode not in UNSEEN:
            told = await self._ask(request)
            seen.reached = True
        if mode == "reset":
            return None
        return WRONG[mode](request, told, self.retry_after_s) if mode in WRONG else told

    async def _ask(self, request: Request) -> bytes:
        """The journal's whole answer: it has committed when it comes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        try:
            writer.write(request.raw())
            return await reader.read()
        finally:
            writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    line = writer.get_extra_info("socket")
    if line is not None and line.fileno() >= 0:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
    writer.transport.abort()
