"""A person with a browser, over real HTTP, standard library only: for tests in which the server is killed."""

import json
import re
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, OpenerDirector, Request, build_opener

from pyotp import TOTP

STEP = "/sign-in/second-step"
PASSPHRASE = "four green lamps at dusk"


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class Person:
    """Signs up, signs in, saves check-ins. Keeps its cookies over a restart of the server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.cookies = CookieJar()
        self._opener: OpenerDirector = build_opener(HTTPCookieProcessor(self.cookies), _Stay())
        self._token = ""
        self.extra: dict[str, str] = {}

    def open(self, path: str, data: dict[str, str] | None = None) -> tuple[int, str]:
        body = None if data is None else urlencode(data).encode()
        try:
            with self._opener.open(Request(self.url + path, body), timeout=20) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def open_bytes(self, path: str) -> tuple[int, bytes]:
        """A page or a file, as it comes."""
        try:
            with self._opener.open(Request(self.url + path, headers=self.extra), timeout=60) as answer:
                return answer.status, answer.read()
        except HTTPError as error:
            with error:
                return error.code, error.read()

    def post(self, path: str, data: dict[str, str]) -> int:
        """Send a form with this person's token; the answer's code."""
        return self.open(path, {"csrf_token": self._token, **data})[0]

    def token(self, path: str) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.open(path)[1])
        assert found
        return found[1]

    def sign_up(self, email: str) -> None:
        token = self.token("/sign-up")
        code, _ = self.open(
            "/sign-up", {"csrf_token": token, "email": email, "password": PASSPHRASE, "zone": "UTC"}
        )
        assert code == 303
        self._token = self.token("/today")

    def sign_in(self, email: str, passphrase: str, secret: str | None = None) -> int:
        """With the secret of an authenticator app, its code is given too."""
        code, _ = self.open(
            "/sign-in", {"csrf_token": self.token("/sign-in"), "email": email, "password": passphrase}
        )
        if secret is not None:
            typed = {"csrf_token": self.token(STEP), "code": TOTP(secret).now()}
            code, _ = self.open(STEP, typed)
        self._token = self.token("/today")
        return code

    def save(self, fields: dict[str, str]) -> int:
        """Save a check-in for today; the answer's code."""
        return self.open("/today", {"csrf_token": self._token, **fields})[0]

    def send(self, told: dict[str, Any]) -> list[dict[str, Any]]:
        """What waits on this person's phone; the answers."""
        headers = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}
        asked = Request(self.url + "/sync", json.dumps(told).encode(), headers)
        with self._opener.open(asked, timeout=20) as answer:
            return list(json.load(answer)["answers"])

    def json(self, path: str) -> Any:
        return json.loads(self.open(path)[1])
