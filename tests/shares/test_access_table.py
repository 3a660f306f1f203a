"""The access table: every route and method, asked by everybody who might, with Mara's ids and with Otis's.

What isn't named here as open is 404, a sign-in, or the asker's own page; and nothing of somebody else's is in it.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from pypdf import PdfReader
from werkzeug.test import TestResponse

from journal.kit.web import is_public
from tests.cast import Cast
from tests.client import CheckingClient
from tests.conftest import RolledBack
from tests.shares.stage import CANARIES, EARLY_CANARIES, NEVER, PASSCODE, Stage, make_stage

ACTORS = (
    "nobody",
    "mara",
    "otis",
    "everything",
    "scores",
    "dates",
    "expired",
    "ended",
    "never",
    "valid link",
    "ended link",
    "wrong passcode",
)
READERS = {"everything", "scores", "dates"}
BY_SHARE = {  # what a reader may do with the own share, while it is open
    "care.summary": {"GET": 200},
    "care.pdf": {"GET": 200},
    "care.csv": {"GET": 200},
    "care.fhir": {"GET": 200},
    "care.review": {"POST": 303},
    "care.session": {"POST": 303},
    "care.leave": {"GET": 200, "POST": 303},
}
BY_LINK = {
    "links.page": {"GET": 200, "POST": 303},
    "links.pdf": {"GET": 200},
    "links.csv": {"GET": 200},
    "links.fhir": {"GET": 200},
}
BY_PATIENT = {"sharing.share", "sharing.preview", "sharing.edit", "sharing.end", "sharing.invite_again"}
"""The patient's own doors with the id of a share."""
SHARE_IDS = {*BY_SHARE, *BY_PATIENT}
ASKED = {  # what a POST needs to get as far as it may
    "links.page": {"passcode": PASSCODE},
    "care.session": {"session_on": "2026-11-20"},
}
OTIS = ("otis canary",)


@pytest.fixture
def stage(app: Flask, cast: Cast) -> Iterator[Stage]:
    app.config["WTF_CSRF_ENABLED"] = False  # a token is one more lock; here it is about the others
    yield make_stage(app, cast)
    app.config["WTF_CSRF_ENABLED"] = True


def browser_of(stage: Stage, actor: str) -> CheckingClient:
    if actor == "mara":
        return stage.cast.patient.sign_in()
    if actor == "otis":
        return stage.cast.other.sign_in()
    if actor in stage.players:
        return stage.players[actor].sign_in()
    browser = CheckingClient(stage.app)
    if actor == "valid link":
        link = f"/shared/{stage.shares['link'].link}"
        assert browser.raw("POST", link, data={"passcode": PASSCODE}).status_code == 303
    if actor == "wrong passcode":
        link = f"/shared/{stage.shares['link'].link}"
        assert browser.raw("POST", link, data={"passcode": "wrong"}).status_code == 422
    return browser


def path_of(stage: Stage, rule: Any, share: str, whose: str) -> str:
    """The rule's address with somebody's ids."""
    mine = whose == "mara"
    checkin = stage.ids["checkin"] if mine else stage.cast.other_checkin
    values: dict[str, object] = {
        "day": "2026-11-22",
        "step": "name",
        "setting": "name",
        "token": stage.shares[share].link or "none",
        "code": "phq-9",
        "place": "1",
        "response_id": stage.ids["response"] if mine else uuid4(),
        "session_id": uuid4(),
        "key_id": uuid4(),
        "flag_id": uuid4(),
        "week": "2026-W47",
        "mail_id": uuid4(),
        "staff_id": uuid4(),
        "invitation_id": uuid4(),
        "section": "contact",
        "part": "first",
        "language": "en",
        "device_id": uuid4(),
        "share_id": stage.shares[share].id,
        "entry_id": checkin,
        "infusion_id": stage.ids["infusion"] if mine else stage.cast.other_infusion,
    }
    return re.sub(r"<(?:[^:<>]*:)?(\w+)>", lambda found: str(values[found[1]]), rule.rule)


def text_of(answer: TestResponse) -> str:
    """Everything in an answer that can be read: head, body, and what a PDF says."""
    heads = "\n".join(f"{name}: {value}" for name, value in answer.headers)
    if answer.mimetype == "application/pdf":
        return heads + "\n".join(page.extract_text() for page in PdfReader(BytesIO(answer.data)).pages)
    return heads + answer.text


def may_show(stage: Stage, actor: str, endpoint: str, share: str) -> set[str]:
    """The canaries that may be in this actor's answer."""
    if actor == "mara":
        return every() - set(OTIS)
    if actor == "otis":
        return set(OTIS)
    own = "link" if actor == "valid link" else actor
    opened = endpoint in BY_SHARE or endpoint in BY_LINK or endpoint == "care.index"
    given = stage.shares.get(own)
    if given is None or not given.is_open or not opened or (share != own and endpoint != "care.index"):
        return set()
    told = {word for kind in given.scope.kinds for word in CANARIES[kind]}
    if given.scope.since is None:
        told |= {"early canary"} | ({"1288.4", "Less hungry"} if given.scope.holds("infusions") else set())
    return told


def every() -> set[str]:
    # The questionnaire's name alone stands on everybody's own pages.
    named = {word for words in CANARIES.values() for word in words} - {"PHQ-9", "Itching or rash"}
    return named | set(EARLY_CANARIES) - {"Less hungry"} | set(NEVER[:1]) | set(OTIS)


def expected(stage: Stage, actor: str, endpoint: str, method: str, share: str) -> int | None:
    """The code that opens, or None where it must stay closed."""
    given = stage.shares[share]
    if endpoint in BY_SHARE:
        mine = actor == share or (share == "otis" and actor == "everything")
        return BY_SHARE[endpoint].get(method) if mine and given.is_open and actor in READERS else None
    if endpoint in BY_LINK:
        if not given.link or not given.is_open:
            return None
        if endpoint == "links.page":
            return BY_LINK[endpoint].get(method)  # anybody may stand before the passcode
        return BY_LINK[endpoint].get(method) if actor == "valid link" else None
    return None


@pytest.mark.long
@pytest.mark.parametrize("actor", ACTORS)
def test_the_access_table(stage: Stage, database: RolledBack, actor: str) -> None:
    browser = browser_of(stage, actor)
    rules = [r for r in stage.app.url_map.iter_rules() if r.endpoint != "static"]
    tabled = {r.endpoint for r in rules if "share_id" in r.arguments}
    assert tabled == SHARE_IDS, "a route with a share's id needs its row"
    assert {r.endpoint for r in rules if r.rule.startswith("/shared/")} == set(BY_LINK)
    asked = 0
    for rule in rules:
        wants_share = "share_id" in rule.arguments or rule.endpoint in BY_LINK
        for share in stage.shares if wants_share else ("everything",):
            for whose in ("mara", "otis"):
                if wants_share and whose == "otis":
                    continue  # a share's id says whose it is
                for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                    asked += 1
                    _ask(stage, database, browser, actor, rule, method, share, whose)
    assert asked > 150


def _ask(
    stage: Stage,
    database: RolledBack,
    browser: CheckingClient,
    actor: str,
    rule: Any,
    method: str,
    share: str,
    whose: str,
) -> None:
    path, endpoint = path_of(stage, rule, share, whose), rule.endpoint
    keep = database.connection.begin_nested()  # what a POST does is undone, so that the next one finds it all
    shared = f"journal-shared-{stage.shares['link'].id.hex[:12]}"
    cookies = {name: browser.cookie(name) for name in ("journal", shared)}
    try:
        answer = browser.raw(method, path, data=ASKED.get(endpoint, {}) if method == "POST" else None)
    finally:
        keep.rollback()
        for name, value in cookies.items():
            if value is not None:
                browser.set_cookie(name, value, path="/shared" if name == shared else "/")
    where = (actor, method, path, answer.status_code, answer.location)
    assert answer.status_code < 500 or rule.endpoint == "pages.healthz", where
    found = {word for word in every() if word in text_of(answer)}
    assert found <= may_show(stage, actor, endpoint, share), (where, found)
    opens = expected(stage, actor, endpoint, method, share)
    asks_passcode = (
        answer.status_code == 303
        and endpoint in BY_LINK
        and (answer.location or "") == path.partition(".")[0]
    )
    is_sign_in = (
        asks_passcode
        or (answer.status_code == 303 and "/sign-in" in (answer.location or ""))
        or answer.status_code == 401
    )
    if opens is not None:
        assert answer.status_code == opens, where
        return
    if endpoint in BY_SHARE or endpoint in BY_LINK:
        assert answer.status_code in (404, 405) or is_sign_in or _asks_passcode(answer), where
        return
    if endpoint in BY_PATIENT:
        owner = "otis" if share == "otis" else "mara"
        assert actor == owner or answer.status_code in (404, 405) or is_sign_in, where
        return
    if is_public(stage.app.view_functions[endpoint]):
        return
    if actor in ("nobody", "valid link", "ended link", "wrong passcode"):
        assert is_sign_in, where
    elif re.search(r"<uuid:(entry|infusion|response)_id>", rule.rule) and actor != whose:
        assert answer.status_code in (404, 405), where


def _asks_passcode(answer: TestResponse) -> bool:
    return answer.status_code == 200 and "Enter the passcode" in answer.text


def test_the_table_would_notice(stage: Stage) -> None:
    """The canaries are there to be seen: Mara's own pages show them, and her reader's."""
    mara = stage.cast.patient.sign_in()
    told = mara.get("/check-ins/2026-11-21").text + mara.get("/check-ins/2026-11-22").text
    assert "note canary" in told and "daily canary" in told
    page = stage.players["everything"].sign_in().get(f"/care/{stage.shares['everything'].id}?days=all").text
    assert may_show(stage, "everything", "care.summary", "everything") - {"PHQ-9"} <= {
        word for word in {*every(), "Less hungry", "Itching or rash"} if word in page
    }
