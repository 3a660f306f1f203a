"""Names as people type them: one line, without marks that would turn round the sentence it is put into."""

import re

MOST_NAME = 60
TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Marks that turn the direction of what follows."""


def one_line(text: str) -> str:
    """What counts of a typed name."""
    return " ".join(TURNING.sub("", text).split())


def problem(text: str, missing: str, most: int = MOST_NAME) -> str | None:
    """What is wrong with a name of one line, or None."""
    if not text:
        return missing
    if len(text) > most:
        return f"Keep it to {most} characters."
    if any(ord(c) < 32 or ord(c) == 127 or "\ud800" <= c <= "\udfff" for c in text):
        return "Use letters and spaces only."
    return None
