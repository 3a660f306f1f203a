"""A form that came while the journal was locked: it waits, sealed, inside the page that asks for the PIN, so that
nothing typed is lost and nothing has to be kept here."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from journal.kit.vault import CannotOpen, Vault

MOST_HELD = 200_000
"""Letters, of names and values: the page carries them in each of its forms."""
NEVER_HELD = frozenset({"csrf_token", "password", "current", "pin", "again", "code", "passcode"})
PURPOSE = b"held form"


@dataclass(frozen=True, slots=True)
class Held:
    """Where the form was sent, and what was in it."""

    path: str
    fields: tuple[tuple[str, str], ...]


def hold(vault: Vault, session_id: UUID, path: str, fields: Iterable[tuple[str, str]]) -> str | None:
    """The form as the page carries it, for this browser alone; None for one that is too long."""
    kept = [(name, value) for name, value in fields if name not in NEVER_HELD]
    if not kept or sum(len(name) + len(value) for name, value in kept) > MOST_HELD:
        return None
    text = json.dumps([path, kept]).encode()
    return urlsafe_b64encode(vault.seal(text, PURPOSE, session_id.bytes)).decode()


def let_go(vault: Vault, session_id: UUID, carried: str) -> Held | None:
    """The form again; None for what this browser was never given."""
    try:
        text = vault.open(urlsafe_b64decode(carried), PURPOSE, session_id.bytes)
    except (ValueError, CannotOpen):
        return None
    path, fields = json.loads(text)
    return Held(path, tuple((name, value) for name, value in fields))
