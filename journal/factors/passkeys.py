"""Passkeys (WebAuthn): what a browser is asked, and whether its answer is right. No database in here."""

import json
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import UUID

import webauthn
from webauthn.helpers import (
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.options_to_json_dict import options_to_json_dict
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

TIMEOUT_MS = 300_000
NAME = "Infusion Journal"
DEFAULT_PORTS = {"http": 80, "https": 443}


class WrongAnswer(Exception):
    """What came is not a browser's right answer to this challenge."""


@dataclass(frozen=True, slots=True)
class Site:
    """Which site passkeys are for: its host, and its origin as browsers write it."""

    host: str
    origin: str

    @classmethod
    def of(cls, base_url: str) -> Self:
        parts = urlsplit(base_url)
        host = parts.hostname or ""
        port = "" if parts.port in (None, DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
        return cls(host, f"{parts.scheme}://{host}{port}")


@dataclass(frozen=True, slots=True)
class NewKey:
    credential_id: bytes
    public_key: bytes
    sign_count: int


@dataclass(frozen=True, slots=True)
class Answer:
    """A browser's answer that nobody has checked yet: as it came, which key and which challenge it says it is about, and
    whose key the device says it is (only keys that a device finds by itself say so)."""

    text: str
    credential_id: bytes
    challenge: bytes
    owner: bytes | None = None


def read_answer(text: str, *, registering: bool) -> Answer:
    """Take apart what a browser sent. Raises WrongAnswer for anything else."""
    try:
        if registering:
            made = parse_registration_credential_json(text)
            told, key, owner = made.response.client_data_json, made.raw_id, None
        else:
            given = parse_authentication_credential_json(text)
            told, key, owner = given.response.client_data_json, given.raw_id, given.response.user_handle
        challenge = parse_client_data_json(told).challenge
    except (WebAuthnException, ValueError, TypeError, RecursionError):
        raise WrongAnswer from None
    return Answer(text, key, challenge, owner)


def ask_to_register(
    site: Site, account_id: UUID, email: str, challenge: bytes, known: list[bytes], *, signs_in_alone: bool
) -> dict[str, Any]:
    """What the browser's `PublicKeyCredential.parseCreationOptionsFromJSON` takes. A key that is to sign in alone has to
    be one that the device finds without being told whose; one that comes after the passphrase needn't."""
    options = webauthn.generate_registration_options(
        rp_id=site.host,
        rp_name=NAME,
        user_name=email,
        user_id=account_id.bytes,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED
            if signs_in_alone
            else ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in known],
    )
    return options_to_json_dict(options)


def ask_to_sign_in(site: Site, challenge: bytes, known: list[bytes]) -> dict[str, Any]:
    """What the browser's `PublicKeyCredential.parseRequestOptionsFromJSON` takes. With no known keys the device offers
    those that it finds by itself."""
    options = webauthn.generate_authentication_options(
        rp_id=site.host,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        allow_credentials=[PublicKeyCredentialDescriptor(id=one) for one in known],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def check_registration(site: Site, answer: Answer) -> NewKey:
    """The new key. The caller has used the challenge up. Raises WrongAnswer."""
    try:
        made = webauthn.verify_registration_response(
            credential=json.loads(answer.text),
            expected_challenge=answer.challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except Exception:  # a hostile attestation fails in many ways inside the library; each means the same
        raise WrongAnswer from None
    return NewKey(made.credential_id, made.credential_public_key, made.sign_count)


def check_sign_in(site: Site, answer: Answer, public_key: bytes) -> int:
    """The key's new sign count. The caller has used the challenge up, and compares the count. Raises WrongAnswer."""
    try:
        right = webauthn.verify_authentication_response(
            credential=json.loads(answer.text),
            expected_challenge=answer.challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception:  # likewise
        raise WrongAnswer from None
    return right.new_sign_count
