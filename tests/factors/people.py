"""People with a second step: how the tests set one up and use it, as a browser does."""

import html
import re
import time
from typing import Any

import pyotp
from flask import Flask

from tests.cast import PASSPHRASE, Player
from tests.client import CheckingClient
from tests.factors.authenticator import Authenticator

STEP_S = 30
AT_SIGN_IN = "/sign-in/second-step"
CODES = re.compile(r"<li>([a-z0-9-]{14})</li>")


def csrf(browser: CheckingClient) -> str:
    assert browser.page is not None
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.page.text)
    assert found
    return found[1]


def set_up_app(browser: CheckingClient) -> tuple[str, list[str]]:
    """(secret, recovery codes) of an app that was confirmed with its code of now."""
    browser.send("/account/second-step/app/begin", page="/account/second-step/app", expect=303)
    page = browser.get("/account/second-step/app").text
    found = re.search(r'class="secret">([A-Z2-7 ]+)<', page)
    assert found
    secret = found[1].replace(" ", "")
    answer = browser.raw(
        "POST", "/account/second-step/app", data={"csrf_token": csrf(browser), "code": code(secret)}
    )
    assert answer.status_code in (200, 303)
    return secret, CODES.findall(answer.text)


def code(secret: str, steps: int = 0) -> str:
    """The code of now, or of so many steps later."""
    return pyotp.TOTP(secret).at(int(time.time()) + steps * STEP_S)


def set_up_passkey(
    browser: CheckingClient, name: str = "My phone", **kind: Any
) -> tuple[Authenticator, list[str]]:
    device = Authenticator(**kind)
    browser.get("/account/second-step/passkeys/new")
    options = ask(browser, "/account/second-step/passkeys/ask")
    answer = browser.raw(
        "POST",
        "/account/second-step/passkeys/new",
        data={"csrf_token": csrf(browser), "name": name, "answer": device.register(options)},
    )
    assert answer.status_code in (200, 303), html.unescape(answer.text)
    return device, CODES.findall(answer.text)


def set_up_key(browser: CheckingClient, name: str = "My phone", **kind: Any) -> Authenticator:
    """A passkey that signs in alone and turns no second step on."""
    device = Authenticator(**kind)
    browser.get("/account/passkeys/new")
    form = {"name": name, "answer": device.register(ask(browser, "/account/passkeys/ask"))}
    answer = browser.raw("POST", "/account/passkeys/new", data={"csrf_token": csrf(browser), **form})
    assert answer.status_code == 303, html.unescape(answer.text)
    return device


def ask_touch(browser: CheckingClient) -> dict[str, Any]:
    """What the page for signing in asks a passkey."""
    browser.get("/sign-in")
    return ask(browser, "/sign-in/one-touch/ask")


def touch(browser: CheckingClient, answer: str, target: str = "/sign-in/one-touch") -> Any:
    """Send a passkey's answer that is to sign in alone."""
    return browser.raw("POST", target, data={"csrf_token": csrf(browser), "answer": answer})


def ask(browser: CheckingClient, path: str = "/sign-in/passkey/ask") -> dict[str, Any]:
    answer = browser.raw("POST", path, data={"csrf_token": csrf(browser)})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.get_json()
    return told


def half_way(app: Flask, player: Player, target: str = "/sign-in") -> CheckingClient:
    """A browser that gave the passphrase, and stands before the second step."""
    browser = CheckingClient(app)
    browser.get(target)
    answer = browser.raw(
        "POST",
        target,
        data={"csrf_token": csrf(browser), "email": player.email, "password": PASSPHRASE},
    )
    assert answer.location == AT_SIGN_IN
    browser.get(AT_SIGN_IN)
    return browser


def give(browser: CheckingClient, typed: str, path: str = AT_SIGN_IN) -> Any:
    """Type a code on the page of the second step."""
    browser.get(path)
    return browser.raw("POST", path, data={"csrf_token": csrf(browser), "code": typed})


def give_answer(browser: CheckingClient, answer: str) -> Any:
    """Send a passkey's answer."""
    return browser.raw("POST", "/sign-in/passkey", data={"csrf_token": csrf(browser), "answer": answer})
