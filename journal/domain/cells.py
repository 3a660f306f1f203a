"""Cells of a file that a spreadsheet opens: what somebody wrote must never be run as a formula."""

import re

_BLANK = "(?:[^\\S\\t\\r\\n]|[\u200b-\u200f\u2060\ufeff])*"
_SIGN = "[=+\\-@\u2212\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b]"
_STARTS = "(?:\\A|(?<=[;\\t\\r\\n]))"
"""Where a cell begins, or would begin for a spreadsheet that splits at semicolons or tabs and so doesn't see quotes."""
_AT_RISK = re.compile(f"\\A(?='*[\\t\\r\\n])|{_STARTS}(?='*{_BLANK}{_SIGN})")
_GUARDED = re.compile(f"\\A'(?='*[\\t\\r\\n])|{_STARTS}'(?='*{_BLANK}{_SIGN})")


def guard(text: str) -> str:
    """The text with an apostrophe before whatever could be taken for a formula: = + - @, their wide forms, and a tab
    or line break at the start."""
    return _AT_RISK.sub("'", text)


def unguard(cell: str) -> str:
    """What was written, from what `guard` made of it."""
    return _GUARDED.sub("", cell)
