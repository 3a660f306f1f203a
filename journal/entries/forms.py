"""The technical fields that every entry's form carries."""

from collections.abc import Mapping
from uuid import UUID, uuid4


def entry_id_of(form: Mapping[str, str], field: str = "entry_id") -> UUID:
    """The id that the page made for this entry, so that a second tap on "Save" is the same entry; a new one where a
    client sent none."""
    try:
        return UUID(form[field])
    except (KeyError, ValueError):
        return uuid4()


def number_of(form: Mapping[str, str], name: str) -> int:
    """A revision number in the form, 0 where there is none."""
    text = form.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0
