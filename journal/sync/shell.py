"""The shell that a phone keeps: which static files, and one name for all of its words and looks together."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Self

from journal.kit.assets import Assets

FILES = (
    "css/journal.css",
    "img/mark.svg",
    "img/tick-light.svg",
    "img/tick-dark.svg",
    "js/journal.js",
    "js/entry.js",
    "js/phone.js",
    "js/offline.js",
    "js/card.js",
    "js/leave.js",
    "js/look.js",
)
WORDS = ("templates", "journal/domain", "journal/sync")


@dataclass(frozen=True, slots=True)
class Shell:
    """`version` changes whenever a file does, or anything that the kept pages are made of."""

    version: str
    files: tuple[str, ...]

    @classmethod
    def of(cls, assets: Assets, root: Path) -> Self:
        """Read at start, once. Raises KeyError for a file that isn't there."""
        files = tuple(assets.url(name) for name in FILES)
        told = sha256("\n".join(files).encode())
        for folder in WORDS:
            for path in sorted((root / folder).rglob("*")):
                if path.suffix in (".html", ".js", ".json", ".py"):
                    told.update(path.read_bytes())
        return cls(told.hexdigest()[:16], files)
