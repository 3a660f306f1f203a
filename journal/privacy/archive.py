"""The one file that a journal travels in: packing it, and opening one that somebody sends. Nothing touches the disk."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import orjson

from journal.domain.errors import Refused

MOST_UPLOAD = 20 * 1024 * 1024
MOST_UNPACKED = 100 * 1024 * 1024
MOST_JSON = 64 * 1024 * 1024
MOST_TABLE = 4 * 1024 * 1024
MOST_FILES = 200
MOST_VALUES = 5_000_000
"""Own choice: commas and brackets in a journal's JSON. Twenty years of several entries a day come to some three million;
a file of empty lists alone would come to thirty, and each of them costs memory."""
JOURNAL, EMOODS = "journal.json", "entry.csv"
NOT_A_FILE = "Choose the file first."
TOO_BIG = "This file is larger than the 20 MB that can be brought in. Is it the right one?"
UNREADABLE = "This file can’t be opened. It may have been cut short. Get it again, and choose the new one."
NOT_OURS = (
    "There is no journal in this file. Choose the file that “Take my journal with me” gave you, "
    "or a table (CSV) from Daylio or eMoods."
)
TOO_MUCH = "There is more in this file than a journal can hold, so it was not opened."


@dataclass(frozen=True, slots=True)
class Upload:
    """What was sent: a journal's data, not checked yet, or the text of a table."""

    journal: Any = None
    table: str | None = None


def pack(parts: Mapping[str, bytes], at: datetime) -> bytes:
    """The parts as one zip, each dated with the instant."""
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            info = ZipInfo(name, at.timetuple()[:6])
            info.compress_type = ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            archive.writestr(info, content)
    return file.getvalue()


def to_json(data: Mapping[str, Any]) -> bytes:
    """The same data gives the same bytes."""
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def unpack(raw: bytes) -> Upload:
    """What is in a file that somebody sent. Raises Refused with a sentence; believes nothing that the file says of
    itself."""
    if not raw:
        raise Refused({"file": NOT_A_FILE})
    if len(raw) > MOST_UPLOAD:
        raise Refused({"file": TOO_BIG})
    if raw.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _from_zip(raw)
    if raw.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"[")):
        return Upload(journal=_parse_json(raw))
    return Upload(table=read_table(raw))


def read_table(raw: bytes) -> str:
    """A table's text. Raises Refused for one that is too long, or not UTF-8."""
    if len(raw) > MOST_TABLE:
        raise Refused({"file": "This table is larger than the 4 MB that can be brought in. Split it in two."})
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(
            {"file": NOT_OURS if b"\0" in raw else "Save this table as “CSV UTF-8”, and choose it again."}
        ) from None


def _from_zip(raw: bytes) -> Upload:
    # Counted before the list of files is read: each of them costs memory, and twenty megabytes hold half a million.
    if raw.count(b"PK\x01\x02") > MOST_FILES:
        raise Refused({"file": TOO_MUCH})
    try:
        with ZipFile(BytesIO(raw)) as archive:
            files = [one for one in archive.infolist() if not one.is_dir()]
            _check_names(files)
            if sum(one.file_size for one in files) > MOST_UNPACKED:
                raise Refused({"file": TOO_MUCH})
            for name in (JOURNAL, EMOODS):
                found = [one for one in files if one.filename.rpartition("/")[2] == name]
                if len(found) > 1:
                    raise Refused({"file": UNREADABLE})
                if found:
                    content = _read(archive, found[0])
                    return (
                        Upload(journal=_parse_json(content))
                        if name == JOURNAL
                        else Upload(table=read_table(content))
                    )
    except (BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, NotImplementedError):
        raise Refused({"file": UNREADABLE}) from None
    raise Refused({"file": NOT_OURS})


def _check_names(files: list[ZipInfo]) -> None:
    """Nothing is ever written under these names; a file that has such ones was not made by a journal."""
    names = [one.filename for one in files]
    for name in names:
        if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
            raise Refused({"file": UNREADABLE})
    if len(set(names)) != len(names):
        raise Refused({"file": UNREADABLE})


def _read(archive: ZipFile, one: ZipInfo) -> bytes:
    if one.compress_type not in (ZIP_STORED, ZIP_DEFLATED) or one.flag_bits & 1:
        raise Refused({"file": UNREADABLE})
    with archive.open(one) as file:
        content = file.read(MOST_JSON + 1)
    if len(content) > MOST_JSON:
        raise Refused({"file": TOO_MUCH})
    return content


def _parse_json(raw: bytes) -> Any:
    if sum(raw.count(sign) for sign in (b",", b"[", b"{")) > MOST_VALUES:
        raise Refused({"file": TOO_MUCH})
    try:
        return orjson.loads(raw.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        raise Refused({"file": UNREADABLE}) from None
