"""Static files under names that carry their content's hash, compressed once, served for a year."""

import gzip
import posixpath
import re
from functools import partial
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

import brotli

SQUEEZED = {".css", ".js", ".svg", ".txt", ".md", ".webmanifest"}
CSS_URL = re.compile(rb'url\("([^"]+)"\)')
HASHED_NAME = re.compile(r"\.[0-9a-f]{10}\.[a-z0-9]+$")


class Assets:
    """Copies `source` to `target` under hashed names; `url("css/journal.css")` gives the address of a file."""

    def __init__(self, source: Path, target: Path) -> None:
        self._urls: dict[str, str] = {}
        self.folder = target
        target.mkdir(parents=True, exist_ok=True)
        files = [path for path in source.rglob("*") if path.is_file()]
        for path in sorted(files, key=lambda path: (path.suffix == ".css", path)):
            name = path.relative_to(source).as_posix()
            content = path.read_bytes()
            if path.suffix == ".css":  # last, when the addresses of the pictures it names are known
                content = CSS_URL.sub(partial(self._hashed_url, name), content)
            stem, dot, ending = name.rpartition(".")
            hashed = f"{stem}.{sha256(content).hexdigest()[:10]}{dot}{ending}"
            self._urls[name] = f"/static/{hashed}"
            self._keep(content, target / hashed)

    def _hashed_url(self, name: str, found: re.Match[bytes]) -> bytes:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), found[1].decode()))
        return f'url("{self._urls[target]}")'.encode()

    @staticmethod
    def _keep(content: bytes, path: Path) -> None:
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in SQUEEZED:
            _place(gzip.compress(content, 9, mtime=0), path.with_name(path.name + ".gz"))
            _place(brotli.compress(content), path.with_name(path.name + ".br"))
        _place(content, path)

    def url(self, name: str) -> str:
        """Raises KeyError for a file that isn't there, so that a template can't point at nothing."""
        return self._urls[name]


def _place(content: bytes, path: Path) -> None:
    """Whole or not at all: the server and the worker may start at the same moment."""
    draft = path.with_name(f".{path.name}.{token_hex(4)}")
    draft.write_bytes(content)
    draft.replace(path)


def never_changes(_path: str, url: str) -> bool:
    """True for a hashed name: it may be kept for good."""
    return HASHED_NAME.search(url) is not None
