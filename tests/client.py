"""A client that checks every page it gets: valid HTML, a title, one h1, labels, headers, nothing foreign."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import html5lib
from flask import Flask
from werkzeug.test import TestResponse

from journal.kit.web import HEADERS

XHTML = "{http://www.w3.org/1999/xhtml}"
FOREIGN_LINKS = {"https://findahelpline.com", "https://988lifeline.org/chat/"}
FIELDS = ("input", "select", "textarea")


def check_page(text: str) -> None:
    """Raises AssertionError with what is wrong with a page."""
    parser = html5lib.HTMLParser(strict=False, namespaceHTMLElements=True)
    document = parser.parse(text)
    faults = [f"{place}: {code}" for place, code, _ in parser.errors]
    assert not faults, faults[:5]
    every = list(document.iter())
    titles = [e.text for e in document.iter(f"{XHTML}title")]
    assert len(titles) == 1 and (titles[0] or "").strip().endswith("Infusion Journal"), titles
    assert len(list(document.iter(f"{XHTML}h1"))) == 1, "one h1"
    ids = [e.get("id") for e in every if e.get("id")]
    assert len(ids) == len(set(ids)), [i for i in ids if ids.count(i) > 1][:3]
    labelled = {e.get("for") for e in document.iter(f"{XHTML}label")}
    wrapped = {id(f) for e in document.iter(f"{XHTML}label") for f in e.iter()}
    for field in (e for kind in FIELDS for e in document.iter(XHTML + kind)):
        if field.get("type") != "hidden":
            named = field.get("id") in labelled or id(field) in wrapped or field.get("aria-label")
            assert named, f"no label: {field.attrib}"
    for element in every:
        assert not element.get("style"), f"inline style: {element.attrib}"
        assert not [n for n in element.attrib if n.startswith("on")], f"inline handler: {element.attrib}"
        for name in ("src", "href", "action", "formaction"):
            address = element.get(name)
            if address and urlsplit(address).netloc:
                assert element.tag == f"{XHTML}a" and address in FOREIGN_LINKS, f"foreign address: {address}"
    for script in document.iter(f"{XHTML}script"):
        assert script.get("src") and not (script.text or "").strip(), "inline script"
    for described in (e for e in every if e.get("aria-describedby")):
        assert set(described.get("aria-describedby").split()) <= set(ids), described.attrib


class CheckingClient:
    """A browser: keeps cookies, sends forms as the page gave them, checks what it gets."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._client = app.test_client()
        self.page: TestResponse | None = None

    def get(self, path: str, expect: int = 200, **kwargs: Any) -> TestResponse:
        answer = self._client.get(path, **kwargs)
        assert answer.status_code == expect, (path, answer.status_code, answer.location)
        self._check(answer)
        self.page = answer
        return answer

    def send(
        self,
        path: str,
        data: Mapping[str, Any] | None = None,
        expect: int = 303,
        page: str | None = None,
        **fields: Any,
    ) -> TestResponse:
        """Open `page` (or the path), take its CSRF token and hidden fields, and post the form."""
        if page is not None or self.page is None:
            self.get(page or path)
        hidden = self.hidden(path)
        answer = self._client.post(path, data={**hidden, **(data or {}), **fields})
        assert answer.status_code == expect, (path, answer.status_code, answer.location, answer.text[:3000])
        self._check(answer)
        if answer.mimetype == "text/html" and answer.status_code != 303:
            self.page = answer
        return answer

    def hidden(self, action: str) -> dict[str, str]:
        """The hidden fields of the page's form that posts to `action` (or of its only one)."""
        assert self.page is not None
        forms = re.findall(r"<form\b([^>]*)>(.*?)</form>", self.page.text, re.S)
        mine = [body for head, body in forms if f'action="{action}"' in head] or [
            body for head, body in forms if "action=" not in head
        ]
        body = mine[0] if mine else forms[0][1]
        found = re.findall(r'<input[^>]*type="hidden"[^>]*>', body)
        pairs = ((re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)) for tag in found)
        return {name[1]: (value[1] if value else "") for name, value in pairs if name}

    def follow(self, answer: TestResponse) -> TestResponse:
        assert answer.location
        return self.get(answer.location)

    def raw(self, method: str, path: str, **kwargs: Any) -> TestResponse:
        return self._client.open(path, method=method, buffered=True, **kwargs)

    def keep_session(self, token: str) -> None:
        """Be signed in by a session that was begun elsewhere."""
        with self._client.session_transaction() as kept:
            kept["_user_id"] = token

    def set_cookie(self, name: str, value: str, path: str = "/") -> None:
        self._client.set_cookie(name, value, path=path)

    def cookie(self, name: str) -> str | None:
        found = self._client.get_cookie(name) or self._client.get_cookie(name, path="/shared")
        return found.value if found else None

    def _check(self, answer: TestResponse) -> None:
        for name, value in HEADERS.items():
            assert answer.headers.get(name) == value, name
        assert answer.headers.get("Cache-Control") == "no-store"
        assert answer.status_code < 500
        if answer.mimetype == "text/html" and answer.status_code != 303:
            check_page(answer.text)
