"""What rooms ask whose pages show other people's journals; and a passkey, for whoever is signed in already."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import current_app
from werkzeug.wrappers import Response

from journal.factors import passkeys, queries, service
from journal.kit.web import find_person, here_again, lead, unit


def second_step_first() -> Response | None:
    """Lead to setting up a second step whoever has passed none; None for everybody else. For a blueprint's
    `before_request`; strangers were sent to sign in before it. Where an account has a factor, no session opens without
    it, so whoever lacks the step has nothing set up yet."""
    who = find_person()
    return None if who is None or who.has_second_step else lead("factors.index", next=here_again())


def _site() -> passkeys.Site:
    return passkeys.Site.of(current_app.extensions["settings"].base_url)


def ask_for_passkey(account_id: UUID, bucket: bytes, now: datetime) -> dict[str, Any] | None:
    """What this account's browsers are asked; None when they were asked too often. The caller commits."""
    if not service.count_challenge(unit(), bucket, now):
        return None
    challenge = service.make_challenge(unit(), account_id, "sign-in", now)
    return passkeys.ask_to_sign_in(_site(), challenge, queries.list_credentials(unit(), account_id))


def is_own_passkey(account_id: UUID, answer: str, now: datetime) -> bool:
    """Whether one of the account's passkeys signed what was asked. The challenge is used up; the caller commits."""
    try:
        told = passkeys.read_answer(answer, registering=False)
        return service.use_passkey(unit(), account_id, told, _site(), now)
    except passkeys.WrongAnswer:
        return False
