"""Web push: a few encrypted bytes for one browser, handed to the push service that its maker runs (RFC 8030, 8291, 8292).

The address of a subscription is chosen by whoever subscribes, and is a secret: it is checked before each use, no redirect
is followed, the answer is read no further than its headers, and it is never logged.
"""

import ssl
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Literal

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from journal.kit.addresses import BadTarget, Target, look_up, read_target
from journal.kit.smtp import Watch
from journal.kit.vapid import KeyPair, as_text

STEP_S = 5.0
DEADLINE_S = 10.0
"""Own choice: for looking up, connecting, TLS, sending and the answer's headers, together with the name's own time-out."""
PROVEN_FOR = timedelta(hours=12)
"""How long our signature counts; push services take at most 24 hours."""
LONGEST_WAIT = timedelta(days=1)
TAKEN = frozenset({200, 201, 202, 204})
POINT_BYTES, AUTH_BYTES = 65, 16

Kind = Literal["taken", "gone", "refused", "later"]


class BadSubscription(Exception):
    """What a browser of no kind sends."""


@dataclass(frozen=True)
class Subscription:
    """Where a browser is reached, and the keys that only it can open. Its `repr` tells nothing."""

    endpoint: str = field(repr=False)
    public_key: bytes = field(repr=False)
    auth: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the push service made of it: taken for delivery, gone for good, refused, or to be tried later."""

    kind: Kind
    told: str
    retry_after: timedelta | None = None
    is_away: bool = False


@dataclass(frozen=True)
class Note:
    """What is sent: the same few words for everybody. `topic`: a later note takes the place of one that still waits."""

    text: str
    topic: str
    keep_for: timedelta


Post = Callable[[Subscription, Note, KeyPair, datetime], Answer]


def read_subscription(endpoint: str, public_key: str, auth: str, *, loopback: bool = False) -> Subscription:
    """What a browser sent, as text. Raises BadSubscription."""
    try:
        read_target(endpoint, loopback=loopback)
        point, secret = _bytes(public_key), _bytes(auth)
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except (BadTarget, ValueError):
        raise BadSubscription from None
    if len(point) != POINT_BYTES or len(secret) != AUTH_BYTES:
        raise BadSubscription
    return Subscription(endpoint, point, secret)


def _bytes(text: str) -> bytes:
    if len(text) > 2 * POINT_BYTES:
        raise ValueError
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def post_as(subject: str, *, loopback: bool = False) -> Post:
    """Something that sends notes in the name of `subject`, an address at which the operator can be reached. It raises
    nothing that a push service can cause."""
    context = ssl.create_default_context()

    def post(subscription: Subscription, note: Note, key: KeyPair, now: datetime) -> Answer:
        try:
            target = read_target(subscription.endpoint, loopback=loopback)
            numbers = look_up(target, loopback=loopback)
        except BadTarget:
            return Answer("refused", "not a public address")
        except OSError as error:
            return Answer("later", f"name not found ({type(error).__name__})", is_away=True)
        headers = {
            "TTL": str(max(0, int(note.keep_for.total_seconds()))),
            "Topic": note.topic,
            "Urgency": "normal",
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            **_signed(target, subject, key, now),
        }
        body = encrypt(note.text.encode(), subscription)
        try:
            with Watch(DEADLINE_S) as watch:
                answer = _send(target, numbers, context, watch, headers, body)
        except (OSError, HTTPException) as error:
            return Answer("later", f"not reached ({type(error).__name__})", is_away=True)
        return _meaning(answer, now)

    return post


def encrypt(text: bytes, subscription: Subscription) -> bytes:
    """The text for this browser alone (RFC 8291), with a key pair that is used once."""
    sealed: bytes = http_ece.encrypt(
        text,
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=subscription.public_key,
        auth_secret=subscription.auth,
        version="aes128gcm",
    )
    return sealed


def _signed(target: Target, subject: str, key: KeyPair, now: datetime) -> dict[str, str]:
    claims = {"aud": target.origin, "exp": int((now + PROVEN_FOR).timestamp()), "sub": subject}
    signed: dict[str, str] = Vapid02.from_raw(as_text(key.secret).encode()).sign(claims)
    return signed


class _Line(HTTPConnection):
    """To one of the numbers that were looked at, and to no other."""

    def __init__(
        self, target: Target, numbers: tuple[str, ...], context: ssl.SSLContext, watch: Watch
    ) -> None:
        super().__init__(target.host, target.port, timeout=STEP_S)
        self.default_port = 443 if target.scheme == "https" else 80  # so that "Host" names no usual port
        self._target, self._numbers, self._tls, self._watch = target, numbers, context, watch

    def connect(self) -> None:
        for left, number in zip(range(len(self._numbers) - 1, -1, -1), self._numbers, strict=True):
            try:
                line = self._watch.connect(number, self._target.port, STEP_S)
                break
            except OSError:
                if not left:
                    raise
        if self._target.scheme != "https":
            self.sock = line
            return
        try:
            self.sock = self._tls.wrap_socket(line, server_hostname=self._target.host)
        except BaseException:
            line.close()
            raise


def _send(
    target: Target,
    numbers: tuple[str, ...],
    context: ssl.SSLContext,
    watch: Watch,
    headers: dict[str, str],
    body: bytes,
) -> HTTPResponse:
    """The answer's first line and headers, which are bounded; its body is left where it is."""
    line = _Line(target, numbers, context, watch)
    try:
        line.request("POST", target.path, body, headers)
        answer = line.getresponse()
        answer.close()
        return answer
    finally:
        line.close()


def _meaning(answer: HTTPResponse, now: datetime) -> Answer:
    told = f"said {answer.status}"
    if answer.status in TAKEN:
        return Answer("taken", told)
    if answer.status in (404, 410):
        return Answer("gone", told)
    if answer.status == 429 or 500 <= answer.status < 600:
        return Answer("later", told, _wait(answer.headers.get("Retry-After", ""), now))
    return Answer("refused", told)  # a redirect too: it could lead anywhere


def _wait(text: str, now: datetime) -> timedelta | None:
    """How long to wait: seconds, or a date. None where it says nothing that can be read."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return min(max(at - now, timedelta(0)), LONGEST_WAIT)
