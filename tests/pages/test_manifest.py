"""What a home screen takes from the journal: the manifest, its icons, the colours in which it opens."""

import io
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

from journal.pages.views import GROUNDS
from tests.cast import Cast
from tests.client import CheckingClient
from tests.servers import ROOT

CSS = ROOT / "static" / "css" / "journal.css"


def manifest(client: CheckingClient, query: str = "", **headers: str) -> dict[str, Any]:
    answer = client.raw("GET", f"/manifest.webmanifest{query}", headers=headers)
    assert answer.status_code == 200 and answer.mimetype == "application/manifest+json"
    told = answer.get_json(force=True)
    assert isinstance(told, dict)
    return told


def test_it_says_how_the_journal_opens(client: CheckingClient) -> None:
    told = manifest(client)
    assert (told["id"], told["start_url"], told["scope"]) == ("/today", "/today", "/")
    assert (told["name"], told["short_name"]) == ("Infusion Journal", "Journal")
    assert told["display"] == "standalone"
    assert [one["url"] for one in told["shortcuts"]] == ["/today", "/help-now"]


def test_it_may_be_kept_and_holds_nobodys_words(client: CheckingClient, cast: Cast) -> None:
    answer = client.raw("GET", "/manifest.webmanifest")
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert "Set-Cookie" not in answer.headers
    assert cast.patient.sign_in().raw("GET", "/manifest.webmanifest").data == answer.data


@pytest.mark.parametrize("purpose", ["any", "maskable"])
def test_icons_are_what_it_says(client: CheckingClient, purpose: str) -> None:
    told = manifest(client)
    icons = [one for one in told["icons"] if one["purpose"] == purpose]
    assert "512x512" in [one["sizes"] for one in icons]
    for one in icons:
        answer = client.raw("GET", one["src"])
        assert answer.status_code == 200 and answer.mimetype == one["type"] == "image/png"
        assert "immutable" in answer.headers["Cache-Control"]
        drawn = Image.open(io.BytesIO(answer.data))
        assert f"{drawn.width}x{drawn.height}" == one["sizes"]


def test_nothing_of_the_maskable_icon_is_cut_off(client: CheckingClient) -> None:
    """A launcher may cut it down to a circle of 80 % of its width: outside, there is ground and nothing else."""
    source = next(one["src"] for one in manifest(client)["icons"] if one["purpose"] == "maskable")
    drawn = Image.open(io.BytesIO(client.raw("GET", source).data)).convert("RGBA")
    ground, half = drawn.getpixel((0, 0)), drawn.width / 2
    assert ground == (0x1C, 0x59, 0x54, 255)
    outside = [
        (x, y)
        for x in range(drawn.width)
        for y in range(drawn.height)
        if (x - half) ** 2 + (y - half) ** 2 > (0.8 * half) ** 2
    ]
    assert {drawn.getpixel(place) for place in outside} == {ground}


def test_it_opens_in_the_look_of_the_phone(client: CheckingClient) -> None:
    scheme = "Sec-CH-Prefers-Color-Scheme"
    for shown, told in (
        ("light", manifest(client)),
        ("light", manifest(client, **{scheme: "light"})),
        ("dark", manifest(client, **{scheme: "dark"})),
        ("low", manifest(client, "?look=low", **{scheme: "dark"})),
        ("light", manifest(client, "?look=no-such-look")),
    ):
        assert told["background_color"] == told["theme_color"] == GROUNDS[shown]
    assert scheme in client.raw("GET", "/manifest.webmanifest").headers["Vary"]


def test_its_colours_are_those_of_the_page(client: CheckingClient) -> None:
    assert re.findall(r"--bg: (#\w{6})", CSS.read_text("utf-8")) == list(GROUNDS.values())
    usual = re.findall(r'name="theme-color" content="(#\w{6})" media="([^"]*)"', client.get("/help-now").text)
    assert usual == [(GROUNDS[look], f"(prefers-color-scheme: {look})") for look in ("light", "dark")]
    client.send("/look", {"next": "/help-now"})
    low = client.get("/help-now").text
    assert re.findall(r'name="theme-color" content="(#\w{6})"', low) == [GROUNDS["low"]]
    link = re.search(r'rel="manifest" href="([^"]+)"', low)
    assert link and urlsplit(link[1]).query == "look=low"
