"""Mail through a server: STARTTLS or TLS with the certificate checked, a time-out on every step, a deadline on the whole."""

import smtplib
import socket
import ssl
import threading
from types import TracebackType
from typing import Self

from journal.config import MailServer
from journal.kit.mail import Letter, NotSent, Transport

STEP_S = 20.0
DEADLINE_S = 120.0
"""Own choice. A server that sends a byte now and then never lets a step time out; the lease of a mail is longer."""
GOODBYE_S = 3.0
OURS = frozenset({530, 534, 535, 538})
"""Replies that say we did not sign in as the server wants: the operator mends that, the mail waits."""


class Watch:
    """Shuts the line when its time is up, whatever step the conversation is in. It holds a handle of its own to the
    socket: the one in use changes when TLS begins."""

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._shut)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None
        self._is_over = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            if self._handle is not None:
                self._handle.close()
                self._handle = None

    def connect(self, host: str, port: int, step_s: float | None = None) -> socket.socket:
        """A connection that is shut at the deadline, and whose steps have a time-out. Raises OSError."""
        line = socket.create_connection((host, port), STEP_S if step_s is None else step_s)
        with self._lock:
            if self._is_over:
                line.close()
                raise TimeoutError
            self._handle = line.dup()
        return line

    def _shut(self) -> None:
        with self._lock:
            self._is_over = True
            if self._handle is not None:
                try:
                    self._handle.shutdown(socket.SHUT_RDWR)
                except OSError:  # the other side was faster
                    return


class _Line(smtplib.SMTP):
    def __init__(self, host: str, port: int, watch: Watch) -> None:
        self._watch = watch
        super().__init__(host, port, local_hostname=helo_name(), timeout=STEP_S)

    def _get_socket(self, host: str, port: int, _timeout: float) -> socket.socket:
        return self._watch.connect(host, port)


class _TlsLine(_Line):
    def __init__(self, host: str, port: int, watch: Watch, context: ssl.SSLContext) -> None:
        self._tls = context
        super().__init__(host, port, watch)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        line = super()._get_socket(host, port, timeout)
        try:
            return self._tls.wrap_socket(line, server_hostname=host)
        except BaseException:
            line.close()
            raise


def helo_name() -> str:
    """How we introduce ourselves: this machine's whole name, without asking a name server, which has no time-out."""
    name = socket.gethostname()
    return name if "." in name else "[127.0.0.1]"


def send_through(server: MailServer, context: ssl.SSLContext | None = None) -> Transport:
    """Mail goes to the server. Raises NotSent; the server's certificate is checked before a password is said. A line
    that is cut after the last byte tells nothing, so it counts as not sent."""
    context = context or ssl.create_default_context()

    def send(letter: Letter) -> None:
        with Watch(DEADLINE_S) as watch:
            try:
                smtp = _connect(server, context, watch)
            except (smtplib.SMTPException, OSError) as error:
                raise NotSent(f"server not reached ({_told(error)})", for_good=False) from None
            try:
                smtp.sendmail(letter.sender, [letter.to], letter.data)
            except (smtplib.SMTPException, OSError) as error:
                raise _refusal(error) from None
            else:
                _say_goodbye(smtp)
            finally:
                smtp.close()

    return send


def _connect(server: MailServer, context: ssl.SSLContext, watch: Watch) -> smtplib.SMTP:
    if server.tls_from_start:
        smtp: smtplib.SMTP = _TlsLine(server.host, server.port, watch, context)
    else:
        smtp = _Line(server.host, server.port, watch)
    try:
        if not server.tls_from_start and not server.plain:
            smtp.starttls(context=context)
        if server.username:
            smtp.login(server.username, server.password or "")
        smtp.ehlo_or_helo_if_needed()
    except BaseException:
        smtp.close()
        raise
    return smtp


def _say_goodbye(smtp: smtplib.SMTP) -> None:
    """The server has the mail; whatever it says to this changes nothing."""
    try:
        if smtp.sock is not None:
            smtp.sock.settimeout(min(GOODBYE_S, STEP_S))
        smtp.docmd("QUIT")
    except (smtplib.SMTPException, OSError):
        return


def _told(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__} {error.smtp_code}"
    return type(error).__name__


def _refusal(error: Exception) -> NotSent:
    """What the server's answer to the mail means. 4xx and 5xx come in the same classes: the code decides."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, step = next(iter(error.recipients.values()))[0], "the address"
    elif isinstance(error, smtplib.SMTPSenderRefused):
        code, step = error.smtp_code, "the sender"
    elif isinstance(error, smtplib.SMTPDataError):
        code, step = error.smtp_code, "the message"
    else:
        return NotSent(f"server not reached ({_told(error)})", for_good=False)
    for_good = 500 <= code < 600 and code not in OURS
    return NotSent(
        f"server said {code} to {step}",
        for_good=for_good,
        bounced=for_good and step != "the sender",
        code=code,
    )
