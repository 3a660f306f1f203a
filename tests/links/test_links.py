"""A link from the reader's side: opened by a POST of its passcode, ten wrong ones at most, gone when it ends."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from journal.audit.queries import get_access_log
from journal.shares import service
from journal.summaries.queries import get_summary
from tests.cast import Cast
from tests.client import CheckingClient
from tests.conftest import NOON
from tests.shares.stage import PASSCODE, Stage, make_stage


@pytest.fixture
def stage(app: Flask, cast: Cast) -> Iterator[Stage]:
    yield make_stage(app, cast)


def reads(stage: Stage) -> list[str]:
    with stage.app.extensions["database"].reading() as session:
        log = get_access_log(session, stage.cast.patient.viewer)
    assert log.is_whole
    return [f"{one.way} {one.shape}" for one in reversed(log.rows)]


def test_looking_at_the_link_opens_nothing(stage: Stage, client: CheckingClient) -> None:
    """As mail scanners and link previews do."""
    link = f"/shared/{stage.shares['link'].link}"
    for method in ("GET", "HEAD"):
        answer = client.raw(method, link)
        assert answer.status_code == 200
        assert "canary" not in answer.text and "Mara" not in answer.text
    assert reads(stage) == []


def test_the_right_passcode_opens_it(stage: Stage, client: CheckingClient) -> None:
    link = f"/shared/{stage.shares['link'].link}"
    answer = client.send(link, {"passcode": f" {PASSCODE.upper()} "})
    assert answer.location == link
    page = client.follow(answer).text
    assert "note canary" in page and "<h1>Mara</h1>" in page
    assert reads(stage) == ["link page"]
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/shared" in cookie


def test_wrong_passcodes(stage: Stage, client: CheckingClient) -> None:
    link = f"/shared/{stage.shares['link'].link}"
    for left in range(9, 0, -1):
        answer = client.send(link, {"passcode": "k7mp-w3xy"}, expect=422, page=link)
        assert f"{left} {'try' if left == 1 else 'tries'} left." in answer.text
        assert "canary" not in answer.text
    assert "locked" in client.send(link, {"passcode": ""}, expect=404, page=link).text
    assert "locked" in client.send(link, {"passcode": PASSCODE}, expect=404, page="/help-now").text
    assert reads(stage) == []
    told = stage.cast.patient.sign_in().get("/sharing").text
    assert "Locked after ten wrong passcodes" in told


@pytest.mark.parametrize("name", ["ended_link", "none"])
def test_no_link_and_an_ended_one_say_the_same(stage: Stage, client: CheckingClient, name: str) -> None:
    token = stage.shares[name].link if name in stage.shares else "no-such-link"
    page = client.get(f"/shared/{token}", expect=404).text
    assert "This link is not open" in page and "Mara" not in page
    assert page == client.get("/shared/another", expect=404).text.replace(
        "/shared/another", f"/shared/{token}"
    )


def test_it_ends_for_a_page_that_is_open(stage: Stage, client: CheckingClient) -> None:
    given = stage.shares["link"]
    link = f"/shared/{given.link}"
    client.send(link, {"passcode": PASSCODE})
    client.get(link)
    with stage.app.extensions["database"].writing() as session:
        service.end(session, stage.cast.patient.viewer, given.id, NOON)
        session.commit()
    assert "canary" not in client.get(link, expect=404).text


def test_it_closes_after_half_an_hour_without_use(stage: Stage, client: CheckingClient, clock: Any) -> None:
    link = f"/shared/{stage.shares['link'].link}"
    client.send(link, {"passcode": PASSCODE})
    clock.shift(timedelta(minutes=29))
    assert "canary" in client.get(link).text
    clock.shift(timedelta(minutes=31))
    assert "Enter the passcode" in client.get(link).text


def test_another_browser_has_to_type_it_too(stage: Stage, client: CheckingClient) -> None:
    link = f"/shared/{stage.shares['link'].link}"
    client.send(link, {"passcode": PASSCODE})
    assert "Enter the passcode" in CheckingClient(stage.app).get(link).text
    assert "Enter the passcode" in stage.players["everything"].sign_in().get(link).text


def test_an_end_while_the_page_is_made(
    stage: Stage, client: CheckingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end is acknowledged after the read was let in, and before its answer is sent."""
    given = stage.shares["link"]
    link = f"/shared/{given.link}"
    client.send(link, {"passcode": PASSCODE})

    def end_meanwhile(*args: Any, **values: Any) -> Any:
        with stage.app.extensions["database"].writing() as session:
            service.end(session, stage.cast.patient.viewer, given.id, NOON)
            session.commit()
        return get_summary(*args, **values)

    monkeypatch.setattr("journal.links.views.get_summary", end_meanwhile)
    assert "canary" not in client.get(link, expect=404).text
