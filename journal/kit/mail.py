"""What a mail is, and its bytes: one recipient, text first, no link but to this journal, no header from elsewhere."""

import os
import re
import unicodedata
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

from css_inline import CSSInliner

NAME = "Journal"
LONGEST_NAME = 60
LONGEST_SUBJECT = 200
ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,253}")
LINK = re.compile(r"[a-z][a-z0-9+.-]*://[^\s<>\"']*", re.IGNORECASE)
OWN_LINK = re.compile(r"[\x21\x23-\x3b\x3d\x3f-\x7e]{1,800}")
FOREIGN = re.compile(
    r"<\s*(?:img|link|script|iframe|object|video|audio|form|base)\b|\bsrc\s*=|\burl\s*\(|@import",
    re.IGNORECASE,
)
TARGET = re.compile(r"\bhref\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s>]*)", re.IGNORECASE)
ONE_LINE = SMTP.clone(max_line_length=990)
"""Headers are not folded: a folded link would be written as an encoded word, which no mail program follows."""
INLINER = CSSInliner(load_remote_stylesheets=False, keep_style_tags=False)


class BadAddress(ValueError):
    """An address that can't be written into a mail's head."""


class BadLink(ValueError):
    """A mail with a link to somewhere else, or with something that would be fetched from elsewhere when it is read."""


class NotSent(Exception):
    """The server did not take the mail. `for_good` says that trying again is no use, `bounced` that the address or the
    message was refused, rather than us."""

    def __init__(
        self, reason: str, *, for_good: bool, bounced: bool = False, code: int | None = None
    ) -> None:
        super().__init__(reason)
        self.for_good, self.bounced, self.code = for_good, bounced, code


@dataclass(frozen=True)
class Mail:
    """One mail: to whom, about what, saying what in plain text, and in HTML where it has some. `unsubscribe` is the
    link by which mail programs take the reader off with one click (RFC 8058)."""

    to: str
    subject: str
    body: str
    html: str | None = None
    unsubscribe: str | None = None


@dataclass(frozen=True)
class Letter:
    """A message as it goes over the wire, the same bytes at every try."""

    id: UUID
    sender: str
    to: str
    created_at: datetime
    data: bytes


Transport = Callable[[Letter], None]


def clean_name(text: str, longest: int = LONGEST_NAME) -> str:
    """The text as one harmless line of a header. Python's email library decodes encoded words in what it is given, so
    `=?UTF-8?Q?=0A?=Bcc:` would start a header: no `=?` is left, no control or format character, no line separator."""
    visible = (" " if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Zs") else c for c in text)
    kept = "".join(c for c in visible if unicodedata.category(c) not in ("Cf", "Cs", "Co", "Cn"))
    return " ".join(kept.replace("=?", " ").replace("?=", " ").split())[:longest].strip()


def to_message(
    mail: Mail, sender: str, mail_id: UUID, now: datetime, *, name: str = NAME, base_url: str | None = None
) -> bytes:
    """The message, the same for the same arguments. Raises BadAddress for a recipient's, and BadLink for a link that
    does not begin with the base address."""
    _check_links(mail, base_url)
    if not ADDRESS.fullmatch(mail.to) or "=?" in mail.to or "?=" in mail.to:
        raise BadAddress("this address can't be used in a mail")
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(clean_name(name), addr_spec=sender)
    try:
        message["To"] = Address(addr_spec=mail.to)
    except (ValueError, IndexError, MessageError):
        raise BadAddress("this address can't be used in a mail") from None
    message["Subject"] = clean_name(mail.subject, LONGEST_SUBJECT)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{mail_id.hex}@{sender.partition('@')[2] or 'localhost'}>"
    message["Auto-Submitted"] = "auto-generated"
    if mail.unsubscribe is not None:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.body, cte=_encoding(mail.body))
    if mail.html is not None:
        html = INLINER.inline(mail.html)
        message.add_alternative(html, subtype="html", cte="quoted-printable")
        message.set_boundary(f"=_{mail_id.hex}")  # else it is drawn by chance
    return message.as_bytes(policy=ONE_LINE)


def _check_links(mail: Mail, base_url: str | None) -> None:
    if mail.html is not None and FOREIGN.search(mail.html):
        raise BadLink("a mail fetches nothing when it is read")
    if base_url is None:
        return
    given = [] if mail.unsubscribe is None else [mail.unsubscribe]
    if given and not OWN_LINK.fullmatch(given[0]):
        raise BadLink("this link can't stand in a header")
    for text in (mail.subject, mail.body, mail.html or ""):
        given += LINK.findall(text)
    given += [one.strip("\"'") for one in TARGET.findall(mail.html or "")]
    for link in given:
        if link != base_url and not link.startswith((f"{base_url}/", f"{base_url}?", f"{base_url}#")):
            raise BadLink("a link that does not begin with BASE_URL")


def _encoding(text: str) -> str:
    """Seven bits in each case: then no server on the way has a reason to write the mail anew."""
    plain = text.isascii() and all(len(line) <= 900 for line in text.splitlines())
    return "7bit" if plain else "quoted-printable"


def keep_in_folder(folder: Path) -> Transport:
    """Mail becomes files (mode 0600) in the folder, named by time, until a server is set."""

    def keep(letter: Letter) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = folder / f".{letter.id.hex}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(letter.data)
        draft.rename(folder / f"{letter.created_at:%Y%m%dT%H%M%S}-{letter.id.hex}.eml")

    return keep


def forget_kept(folder: Path, addresses: Collection[str]) -> None:
    """Delete the mails to these addresses that were kept as files."""
    gone = {address.lower() for address in addresses}
    for path in folder.glob("*.eml"):
        with path.open("rb") as file:
            to = BytesHeaderParser(policy=SMTP).parse(file)["To"]
        if to is not None and {one.addr_spec.lower() for one in to.addresses} & gone:
            path.unlink(missing_ok=True)
