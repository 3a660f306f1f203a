"""Every route is public by name or turns strangers away; every unsafe one wants POST and a CSRF token."""

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from journal.kit.web import is_public
from tests.cast import Cast
from tests.client import CheckingClient

PUBLIC = {
    "accounts.sign_up",
    "accounts.sign_in",
    "accounts.sign_out",
    "accounts.ask_link",
    "accounts.link_asked",
    "accounts.follow_link",
    "accounts.ask_reset",
    "accounts.reset_asked",
    "accounts.reset",
    "accounts.verify",
    "factors.second_step",
    "factors.recovery_code",
    "factors.ask_passkey",
    "factors.passkey",
    "factors.ask_one_touch",
    "factors.one_touch",
    "privacy.deleted",
    "pages.home",
    "safety.help_now",
    "pages.look",
    "pages.manifest",
    "pages.healthz",
    "invitations.answer",
    "links.page",
    "links.pdf",
    "links.csv",
    "links.fhir",
    "reminders.unsubscribe",
    "sync.sign_out",
    "sync.waiting",
    "sync.check_in",
    "sync.add_note",
    "sync.log_infusion",
    "sync.report",
    "sync.respond",
    "sync.leave",
    "sync.worker",
}
GUARDED_BY_ORIGIN = {"sync.take", "sync.sign_out"}
"""What a phone kept for days has no token that could still be good: tests/sync says what guards them."""
GUARDED_BY_TOKEN = {"reminders.unsubscribe"}
"""Mail programs post there with no form of ours. Named one by one: tests/reminders says what guards them."""
OWN: dict[str, int] = {
    # What a signed-in patient gets on a plain GET of each guarded route, about themselves.
    "accounts.account": 200,
    "accounts.sessions": 200,
    "accounts.address": 200,
    "accounts.passphrase": 200,
    "accounts.send_verify_again": 405,
    "accounts.end_session": 405,
    "accounts.end_other_sessions": 405,
    "factors.index": 200,
    "factors.prove": 200,
    "factors.app": 200,
    "factors.begin_app": 405,
    "factors.new_passkey": 200,
    "factors.ask_new_passkey": 405,
    "factors.keys": 200,
    "factors.new_key": 200,
    "factors.ask_new_key": 405,
    "factors.decline_key": 405,
    "factors.turn_on": 303,
    "factors.remove_app": 303,
    "factors.remove_passkey": 404,
    "factors.recovery_codes": 303,
    "app_lock.unlock": 303,
    "app_lock.ask_passkey": 405,
    "app_lock.passkey": 405,
    "app_lock.still_here": 405,
    "app_lock.index": 200,
    "app_lock.pin": 200,
    "app_lock.use_passkey": 405,
    "app_lock.turn_off": 200,
    "app_lock.lock_now": 405,
    "profiles.welcome": 303,
    "profiles.step": 200,
    "profiles.finish": 200,
    "profiles.setting": 200,
    "profiles.measures": 200,
    "checkins.today": 200,
    "checkins.record_today": 200,
    "checkins.day": 200,
    "checkins.log": 200,
    "checkins.record": 200,
    "checkins.record_note": 405,
    "checkins.index": 200,
    "checkins.edit": 404,
    "checkins.history": 404,
    "checkins.choose": 405,
    "checkins.delete": 404,
    "checkins.restore": 405,
    "infusions.index": 200,
    "infusions.new": 200,
    "infusions.plan": 200,
    "infusions.infusion": 404,
    "infusions.edit": 404,
    "infusions.history": 404,
    "infusions.choose": 405,
    "infusions.delete": 404,
    "infusions.restore": 405,
    "infusions.after": 404,
    "infusions.after_history": 404,
    "infusions.plan_history": 404,
    "safety.answer_safe": 405,
    "safety.see_help": 405,
    "safety.settle_again": 405,
    "safety.safety_plan": 200,
    "safety.card": 200,
    "safety.edit_plan": 200,
    "safety.plan_history": 404,
    "questionnaires.index": 200,
    "questionnaires.begin": 200,
    "questionnaires.question": 200,
    "questionnaires.end": 303,
    "questionnaires.settle": 405,
    "questionnaires.result": 404,
    "questionnaires.delete": 404,
    "questionnaires.restore": 405,
    "questionnaires.about": 200,
    "questionnaires.ask": 405,
    "questionnaires.choose_language": 404,
    "sync.take": 405,
    "sync.kit": 200,
    "trends.page": 200,
    "trends.data": 200,
    "sharing.index": 200,
    "sharing.new": 200,
    "sharing.share": 404,
    "sharing.preview": 404,
    "sharing.edit": 404,
    "sharing.end": 405,
    "sharing.invite_again": 405,
    "sharing.access_log": 200,
    "care.index": 200,
    "care.summary": 404,
    "care.pdf": 404,
    "care.csv": 404,
    "care.fhir": 404,
    "care.review": 405,
    "care.session": 405,
    "care.leave": 404,
    "clinic_flags.index": 404,
    "clinic_flags.flag": 404,
    "clinic_flags.acknowledge": 405,
    "clinic_flags.note": 405,
    "clinic_flags.close": 405,
    "clinic_flags.reopen": 405,
    "staff.home": 404,
    "staff.choose_clinic": 405,
    "staff.digest_mail": 405,
    "staff.send_again": 405,
    "staff.index": 404,
    "staff.invite": 404,
    "staff.member": 404,
    "staff.invite_again": 405,
    "staff.remove": 404,
    "staff.list_settings": 404,
    "staff.setting": 404,
    "staff.patients": 404,
    "staff.ask": 404,
    "staff.invitation": 404,
    "staff.ask_again": 405,
    "staff.card": 404,
    "staff.withdraw": 405,
    "push.key": 404,
    "push.add": 405,
    "push.remove": 405,
    "push.keep_quiet": 405,
    "reminders.index": 200,
    "reminders.pause": 405,
    "digests.index": 404,
    "digests.digest": 404,
    "privacy.export": 200,
    "privacy.bring_in": 200,
    "privacy.delete": 200,
}


def guarded(app: Flask) -> list[Any]:
    return [r for r in app.url_map.iter_rules() if not is_public(app.view_functions[r.endpoint])]


def path_of(rule: Any, entry: str, infusion: str) -> str:
    values = {
        "day": "2026-11-22",
        "week": "2026-W47",
        "step": "name",
        "setting": "name",
        "token": "x",
        "code": "phq-9",
        "place": "1",
        "response_id": entry,
        "session_id": str(uuid4()),
        "share_id": str(uuid4()),
        "key_id": str(uuid4()),
        "device_id": str(uuid4()),
        "flag_id": str(uuid4()),
        "mail_id": str(uuid4()),
        "staff_id": str(uuid4()),
        "invitation_id": str(uuid4()),
        "section": "contact",
        "part": "first",
        "language": "en",
    }
    values |= {"entry_id": entry, "infusion_id": infusion}
    return re.sub(r"<(?:[^:<>]*:)?(\w+)>", lambda found: values[found[1]], rule.rule)


def test_public_routes_are_those_listed(app: Flask) -> None:
    assert {r.endpoint for r in app.url_map.iter_rules()} - {r.endpoint for r in guarded(app)} == PUBLIC


def test_every_guarded_route_has_its_row(app: Flask) -> None:
    assert {r.endpoint for r in guarded(app)} == set(OWN)


def test_strangers_are_sent_to_sign_in(app: Flask, client: CheckingClient) -> None:
    for rule in guarded(app):
        path = path_of(rule, str(uuid4()), str(uuid4()))
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            app.config["WTF_CSRF_ENABLED"] = False
            answer = client.raw(method, path)
            app.config["WTF_CSRF_ENABLED"] = True
            assert answer.status_code in (303, 401), (method, path, answer.status_code)
            assert answer.status_code == 401 or answer.location.startswith("/sign-in")


def test_somebody_elses_things_are_not_there(app: Flask, cast: Cast) -> None:
    """Ines asks for Otis's check-in and infusion by their ids, on every route and method."""
    browser = cast.newcomer.sign_in()
    app.config["WTF_CSRF_ENABLED"] = False
    try:
        for rule in guarded(app):
            path = path_of(rule, str(cast.other_checkin), str(cast.other_infusion))
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                answer = browser.raw(method, path)
                assert "canary" not in answer.text, (method, path)
                assert answer.status_code < 500, (method, path)
                if "_id>" in rule.rule:
                    assert answer.status_code == 404, (method, path, answer.status_code)
    finally:
        app.config["WTF_CSRF_ENABLED"] = True


@pytest.mark.parametrize("role", ["patient"])
def test_route_by_role(app: Flask, cast: Cast, role: str) -> None:
    browser = getattr(cast, role).sign_in()
    for rule in guarded(app):
        answer = browser.raw("GET", path_of(rule, str(uuid4()), str(uuid4())))
        assert answer.status_code == OWN[rule.endpoint], (rule.rule, answer.status_code)


def test_nothing_changes_without_a_csrf_token(app: Flask, cast: Cast) -> None:
    browser = cast.patient.sign_in()
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}):
            assert method == "POST", rule.rule
            if rule.endpoint in GUARDED_BY_TOKEN:
                continue
            if rule.endpoint in GUARDED_BY_ORIGIN:
                assert browser.raw(method, rule.rule, data={"mood": "3"}).status_code == 403, rule.rule
                continue
            answer = browser.raw(method, path_of(rule, str(uuid4()), str(uuid4())), data={"mood": "3"})
            assert answer.status_code == 400, (rule.rule, answer.status_code)
            assert "You were signed out meanwhile" in answer.text


def test_error_pages_are_whole(client: CheckingClient) -> None:
    assert "nothing at this address" in client.get("/no/such/page", expect=404).text
    client.get("/check-ins/2026-13-45", expect=404)
    client.get("/check-ins/1066-10-14", expect=404)


def test_a_fault_says_nothing_of_what_was_written(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    browser = cast.patient.sign_in()
    browser.get("/today")
    hidden = browser.hidden("/check-ins/2026-11-22")

    def fail(*_: object, **__: object) -> None:
        raise ValueError("could not keep 'my secret words'")

    monkeypatch.setattr("journal.checkins.service.record", fail)
    answer = browser.raw("POST", "/check-ins/2026-11-22", data={**hidden, "note": "my secret words"})
    assert answer.status_code == 500
    logged = capsys.readouterr()
    assert "request failed" in logged.err
    assert "secret words" not in answer.text + logged.err + logged.out


def test_asking_for_the_head_alone_changes_nothing(app: Flask) -> None:
    """A HEAD request comes without a CSRF token, so it is never taken for a POST: mail scanners send them."""
    for path in (Path(__file__).parent.parent.parent / "journal").rglob("views.py"):
        assert 'request.method == "GET"' not in path.read_text("utf-8"), path
