"""Settings: read once from the environment, frozen, and refused in plain words when unfit.

A base address that other machines can reach means real patients, so the strict rules follow from it;
there is no separate "production" switch that could be forgotten.
"""

import os
import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
SAMPLE_SECRETS = ("change", "secret", "sample", "example", "password", "default", "dev", "test")
SHORTEST_SECRET = 32
SENDER = re.compile(r"[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


class UnfitSettings(Exception):
    """A setting that the journal can't run with; the text says which one and how to mend it."""


@dataclass(frozen=True)
class MailServer:
    """Where mail goes out: host, port (1-65535), TLS from the start or by STARTTLS, and who we are there."""

    host: str
    port: int
    tls_from_start: bool
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    plain: bool = False


@dataclass(frozen=True)
class Settings:
    """All that can be set. Secrets never appear in its `repr`."""

    data_dir: Path
    database_url: str = field(repr=False)
    base_url: str
    port: int
    secret_key: str = field(repr=False)
    master_key: bytes = field(repr=False)
    mail: MailServer | None = None
    mail_from: str = "journal@localhost"
    mail_name: str = "Journal"
    default_zone: str = "America/New_York"
    default_country: str = "US"
    trusted_proxies: int = 0
    backup_keep_days: int = 30
    web_push: bool = True
    push_to_loopback: bool = False
    passphrase_rounds: int = 2
    passphrase_kib: int = 19 * 1024
    seal: bool = True

    @property
    def is_public(self) -> bool:
        """True when others than this machine's own user can reach the journal."""
        return urlsplit(self.base_url).hostname not in LOOPBACK

    @property
    def is_https(self) -> bool:
        return urlsplit(self.base_url).scheme == "https"

    @property
    def sqlite_path(self) -> Path | None:
        """The SQLite file, or None on another database."""
        prefix = "sqlite:///"
        return Path(self.database_url[len(prefix) :]) if self.database_url.startswith(prefix) else None

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Self:
        """Read, check and complete the settings. Raises UnfitSettings with one sentence on what to mend."""
        env = os.environ if env is None else env
        port = _whole_number(env, "PORT", 8000, 1, 65535)
        base_url = (env.get("BASE_URL") or f"http://localhost:{port}").rstrip("/")
        public = _check_base_url(base_url)
        data_dir = _folder(env.get("DATA_DIR") or "data")
        secret_key = env.get("SECRET_KEY") or ""
        if public or secret_key:
            _check_secret("SECRET_KEY", secret_key)
        else:
            secret_key = _kept_secret(data_dir, "secret.key")
        master_key = env.get("MASTER_KEY") or ""
        if not master_key:
            master_key = _kept_secret(data_dir, "master.key")
        return cls(
            data_dir=data_dir,
            database_url=_database_url(env.get("DATABASE_URL"), data_dir),
            base_url=base_url,
            port=port,
            secret_key=secret_key,
            master_key=_master_key(master_key),
            mail=_mail_server(env.get("MAIL_URL")),
            mail_from=_mail_from(env.get("MAIL_FROM"), base_url),
            mail_name=env.get("MAIL_NAME") or "Journal",
            default_zone=_zone(env.get("DEFAULT_ZONE") or "America/New_York"),
            default_country=_country(env.get("DEFAULT_COUNTRY", "US")),
            trusted_proxies=_whole_number(env, "TRUSTED_PROXIES", 0, 0, 5),
            backup_keep_days=_whole_number(env, "BACKUP_KEEP_DAYS", 30, 0, 3650),
            web_push=_yes_or_no(env, "WEB_PUSH", default=True),
            push_to_loopback=not public and env.get("JOURNAL_TEST_PUSH") == "loopback",
            seal=public or env.get("JOURNAL_TEST_UNSEALED") != "yes",
        )


def _whole_number(env: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = env.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise UnfitSettings(f"{name} must be a whole number from {least} to {most}.")
    return int(text)


def _yes_or_no(env: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = (env.get(name) or ("on" if default else "off")).casefold()
    if text not in ("on", "off"):
        raise UnfitSettings(f"{name} must be on or off.")
    return text == "on"


def _check_base_url(base_url: str) -> bool:
    """Say whether the address is public. Raises UnfitSettings when it is no web address, or public without https."""
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UnfitSettings(
            "BASE_URL must be the journal's own address, such as https://journal.example.org."
        )
    if parts.path or parts.query or parts.fragment or parts.username:
        raise UnfitSettings("BASE_URL must be a scheme and a host only, such as https://journal.example.org.")
    public = parts.hostname not in LOOPBACK
    if public and parts.scheme != "https":
        raise UnfitSettings("BASE_URL must start with https:// unless the journal runs on localhost.")
    return public


def _check_secret(name: str, value: str) -> None:
    if not value:
        raise UnfitSettings(
            f"{name} is missing. Make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    lowered = value.casefold()
    if len(value) < SHORTEST_SECRET or len(set(value)) < 10 or lowered.startswith(SAMPLE_SECRETS):
        raise UnfitSettings(
            f"{name} is too short or looks like a sample. "
            "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )


def _folder(text: str) -> Path:
    folder = Path(text).expanduser().resolve()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UnfitSettings(
            f"DATA_DIR can't be made at {folder}: {error.strerror}. Choose a folder that this user may write to."
        ) from None
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise UnfitSettings(
            f"DATA_DIR {folder} can't be written to. Give this user the right to write there."
        )
    return folder


def _kept_secret(data_dir: Path, name: str) -> str:
    """The secret kept in the data folder, made there on the first start with mode 0600."""
    folder = data_dir / "secrets"
    path = folder / name
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if not path.exists():
            draft = folder / f".{name}.{secrets.token_hex(4)}"
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(b64encode(secrets.token_bytes(32)).decode())
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(draft, path)  # the first of two starts at once wins, and both read the same
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise UnfitSettings(
            f"DATA_DIR {data_dir} can't keep secrets: {error.strerror} ({path}). "
            "Give this user the right to write there."
        ) from None


def _master_key(text: str) -> bytes:
    try:
        key = b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != 32 or len(set(key)) < 12:
        raise UnfitSettings(
            "MASTER_KEY must be 32 bytes in base64. "
            "Make one with: python -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())'"
        )
    return key


def _database_url(text: str | None, data_dir: Path) -> str:
    if not text:
        return f"sqlite:///{data_dir / 'journal.sqlite3'}"
    if text.startswith(("postgresql://", "postgres://")):
        return "postgresql+psycopg://" + text.split("://", 1)[1]
    if text.startswith(("postgresql+psycopg://", "sqlite:////")):
        return text
    raise UnfitSettings(
        "DATABASE_URL must start with postgresql:// or, for a SQLite file with its whole path, sqlite:////."
    )


def _mail_server(text: str | None) -> MailServer | None:
    if not text:
        return None
    parts = urlsplit(text)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise UnfitSettings(
            "MAIL_URL must look like smtp://user:password@mail.example.org:587 (STARTTLS) "
            "or smtps://user:password@mail.example.org:465 (TLS)."
        )
    try:
        port = parts.port
    except ValueError:
        raise UnfitSettings("MAIL_URL has a port that is not a number from 1 to 65535.") from None
    tls_from_start = parts.scheme == "smtps"
    return MailServer(
        host=parts.hostname,
        port=port or (465 if tls_from_start else 587),
        tls_from_start=tls_from_start,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        plain=parts.query == "tls=off" and parts.hostname in LOOPBACK,
    )


def _mail_from(text: str | None, base_url: str) -> str:
    host = urlsplit(base_url).hostname or ""
    address = text or f"journal@{'localhost' if ':' in host else host}"
    if not SENDER.fullmatch(address):
        raise UnfitSettings("MAIL_FROM must be one plain address, such as journal@example.org.")
    return address


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UnfitSettings("DEFAULT_ZONE must name a time zone, such as America/New_York.") from None
    return name


def _country(code: str) -> str:
    if code and (len(code) != 2 or not code.isalpha()):
        raise UnfitSettings("DEFAULT_COUNTRY must be two letters, such as US, or empty.")
    return code.upper()
