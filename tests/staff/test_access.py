"""Who comes to what under /clinic: each route and method, asked by everybody, with this clinic's ids and the other's.

What isn't named here as open is 404, and nothing of the other clinic's is ever shown.
"""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from journal.accounts import service as accounts
from journal.clinics import service
from journal.clinics.service import NewPatient
from tests.cast import Cast
from tests.client import CheckingClient
from tests.clinics.stage import HARBOR, OTHER, ClinicStage, follow, make_clinics
from tests.conftest import NOON, RolledBack
from tests.shares.stage import Reader

DESK = {"clinician", "front-desk"}
OPEN: dict[str, tuple[dict[str, int], set[str]]] = {
    # endpoint: what each method answers, to whom; "mine": to whom belongs the id in the address
    "staff.home": ({"GET": 200}, {"admin", "clinician", "front-desk"}),
    "staff.choose_clinic": ({"POST": 404}, set()),  # of a clinic where one isn't staff
    "staff.digest_mail": ({"POST": 303}, {"admin", "clinician"}),
    "staff.send_again": ({"POST": 404}, set()),  # there is no such mail
    "staff.index": ({"GET": 200}, {"admin"}),
    "staff.invite": ({"GET": 200, "POST": 422}, {"admin"}),
    "staff.member": ({"GET": 200, "POST": 422}, {"admin"}),
    "staff.invite_again": ({"POST": 404}, set()),  # they joined already
    "staff.remove": ({"GET": 200, "POST": 303}, {"admin"}),
    "staff.list_settings": ({"GET": 200}, {"admin"}),
    "staff.setting": ({"GET": 200, "POST": 303}, {"admin"}),
    "staff.patients": ({"GET": 200}, DESK),
    "staff.ask": ({"GET": 200, "POST": 200}, DESK),
    "staff.invitation": ({"GET": 200}, DESK),
    "staff.ask_again": ({"POST": 303}, DESK),
    "staff.card": ({"GET": 404, "POST": 404}, set()),  # this one was asked by mail
    "staff.withdraw": ({"POST": 303}, DESK),
}
ACTORS = (
    "nobody",
    "mara",
    "admin",
    "clinician",
    "front-desk",
    "removed",
    "other-admin",
    "other-clinician",
    "never",
)
CANARIES = (
    "Ana canary",
    "Bea canary",
    "Mara canary",
    "clinician@clinic",
    "other-clinician@clinic",
    HARBOR,
    OTHER,
)


@pytest.fixture
def stage(app: Flask, cast: Cast) -> Iterator[ClinicStage]:
    app.config["WTF_CSRF_ENABLED"] = False  # a token is one more lock; here it is about the others
    made = make_clinics(app)
    with app.extensions["database"].writing() as session:
        accounts.settle(session, cast.patient.account_id, verified_at=NOON)
        follow(session, made.ids[HARBOR], cast.patient.viewer, "Mara canary")
        session.commit()
    yield made
    app.config["WTF_CSRF_ENABLED"] = True


def browser_of(stage: ClinicStage, cast: Cast, actor: str) -> CheckingClient:
    if actor == "nobody":
        return CheckingClient(stage.app)
    return cast.patient.sign_in() if actor == "mara" else stage.players[actor].sign_in()


def path_of(stage: ClinicStage, rule: Any, clinic: str) -> str:
    values = {
        "staff_id": stage.staff["clinician" if clinic == HARBOR else "other-clinician"],
        "invitation_id": stage.asked[clinic],
        "mail_id": uuid4(),
        "section": "contact",
    }
    return re.sub(r"<(?:[^:<>]*:)?(\w+)>", lambda found: str(values[found[1]]), rule.rule)


def may_show(actor: str, endpoint: str) -> set[str]:
    """The canaries that may be in the answer."""
    if actor in ("nobody", "mara", "removed", "never"):
        return set()
    mine = OTHER if actor.startswith("other") else HARBOR
    told = {mine}
    roles = {"admin"} if actor.endswith("admin") else {"clinician", "front-desk"}
    if "admin" in roles:
        told |= {"other-clinician@clinic", "clinician@clinic"} if mine == OTHER else {"clinician@clinic"}
    elif mine == HARBOR:
        told |= {"Ana canary"} | ({"Mara canary"} if endpoint == "staff.patients" else set())
    else:
        told |= {"Bea canary"}
    return told


@pytest.mark.parametrize("actor", ACTORS)
def test_the_access_table(stage: ClinicStage, cast: Cast, database: RolledBack, actor: str) -> None:
    browser = browser_of(stage, cast, actor)
    rules = [r for r in stage.app.url_map.iter_rules() if r.endpoint.startswith("staff.")]
    assert {r.endpoint for r in rules} == set(OPEN), "a route of the desk needs its row"
    mine = OTHER if actor.startswith("other") else HARBOR
    role = {"other-admin": {"admin"}, "other-clinician": DESK}.get(actor, {actor})
    for rule in rules:
        answers, roles = OPEN[rule.endpoint]
        for clinic in (HARBOR, OTHER) if "_id>" in rule.rule else (mine,):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                path = path_of(stage, rule, clinic)
                keep = database.connection.begin_nested()
                cookie = browser.cookie("journal")
                answer = browser.raw(method, path)
                keep.rollback()
                if cookie:
                    browser.set_cookie("journal", cookie)
                where = (actor, method, path, answer.status_code, answer.location)
                if actor == "nobody":
                    assert answer.status_code == 303 and "/sign-in" in (answer.location or ""), where
                    continue
                opens = answers[method] if role & roles and clinic == mine else 404
                assert answer.status_code == opens, where
                found = {word for word in CANARIES if word in answer.text}
                assert found <= may_show(actor, rule.endpoint), (where, found)


def test_without_a_second_step_no_door_opens(stage: ClinicStage) -> None:
    who = stage.players["clinician"]
    with stage.app.extensions["database"].writing() as session:
        accounts.settle(session, who.account_id, second_step_since=None)
        session.commit()
    browser = super(Reader, who).sign_in()
    for path in ("/clinic", "/clinic/patients"):
        answer = browser.raw("GET", path)
        assert answer.status_code == 303
        assert (answer.location or "").startswith("/account/second-step?next=/clinic")


def test_removed_while_the_page_is_open(stage: ClinicStage) -> None:
    browser = stage.players["clinician"].sign_in()
    browser.get("/clinic/patients")
    with stage.app.extensions["database"].writing() as session:
        service.remove_staff(
            session, stage.ids[HARBOR], stage.staff["clinician"], NOON, stage.players["admin"].account_id
        )
        session.commit()
    for path in ("/clinic", "/clinic/patients", "/clinic/patients/invite?way=code"):
        browser.get(path, expect=404)
    answer = browser.raw("POST", "/clinic/patients/invite?way=code", data={"name": "Cleo"})
    assert answer.status_code == 404
    assert browser.get("/account").text.count("/clinic") == 0


def test_a_clinician_opens_the_pages_and_nobody_else(stage: ClinicStage) -> None:
    page = stage.players["clinician"].sign_in().get("/clinic/patients").text
    found = re.search(r'href="(/care/[0-9a-f-]{36})"', page)
    assert found
    assert "/care/" not in stage.players["front-desk"].sign_in().get("/clinic/patients").text
    assert "Mara canary" in stage.players["clinician"].sign_in().get(found[1]).text
    for actor in ("admin", "front-desk", "removed", "other-clinician", "other-admin", "never"):
        assert stage.players[actor].sign_in().raw("GET", found[1]).status_code == 404, actor


def test_a_name_that_is_a_trap_stays_text(stage: ClinicStage) -> None:
    """Kept as typed, shown escaped, and in no mail."""
    name = "=?UTF-8?Q?=0A?=Bcc: <b>all</b>"
    with stage.app.extensions["database"].writing() as session:
        service.ask_patient(
            session,
            stage.ids[HARBOR],
            uuid4(),
            NewPatient("mail", name, "cleo@example.org"),
            NOON,
            stage.staff["front-desk"],
            stage.players["front-desk"].account_id,
        )
        session.commit()
    page = stage.players["front-desk"].sign_in().get("/clinic/patients").text
    assert "=?UTF-8?Q?=0A?=Bcc: &lt;b&gt;all&lt;/b&gt;" in page
