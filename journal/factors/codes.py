"""Codes that people type: six digits from an authenticator app (RFC 6238), and recovery codes. No database in here."""

import secrets
from datetime import datetime
from hmac import compare_digest

import pyotp

STEP_S = 30
WINDOW = 1
"""How many steps a phone's clock may be off, either way (RFC 6238, 5.2)."""
ISSUER = "Infusion Journal"
RECOVERY_CODES = 10
RECOVERY_PARTS, PART_LENGTH = 3, 4
LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
"""None that look alike. Twelve of them are 59 random bits."""


def new_secret() -> str:
    """160 random bits in base32, as authenticator apps take them."""
    return pyotp.random_base32(32)


def step_of(now: datetime) -> int:
    """The number of the 30-second step that the instant lies in."""
    return int(now.timestamp()) // STEP_S


def matching_step(secret: str, typed: str, now: datetime) -> int | None:
    """The step that the typed code belongs to, or None. Every step is compared, whichever fits."""
    code, app, here = _bare(typed).encode(), pyotp.TOTP(secret, interval=STEP_S), step_of(now)
    steps = range(here - WINDOW, here + WINDOW + 1)
    fitting = [step for step in steps if compare_digest(code, app.generate_otp(step).encode())]
    return fitting[-1] if fitting else None


def setup_address(secret: str, email: str) -> str:
    """What the QR code says to the app."""
    return pyotp.TOTP(secret, interval=STEP_S).provisioning_uri(name=email, issuer_name=ISSUER)


def in_groups(secret: str) -> str:
    """The secret for people who type it: four letters at a time."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


def new_recovery_codes() -> tuple[str, ...]:
    """Ten codes such as k7qd-m2xp-9trw."""
    return tuple(
        "-".join("".join(secrets.choice(LETTERS) for _ in range(PART_LENGTH)) for _ in range(RECOVERY_PARTS))
        for _ in range(RECOVERY_CODES)
    )


def recovery_code(typed: str) -> str:
    """What counts of a recovery code, however it was typed."""
    return _bare(typed).casefold()


def _bare(typed: str) -> str:
    return "".join(letter for letter in typed if letter.isalnum())
