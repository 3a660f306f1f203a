"""The link in every mail: GET shows, POST pauses, with no cookie, no form of ours and no sign-in (RFC 8058)."""

from datetime import time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from journal.domain.days import instant_of
from journal.kit.db import Database, vault_of
from journal.kit.vault import Vault
from journal.reminders import queries, views
from journal.reminders.tasks import send_due
from tests.cast import TODAY, Cast
from tests.client import CheckingClient
from tests.conftest import NOON
from tests.reminders.people import Reminded, settle_in

EIGHT = instant_of(TODAY, time(20), ZoneInfo("America/Denver"))
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def two(app: Flask, cast: Cast, session: Session) -> tuple[Reminded, Reminded]:
    """Ida, who pauses; and Jon, who doesn't."""
    found = tuple(
        settle_in(session, f"{name}@example.org", "America/Denver", NOON) for name in ("ida", "jon")
    )
    for one in found:
        one.wish(session, NOON)
    session.commit()
    return found[0], found[1]


@pytest.fixture
def path(two: tuple[Reminded, Reminded], session: Session) -> str:
    return f"/unsubscribe/{queries.pause_token(session, two[0].account_id)}"


def is_paused(session: Session, who: Reminded) -> bool:
    return queries.get_reminders(session, who.viewer).is_paused


def test_looking_changes_nothing(
    two: tuple[Reminded, Reminded], path: str, client: CheckingClient, session: Session
) -> None:
    for _ in range(3):  # mail scanners follow links
        page = client.get(path).text
        client.raw("HEAD", path)
    assert "Pause all reminders?" in page and '<form method="post">' in page
    assert not is_paused(session, two[0])
    assert client.raw("PUT", path).status_code == 405


@pytest.mark.parametrize("sent", ["form", "multipart", "empty"])
def test_one_click_pauses_and_again_is_fine(
    two: tuple[Reminded, Reminded], path: str, app: Flask, session: Session, database: Database, sent: str
) -> None:
    body: dict[str, Any] = {
        "form": {"data": ONE_CLICK},
        "multipart": {"data": ONE_CLICK, "content_type": "multipart/form-data"},
        "empty": {},
    }[sent]
    for _ in range(2):
        answer = CheckingClient(app).raw("POST", path, **body)  # no cookie, no token
        assert answer.status_code == 200
        assert "Reminders are paused" in answer.text and 'href="/reminders"' in answer.text
    assert is_paused(session, two[0]) and not is_paused(session, two[1])
    assert send_due(database, EIGHT) == 1  # Jon's


def test_the_button_on_the_page_pauses(
    two: tuple[Reminded, Reminded], path: str, client: CheckingClient, session: Session
) -> None:
    assert "Reminders are paused" in client.send(path, expect=200, page=path).text
    assert is_paused(session, two[0])


def test_who_is_signed_in_does_not_matter(
    two: tuple[Reminded, Reminded], path: str, cast: Cast, session: Session
) -> None:
    browser = cast.other.sign_in()
    browser.send(path, expect=200, page=path)
    assert is_paused(session, two[0])
    assert "mara" not in browser.get(path).text and "ida" not in browser.get(path).text.split("</head>")[1]


@pytest.mark.parametrize("token", ["x", "a" * 43, "é", "x" * 900])
def test_a_link_that_is_nobodys(client: CheckingClient, token: str) -> None:
    page = client.get(f"/unsubscribe/{token}", expect=404).text
    assert "This link is not whole" in page
    assert client.raw("POST", f"/unsubscribe/{token}", data=ONE_CLICK).status_code == 404


def test_the_token_is_the_servers_alone(two: tuple[Reminded, Reminded], session: Session) -> None:
    """The same in each mail, another for each person, no use with another key, and not in the database."""
    ida, jon = (queries.pause_token(session, one.account_id) for one in two)
    assert ida == queries.pause_token(session, two[0].account_id) != jon
    assert len(ida) == 43
    kept = repr(session.execute(text("SELECT * FROM reminders")).all())
    assert ida not in kept and jon not in kept
    vault = vault_of(session)
    session.info["vault"] = Vault(bytes(32))
    assert queries.pause_token(session, two[0].account_id) != ida
    session.info["vault"] = vault


def test_pausing_is_the_only_thing_that_goes_without_a_form(app: Flask, cast: Cast) -> None:
    answer = cast.patient.sign_in().raw("POST", "/reminders/pause", data=ONE_CLICK)
    assert answer.status_code == 400


def test_the_first_that_knows_the_token_answers(
    two: tuple[Reminded, Reminded], path: str, client: CheckingClient, session: Session, monkeypatch: Any
) -> None:
    ended: list[str] = []
    other = views.Ending(
        lambda _session, token: token == "digest",
        lambda _session, token, _now: not ended.append(token),
        question="Stop the weekly mail?",
        about="It says so.",
        button="Stop it",
        ended="The weekly mail is stopped",
        again="An admin can turn it on.",
        path="/clinic",
        path_title="Open the clinic",
    )
    monkeypatch.setattr(views, "ENDINGS", (other, *views.ENDINGS))
    assert "Stop the weekly mail?" in client.get("/unsubscribe/digest").text
    assert ended == []
    assert "The weekly mail is stopped" in client.raw("POST", "/unsubscribe/digest").text
    assert ended == ["digest"]
    assert "Reminders are paused" in client.raw("POST", path).text
    assert ended == ["digest"] and is_paused(session, two[0])


def test_after_the_account_is_gone(
    two: tuple[Reminded, Reminded], path: str, client: CheckingClient, session: Session
) -> None:
    session.execute(text("DELETE FROM reminders"))
    session.commit()
    client.get(path, expect=404)
