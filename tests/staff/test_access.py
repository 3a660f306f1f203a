"""Who comes to what of a clinic's: each route under /clinic, and each page that opens by the share a clinic follows by,
asked by everybody, with this clinic's ids, the other's, and those of a patient who withdrew.

What isn't named here as open is 404, and nothing of the other clinic's is ever shown.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import select

from journal.accounts import service as accounts
from journal.clinic_flags.models import ClinicFlag
from journal.clinics import service
from journal.clinics.service import NewPatient
from journal.digests.tasks import make
from journal.domain.weeks import Week
from journal.shares import service as shares
from tests.cast import Cast
from tests.client import CheckingClient
from tests.clinic_flags.told import deliver, follow, say_unsafe
from tests.clinics.stage import HARBOR, OTHER, ClinicStage, make_clinics
from tests.conftest import NOON, RolledBack
from tests.shares.stage import Reader
from tests.shares.test_access_table import text_of

DESK = {"clinician", "front-desk"}
READS = {"clinician"}
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
    "clinic_flags.index": ({"GET": 200}, READS),
    "clinic_flags.flag": ({"GET": 200}, READS),
    "clinic_flags.acknowledge": ({"POST": 303}, READS),
    "clinic_flags.note": ({"POST": 422}, READS),  # an empty one
    "clinic_flags.close": ({"POST": 303}, READS),  # without saying as told when
    "clinic_flags.reopen": ({"POST": 303}, READS),
    "digests.index": ({"GET": 200}, {"admin", "clinician", "front-desk"}),
    "digests.digest": ({"GET": 200}, {"admin", "clinician", "front-desk"}),
    "care.summary": ({"GET": 200}, READS),
    "care.pdf": ({"GET": 200}, READS),
    "care.csv": ({"GET": 200}, READS),
    "care.fhir": ({"GET": 200}, READS),
    "care.review": ({"POST": 303}, READS),
    "care.session": ({"POST": 303}, READS),
    "care.leave": ({"GET": 404, "POST": 404}, set()),  # a clinic's share is the clinic's, not one reader's
}
SHOWS_NAMES = {
    "staff.patients",
    "clinic_flags.index",
    "clinic_flags.flag",
    "clinic_flags.note",
    "clinic_flags.close",
    "digests.digest",
    "care.summary",
    "care.pdf",
    "care.csv",
    "care.fhir",
}
"""Where a patient's own words or name may stand."""
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
    "Ines canary",
    "Otis canary",
    "clinician@clinic",
    "other-clinician@clinic",
    HARBOR,
    OTHER,
)


WEEK, LEFT = Week.parse("2026-W47"), "who left"
SHARES: dict[str, UUID] = {}
"""Whom each clinic follows; and a share by which the first clinic followed somebody who withdrew."""
FLAGS: dict[UUID, UUID] = {}
IDS = (HARBOR, OTHER, LEFT)


@pytest.fixture
def stage(app: Flask, cast: Cast) -> Iterator[ClinicStage]:
    app.config["WTF_CSRF_ENABLED"] = False  # a token is one more lock; here it is about the others
    made = make_clinics(app)
    with app.extensions["database"].writing() as session:
        for player in (cast.patient, cast.other, cast.newcomer):
            accounts.settle(session, player.account_id, verified_at=NOON)
        SHARES.update(
            {
                HARBOR: follow(session, cast.patient.viewer, made.ids[HARBOR], name="Mara canary"),
                OTHER: follow(session, cast.newcomer.viewer, made.ids[OTHER], name="Ines canary"),
                LEFT: follow(session, cast.other.viewer, made.ids[HARBOR], name="Otis canary"),
            }
        )
        session.commit()
    for player in (cast.patient, cast.other, cast.newcomer):
        say_unsafe(player.sign_in())
    with app.extensions["database"].writing() as session:
        deliver(session)
        FLAGS.update({flag.share_id: flag.id for flag in session.execute(select(ClinicFlag)).scalars()})
        session.commit()
    for clinic_id in made.ids.values():
        make(app.extensions["database"], clinic_id, WEEK, NOON + timedelta(days=1))
    with app.extensions["database"].writing() as session:
        shares.end(session, cast.other.viewer, SHARES[LEFT], NOON)
        session.commit()
    yield made
    app.config["WTF_CSRF_ENABLED"] = True


def browser_of(stage: ClinicStage, cast: Cast, actor: str) -> CheckingClient:
    if actor == "nobody":
        return CheckingClient(stage.app)
    return cast.patient.sign_in() if actor == "mara" else stage.players[actor].sign_in()


def path_of(stage: ClinicStage, rule: Any, clinic: str) -> str:
    values = {
        "staff_id": stage.staff["other-clinician" if clinic == OTHER else "clinician"],
        "invitation_id": stage.asked[HARBOR if clinic == LEFT else clinic],
        "mail_id": uuid4(),
        "section": "contact",
        "share_id": SHARES[clinic],
        "flag_id": FLAGS[SHARES[clinic]],
        "week": WEEK.label,
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
        told |= {"Ana canary"}
    else:
        told |= {"Bea canary"}
    if endpoint in SHOWS_NAMES and (actor in READS | {"other-clinician"} or endpoint == "staff.patients"):
        told |= {"Mara canary"} if mine == HARBOR else {"Ines canary"}
    return told


@pytest.mark.parametrize("actor", ACTORS)
def test_the_access_table(stage: ClinicStage, cast: Cast, database: RolledBack, actor: str) -> None:
    browser = browser_of(stage, cast, actor)
    rules = [
        r
        for r in stage.app.url_map.iter_rules()
        if r.rule.startswith("/clinic") or (r.rule.startswith("/care/") and "<" in r.rule)
    ]
    assert {r.endpoint for r in rules} == set(OPEN), "a route of a clinic's needs its row"
    mine = OTHER if actor.startswith("other") else HARBOR
    role = {"other-admin": {"admin"}, "other-clinician": DESK}.get(actor, {actor})
    for rule in rules:
        answers, roles = OPEN[rule.endpoint]
        for clinic in (
            IDS
            if "share_id>" in rule.rule or "flag_id>" in rule.rule
            else (HARBOR, OTHER)
            if "_id>" in rule.rule
            else (mine,)
        ):
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
                    turned_away = answer.status_code == 303 and "/sign-in" in (answer.location or "")
                    assert turned_away or answer.status_code == 401, where  # 401 for a JSON file
                    continue
                opens = answers[method] if role & roles and clinic == mine else 404
                assert answer.status_code == opens, where
                found = {word for word in CANARIES if word in text_of(answer)}
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
