"""Sealing: AES-256-GCM with one key per patient, each wrapped by the server's master key.

What a sealed box belongs to (whose, which entry, which revision) is bound in as associated data, so a box
moved to another row can't be opened.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

KEY_BYTES = 32
NONCE_BYTES = 12
FIRST = 1 + NONCE_BYTES
SEALED = b"\x01"
OPEN = b"\x00"


class CannotOpen(Exception):
    """A sealed box that this key, or this place, doesn't fit. Says nothing of what is inside."""


@dataclass(frozen=True)
class Vault:
    """Holds the master key (32 bytes). `sealing=False` exists so that a test can see its own check fail."""

    master_key: bytes
    sealing: bool = True

    def new_wrapped_key(self, owner: bytes) -> bytes:
        """A fresh key for `owner`, wrapped."""
        return seal(os.urandom(KEY_BYTES), AESGCM(self.master_key), b"key|" + owner)

    def box(self, wrapped_key: bytes, owner: bytes) -> "Box":
        """The box that a wrapped key opens. Raises CannotOpen for a foreign key."""
        return Box(AESGCM(open_sealed(wrapped_key, AESGCM(self.master_key), b"key|" + owner)), self.sealing)

    def seal(self, plain: bytes, purpose: bytes, owner: bytes) -> bytes:
        """Seal a secret of the server's own, such as what it shares with an authenticator app."""
        return seal(plain, AESGCM(self.master_key), b"secret|" + purpose + b"|" + owner)

    def open(self, sealed: bytes, purpose: bytes, owner: bytes) -> bytes:
        """Raises CannotOpen when it was changed, or belongs to another purpose or owner."""
        return open_sealed(sealed, AESGCM(self.master_key), b"secret|" + purpose + b"|" + owner)

    def keyed_hash(self, text: bytes, purpose: bytes) -> bytes:
        """32 bytes that only this server can make from the text."""
        mac = HMAC(self.master_key, SHA256())
        mac.update(purpose + b"|" + text)
        return mac.finalize()


@dataclass(frozen=True)
class Box:
    """Seals and opens one patient's payloads."""

    cipher: AESGCM
    sealing: bool = True

    def seal(self, plain: bytes, belongs_to: bytes) -> bytes:
        return seal(plain, self.cipher, belongs_to) if self.sealing else OPEN + plain

    def open(self, sealed: bytes, belongs_to: bytes) -> bytes:
        """Raises CannotOpen when the box was changed, moved, or sealed with another key."""
        if sealed[0] != 1:
            if not self.sealing and sealed[:1] == OPEN:
                return sealed[1:]
            raise CannotOpen("unknown kind of box")
        try:
            return self.cipher.decrypt(sealed[1:FIRST], sealed[FIRST:], belongs_to)
        except InvalidTag:
            raise CannotOpen("the box was changed, moved, or sealed with another key") from None

    def open_all(self, boxes: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
        """(sealed, what it belongs to) to what is in them. Years of entries come through here, so it is kept tight."""
        if not self.sealing:
            return [self.open(sealed, place) for sealed, place in boxes]
        decrypt = self.cipher.decrypt
        try:
            return [decrypt(sealed[1:FIRST], sealed[FIRST:], place) for sealed, place in boxes]
        except (InvalidTag, ValueError):
            raise CannotOpen("a box was changed, moved, or sealed with another key") from None


def seal(plain: bytes, cipher: AESGCM, belongs_to: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return SEALED + nonce + cipher.encrypt(nonce, plain, belongs_to)


def open_sealed(sealed: bytes, cipher: AESGCM, belongs_to: bytes) -> bytes:
    if sealed[:1] != SEALED:
        raise CannotOpen("unknown kind of box")
    try:
        return cipher.decrypt(sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :], belongs_to)
    except InvalidTag:
        raise CannotOpen("the box was changed, moved, or sealed with another key") from None
