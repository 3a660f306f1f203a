"""Static files under names that carry their content's hash, compressed once, served for a year."""

import gzip
import posixpath
import re
from functools import partial
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

import brotli
from rjsmin import jsmin

SQUEEZED = {".css", ".js", ".svg", ".txt", ".md", ".webmanifest"}
JS_IMPORT = re.compile(rb'((?:from |import\()")\./([\w-]+\.js)(?=")')
CSS_URL = re.compile(rb'url\("([^"]+)"\)')
HASHED_NAME = re.compile(r"\.[0-9a-f]{10}\.[a-z0-9]+$")


class Assets:
    """Copies `source` to `target` under hashed names; `url("css/journal.css")` gives the address of a file."""

    def __init__(self, source: Path, target: Path) -> None:
        self._urls: dict[str, str] = {}
        self.folder = target
        target.mkdir(parents=True, exist_ok=True)
        for path in sorted(path for path in source.rglob("*") if path.is_file()):
            self._add(source, path.relative_to(source).as_posix())

    def _add(self, source: Path, name: str) -> str:
        """The file's address. What it names is added before it, since its own name comes from its content."""
        if name in self._urls:
            return self._urls[name]
        content = (source / name).read_bytes()
        beside = partial(posixpath.join, posixpath.dirname(name))

        def address(named: bytes) -> bytes:
            return self._add(source, posixpath.normpath(beside(named.decode()))).encode()

        if name.endswith(".css"):
            content = CSS_URL.sub(lambda found: b'url("' + address(found[1]) + b'")', content)
        elif name.endswith(".js"):
            content = JS_IMPORT.sub(lambda found: found[1] + address(found[2]), content)
            content = content if name.startswith("vendor/") else jsmin(content)
        stem, dot, ending = name.rpartition(".")
        hashed = f"{stem}.{sha256(content).hexdigest()[:10]}{dot}{ending}"
        self._urls[name] = f"/static/{hashed}"
        self._keep(content, self.folder / hashed)
        return self._urls[name]

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
