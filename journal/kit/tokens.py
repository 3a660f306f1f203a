"""Opaque tokens: long, random, and kept only as a hash."""

import secrets
from hashlib import sha256


def new_token() -> str:
    """43 characters, 256 random bits, fit for a link or a cookie."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """32 bytes. The token itself is long and random, so a plain hash is enough."""
    return sha256(token.encode()).digest()
