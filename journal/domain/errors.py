"""The error tree of the still room."""

from collections.abc import Mapping


class JournalError(Exception):
    """Anything that the journal itself refuses."""


class Refused(JournalError):
    """What was sent can't be kept. `reasons` maps each form field to one sentence that says how to mend it."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        super().__init__(", ".join(sorted(reasons)))
        self.reasons = dict(reasons)


class NotYours(JournalError):
    """The viewer may not see this, or it isn't there; a stranger can't tell which."""
