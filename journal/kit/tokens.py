"""Opaque tokens: long, random, and kept only as a hash."""

import secrets
from hashlib import sha256


def new_token() -> str:
    """43 characters, 256 random bits, fit for a link or a cookie."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """32 bytes. The token itself is long and random, so a plain hash is enough."""
    return sha256(token.encode()).digest()


EASY = "23456789abcdefghjkmnpqrstuvwxyz"
"""Letters and digits that can't be taken for each other, when read aloud."""


def new_passcode() -> str:
    """Eight characters in two groups, such as k7mp-w3xz: 39 random bits, for where few tries are allowed."""
    picked = "".join(secrets.choice(EASY) for _ in range(8))
    return f"{picked[:4]}-{picked[4:]}"


def new_code() -> str:
    """Sixteen characters in four groups: 79 random bits, for an address that is printed and may have to be typed."""
    return "-".join("".join(secrets.choice(EASY) for _ in range(4)) for _ in range(4))


def as_code(typed: str) -> str:
    """What was typed of a printed code, as it was printed: capitals, spaces and missing dashes don't matter."""
    plain = plain_passcode(typed)
    if len(plain) != 16 or set(plain) - set(EASY):
        return typed
    return "-".join(plain[place : place + 4] for place in range(0, 16, 4))


def plain_passcode(typed: str) -> str:
    """A passcode as it is compared: without spaces and dashes, in small letters."""
    return "".join(typed.split()).replace("-", "").casefold()
