"""Sending mail: through a server (STARTTLS or TLS, certificate verified), or into files while none is set."""

import os
import smtplib
import ssl
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from uuid import UUID

import css_inline

from journal.config import MailServer

TIMEOUT_S = 20


class BadAddress(ValueError):
    """An address that can't be written into a mail's head."""


class NotSent(Exception):
    """The server did not take the mail. `for_good` says that trying again is no use."""

    def __init__(self, reason: str, *, for_good: bool) -> None:
        super().__init__(reason)
        self.for_good = for_good


@dataclass(frozen=True)
class Mail:
    """One mail: to whom, about what, saying what, in plain text and perhaps as HTML. `unsubscribe`: the address that
    takes its recipient off with one POST (RFC 8058)."""

    to: str
    subject: str
    body: str
    html: str | None = None
    unsubscribe: str | None = None


def to_message(mail: Mail, sender: str, mail_id: UUID, now: datetime) -> EmailMessage:
    """The message as it goes over the wire. Raises BadAddress for an address with line breaks and the like."""
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = Address("Infusion Journal", addr_spec=sender)
        message["To"] = Address(addr_spec=mail.to)
        message["Subject"] = mail.subject
    except (ValueError, IndexError, MessageError):
        raise BadAddress("this address can't be used in a mail") from None
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{mail_id.hex}@{sender.partition('@')[2] or 'localhost'}>"
    message["Auto-Submitted"] = "auto-generated"
    if mail.unsubscribe is not None:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.body)
    if mail.html is not None:
        message.add_alternative(css_inline.inline(mail.html), subtype="html")
    return message


Transport = Callable[[EmailMessage], None]


def keep_in_folder(folder: Path) -> Transport:
    """Mail becomes files (mode 0600) in the folder, named by time, until a server is set."""

    def keep(message: EmailMessage) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = str(message["Message-ID"]).strip("<>").partition("@")[0]
        stamp = message["Date"].datetime.strftime("%Y%m%dT%H%M%S")
        draft = folder / f".{name}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(bytes(message))
        draft.rename(folder / f"{stamp}-{name}.eml")

    return keep


def forget_kept(folder: Path, addresses: Collection[str]) -> None:
    """Delete the mails to these addresses that were kept as files."""
    gone = {address.lower() for address in addresses}
    for path in folder.glob("*.eml"):
        with path.open("rb") as file:
            to = BytesHeaderParser(policy=SMTP).parse(file)["To"]
        if to is not None and {one.addr_spec.lower() for one in to.addresses} & gone:
            path.unlink(missing_ok=True)


def send_through(server: MailServer, context: ssl.SSLContext | None = None) -> Transport:
    """Mail goes to the server. Raises NotSent; the server's certificate is checked before a password is said."""
    context = context or ssl.create_default_context()

    def send(message: EmailMessage) -> None:
        try:
            with _connect(server, context) as smtp:
                if server.username:
                    smtp.login(server.username, server.password or "")
                smtp.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _text in error.recipients.values()]
            raise NotSent(f"recipient refused ({codes[0]})", for_good=all(c >= 500 for c in codes)) from None
        except smtplib.SMTPResponseException as error:
            # A wrong password is mended by the operator, not by giving up on the mail.
            known_for_good = error.smtp_code >= 500 and not isinstance(error, smtplib.SMTPAuthenticationError)
            raise NotSent(f"server said {error.smtp_code}", for_good=known_for_good) from None
        except (smtplib.SMTPException, OSError) as error:
            raise NotSent(f"server not reached ({type(error).__name__})", for_good=False) from None

    return send


def _connect(server: MailServer, context: ssl.SSLContext) -> smtplib.SMTP:
    if server.tls_from_start:
        return smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_S, context=context)
    smtp = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
    try:
        if not server.plain:
            smtp.starttls(context=context)
    except BaseException:
        smtp.close()
        raise
    return smtp
