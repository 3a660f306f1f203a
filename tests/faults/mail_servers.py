"""A mail server that fails in every way, by a seeded plan, and keeps account of what it took and who saw that it did."""

import asyncio
import ssl
import time
from dataclasses import dataclass, field
from email import message_from_bytes
from random import Random
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from tests.servers import free_port

STALL_S = 1.5
"""Longer than a step of the workers' (0.4 s) and than their whole deadline (0.9 s)."""
FAULTS = (
    *("451 mail", "451 rcpt", "451 data", "451 dot"),
    *("550 mail", "550 rcpt", "550 data", "550 dot"),
    *("drop connect", "drop before dot", "drop after dot", "drop after dot"),
    *("stall connect", "stall ehlo", "stall mail", "stall rcpt", "stall data", "stall dot"),
    *("drip connect", "drip dot", "bad certificate"),
)


@dataclass
class Taken:
    """A mail that the server took. `seen`: the client knew, since it said goodbye in order."""

    mail_id: str
    message_id: str
    content: bytes
    worker: int
    at: float
    seen: bool = False


@dataclass
class Account:
    """What happened at the server."""

    taken: list[Taken] = field(default_factory=list)
    refused: int = 0
    faults: list[str] = field(default_factory=list)


class BadServer(SMTP):
    """One conversation, with at most one fault."""

    def __init__(self, account: Account, fault: str, **more: Any) -> None:
        self.account, self.fault = account, fault
        self.mine: Taken | None = None
        account.faults.append(fault)
        super().__init__(_Desk(self), hostname="localhost", enable_SMTPUTF8=False, **more)

    async def _handle_client(self) -> None:
        if self.fault == "drop connect":
            self.transport.abort()
            return
        if self.fault == "drip connect":
            await self._drip(b"220-")
            return
        await self._stall("stall connect")
        await super()._handle_client()

    async def _stall(self, fault: str) -> None:
        if self.fault == fault:
            await asyncio.sleep(STALL_S)

    async def _drip(self, first: bytes) -> None:
        """A byte now and then: no step ever times out."""
        self._writer.write(first)
        for _ in range(int(STALL_S / 0.1)):
            self._writer.write(b"x")
            await asyncio.sleep(0.1)
        self.transport.abort()

    async def _refuse(self, step: str) -> bool:
        if self.fault not in (f"451 {step}", f"550 {step}"):
            return False
        self.account.refused += self.fault.startswith("550")
        await self.push(f"{self.fault[:3]} no, at {step}")
        return True

    async def smtp_EHLO(self, hostname: str) -> None:
        await self._stall("stall ehlo")
        await super().smtp_EHLO(hostname)

    async def smtp_MAIL(self, arg: str | None) -> None:
        await self._stall("stall mail")
        if not await self._refuse("mail"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:
        await self._stall("stall rcpt")
        if not await self._refuse("rcpt"):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str) -> None:
        await self._stall("stall data")
        if await self._refuse("data"):
            return
        if self.fault == "drop before dot":
            await self.push("354 go on")
            await asyncio.sleep(0.01)
            self.transport.abort()
            await asyncio.sleep(STALL_S)  # what comes now is the mail, not a command
            return
        await super().smtp_DATA(arg)

    async def take(self, session: Any, envelope: Any) -> str:
        for code in ("451", "550"):
            if self.fault == f"{code} dot":
                self.account.refused += code == "550"
                return f"{code} no, at dot"
        message_id = str(message_from_bytes(envelope.content)["Message-ID"])
        worker = int(str(session.host_name).partition("-")[2] or 0)
        self.mine = Taken(
            message_id.strip("<>").partition("@")[0],
            message_id,
            bytes(envelope.content),
            worker,
            time.monotonic(),
        )
        self.account.taken.append(self.mine)
        if self.fault == "drop after dot":
            self.transport.abort()
        await self._stall("stall dot")
        if self.fault == "drip dot":
            await self._drip(b"250-")
        return "250 taken"


class _Desk:
    """What aiosmtpd asks about a mail; the conversation itself knows."""

    def __init__(self, talk: BadServer) -> None:
        self._talk = talk

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:
        return await self._talk.take(session, envelope)

    async def handle_QUIT(self, _server: Any, _session: Any, _envelope: Any) -> str:
        if self._talk.mine is not None:
            self._talk.mine.seen = True
        return "221 bye"

    async def handle_exception(self, _error: Exception) -> str:
        return "421 the line broke"


class BadController(Controller):
    """Listens; each connection gets its fault from the plan of the run."""

    def __init__(self, good: ssl.SSLContext, bad: ssl.SSLContext) -> None:
        self._good, self._bad = good, bad
        self._talks: list[BadServer] = []
        self.begin(0, 0.0)
        super().__init__(None, hostname="127.0.0.1", port=free_port())

    def begin(self, seed: int, share: float) -> Account:
        """A new run, with this share of connections that fail, and a new account."""
        self._random, self._share, self._account = Random(seed), share, Account()
        return self._account

    def calm(self) -> None:
        """No more faults."""
        self._share = 0.0

    def factory(self) -> BadServer:
        fault = self._random.choice(FAULTS) if self._random.random() < self._share else "fine"
        context = self._bad if fault == "bad certificate" else self._good
        talk = BadServer(self._account, fault, tls_context=context, require_starttls=True)
        self._talks.append(talk)
        return talk

    def stop(self, no_assert: bool = False) -> None:
        """Ends what hangs, too."""

        async def hang_up() -> None:
            for talk in self._talks:
                for line in (talk.transport, talk._original_transport):
                    if line is not None:
                        line.abort()
            await asyncio.sleep(0.1)

        asyncio.run_coroutine_threadsafe(hang_up(), self.loop).result(10)
        super().stop(no_assert)


def server_context(certificate: Any, key: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context
