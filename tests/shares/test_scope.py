"""Scope holds in the page: nothing outside it is there, or can be worked out."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask

from journal.accounts import service as accounts
from tests.cast import TODAY, Cast, log_checkin
from tests.client import CheckingClient
from tests.conftest import NOON
from tests.shares.stage import CANARIES, EARLY_CANARIES, NEVER, PASSCODE, Stage, make_stage

pytestmark = pytest.mark.long


@pytest.fixture
def stage(app: Flask, cast: Cast) -> Iterator[Stage]:
    yield make_stage(app, cast)


def allowed(stage: Stage, name: str) -> set[str]:
    """The canaries that a share may show."""
    given = stage.shares[name]
    told = {word for kind in given.scope.kinds for word in CANARIES[kind]}
    if given.scope.since is None:
        told |= {"early canary"} | ({"1288.4"} if given.scope.holds("infusions") else set())
        told |= {"Less hungry"} if given.scope.holds("side-effects") else set()
    return told


def every() -> set[str]:
    return {word for words in CANARIES.values() for word in words} | set(EARLY_CANARIES) | set(NEVER)


@pytest.mark.parametrize("name", ["everything", "scores", "dates"])
@pytest.mark.parametrize("days", ["14", "90", "all"])
def test_a_page_shows_what_its_share_holds(stage: Stage, name: str, days: str) -> None:
    page = stage.players[name].sign_in().get(f"/care/{stage.shares[name].id}?days={days}").text
    assert {word for word in every() - allowed(stage, name) if word in page} == set()
    if days == "all":
        shown = {word for word in allowed(stage, name) if word in page}
        assert shown == allowed(stage, name)


def test_a_link_shows_the_same(stage: Stage, client: CheckingClient) -> None:
    link = f"/shared/{stage.shares['link'].link}"
    assert "canary" not in client.get(link).text
    client.send(link, {"passcode": PASSCODE.upper().replace("-", " ")})
    page = client.get(f"{link}?days=all").text
    assert {word for word in allowed(stage, "link") if word in page} == allowed(stage, "link")


def article(page: str) -> str:
    found = re.search(r'<article class="summary".*</article>', page, re.S)
    assert found
    return found[0]


@pytest.mark.parametrize("name", ["everything", "scores", "dates", "link"])
def test_the_preview_is_the_page(stage: Stage, client: CheckingClient, name: str) -> None:
    """Byte for byte, apart from the frame around it."""
    given = stage.shares[name]
    if name == "link":
        client.send(f"/shared/{given.link}", {"passcode": PASSCODE})
        read = client.get(f"/shared/{given.link}")
    else:
        read = stage.players[name].sign_in().get(f"/care/{given.id}")
    preview = stage.cast.patient.sign_in().get(f"/sharing/{given.id}/preview")
    assert article(read.text) == article(preview.text)
    assert len(article(read.text)) > 3000


@pytest.mark.parametrize("days", ["14", "90", "all"])
def test_the_step_before_sharing_shows_the_days_that_the_reader_can_choose(stage: Stage, days: str) -> None:
    """Whatever days the reader can choose, the patient can look at before."""
    given = stage.shares["everything"]
    with stage.app.extensions["database"].writing() as session:
        accounts.settle(session, stage.cast.patient.account_id, verified_at=NOON)
        session.commit()
    read = stage.players["everything"].sign_in().get(f"/care/{given.id}?days={days}").text
    patient = stage.cast.patient.sign_in()
    wish = {"kinds": list(given.scope.kinds), "back": "all", "name": "Mara", "ends": "30", "days": days}
    before = patient.send(f"/sharing/{given.id}/edit", wish, expect=200).text
    assert article(before) == article(read)
    assert ("early canary note" in before) is (days != "14")
    assert f'value="{days}" aria-pressed="true"' in before


def test_what_is_computed_uses_only_what_is_held(stage: Stage) -> None:
    """Infusion 1 and the week before it are outside of the days: no benefit can be told from them."""
    page = stage.players["dates"].sign_in().get(f"/care/{stage.shares['dates'].id}?days=all").text
    assert "It takes the first infusion of the series in what is shared." in page
    whole = stage.players["everything"].sign_in().get(f"/care/{stage.shares['everything'].id}?days=all").text
    assert "It takes the first infusion" not in whole
    assert "8 on 23" in whole and "23 Sep" in whole  # the score of sixty days ago
    assert "8 on 23" not in page and "Sep" not in article(page)
    scores = stage.players["scores"].sign_in().get(f"/care/{stage.shares['scores'].id}").text
    assert "infusions are not in it" in scores and "<svg" in scores
    assert 'class="infusion"' not in article(scores).replace('<path class="infusion" d="M15 0v14"/>', "")


def test_a_flag_is_seen_by_who_holds_what_it_comes_from(stage: Stage) -> None:
    with stage.app.extensions["database"].writing() as session:
        viewer = stage.cast.patient.viewer
        log_checkin(session, viewer, TODAY, {"mood": 3}, side_effects={"dizziness": "severe"})
        session.commit()
    for name, sees in (("everything", True), ("dates", True), ("scores", False)):
        page = stage.players[name].sign_in().get(f"/care/{stage.shares[name].id}").text
        assert ("Logged “Dizzy or off balance” as severe." in page) is sees
        listed = stage.players[name].sign_in().get("/care").text
        assert ("Logged “Dizzy or off balance” as severe." in listed) is sees
