"""The public pages: home, help by country, the look, health, static files."""

import re

import pytest
from flask import Flask

from journal.domain.help_numbers import countries, help_for
from tests.cast import Cast
from tests.client import CheckingClient


def test_home_leads_in(client: CheckingClient, cast: Cast) -> None:
    assert "Start a journal" in client.get("/").text
    assert cast.patient.sign_in().get("/", expect=303).location == "/today"


@pytest.mark.parametrize("country", [code for code, _name in countries()])
def test_help_by_country(client: CheckingClient, country: str) -> None:
    page = client.get(f"/help-now?country={country}").text
    known = help_for(country)
    assert f'href="tel:{known.emergency}"' in page and f"Call {known.emergency}" in page
    for line in known.lines:
        assert line.number in page


def test_help_where_we_know_nothing(client: CheckingClient) -> None:
    for path in ("/help-now?country=ZZ", "/help-now?country="):
        page = client.get(path).text
        assert "findahelpline.com" in page and "Call your local emergency number" in page


def test_what_the_source_says_must_not_be_printed(client: CheckingClient) -> None:
    assert "press 3" not in client.get("/help-now?country=US").text


def test_help_is_one_tap_away_everywhere_and_nothing_pretends_to_watch(
    cast: Cast, client: CheckingClient
) -> None:
    browser = cast.patient.sign_in()
    for path in ("/today", "/trends", "/infusions", "/account", "/check-ins", "/no-such-page"):
        page = browser.get(path, expect=404 if "no-such" in path else 200).text
        assert 'href="/help-now"' in page, path
        assert "This journal is not watched day and night. It is not for emergencies." in page, path
    assert 'href="/help-now"' in client.get("/sign-in").text


def test_low_light_is_a_cookie_and_goes_back(client: CheckingClient) -> None:
    client.get("/help-now")
    answer = client.send("/look", {"next": "/help-now"})
    assert answer.location == "/help-now"
    assert 'data-look="low"' in client.get("/help-now").text
    client.send("/look", {"next": "https://evil.example"})
    assert 'data-look="usual"' in client.get("/").text


def test_health(client: CheckingClient) -> None:
    assert client.raw("GET", "/healthz").json == {"status": "ok"}


def test_static_files_are_kept_for_good_and_squeezed(client: CheckingClient) -> None:
    css = re.search(r'href="(/static/css/[^"]+)"', client.get("/").text)
    assert css and re.search(r"\.[0-9a-f]{10}\.css$", css[1])
    answer = client.raw("GET", css[1], headers={"Accept-Encoding": "br"})
    assert answer.status_code == 200 and answer.headers["Content-Encoding"] == "br"
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert client.raw("GET", "/static/../journal/config.py").status_code == 404


def test_pages_are_squeezed(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    plain = browser.raw("GET", "/today")
    small = browser.raw("GET", "/today", headers={"Accept-Encoding": "gzip"})
    assert small.headers["Content-Encoding"] == "gzip" and len(small.data) < len(plain.data) / 3


def test_the_check_in_page_is_small(app: Flask, cast: Cast) -> None:
    """At most 20 KB over the wire and 6 requests the first time, 6 KB after; at most 8 KB of JavaScript."""
    browser = cast.patient.sign_in()
    page = browser.raw("GET", "/today", headers={"Accept-Encoding": "gzip"})
    text = browser.raw("GET", "/today").text
    addresses = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', text))
    sizes = {a: len(browser.raw("GET", a, headers={"Accept-Encoding": "br"}).data) for a in addresses}
    assert len(addresses) + 1 <= 6
    assert len(page.data) <= 6 * 1024
    assert len(page.data) + sum(sizes.values()) <= 20 * 1024
    assert sum(size for address, size in sizes.items() if address.endswith(".js")) <= 8 * 1024
