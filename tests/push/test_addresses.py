"""Where a subscription may lead: to the open internet over https, never into the network that the server stands in."""

import socket
import ssl
import threading
from base64 import urlsafe_b64encode
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from journal.kit import addresses, webpush
from journal.kit.addresses import BadTarget, Target, look_up, read_target
from journal.kit.vapid import KeyPair
from journal.kit.webpush import BadSubscription, Note, Subscription, encrypt, post_as, read_subscription
from tests.certificates import make_certificate
from tests.conftest import NOON
from tests.push.phone import Phone, point, raw, text
from tests.push.push_service import PushService

pytestmark = pytest.mark.once
GOOD = Phone("https://fcm.googleapis.com/fcm/send/abc")
NOTE = Note("Words.", "topic", timedelta(hours=1))


@pytest.mark.parametrize(
    "address",
    [
        "https://fcm.googleapis.com/fcm/send/cXyz:APA91b",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAAA",
        "https://web.push.apple.com/QGuQ?x=1",
        "https://wns2-by3p.notify.windows.com:443/w/?token=BQY%3d",
    ],
)
def test_those_of_push_services(address: str) -> None:
    target = read_target(address)
    assert target.port == 443 and target.origin == "https://" + target.host
    assert address.partition("/")[2].endswith(target.path.lstrip("/"))


@pytest.mark.parametrize(
    "address",
    [
        "",
        "push",
        "http://push.example.org/x",
        "ftp://push.example.org/x",
        "//push.example.org/x",
        "https:///x",
        "https://push.example.org:8443/x",
        "https://push.example.org:99999/x",
        "https://push.example.org:22/x",
        "https://sam:secret@push.example.org/x",
        "https://sam@push.example.org/x",
        "https://@push.example.org/x",
        "https://push.example.org/x#part",
        "https://push.example.org/x y",
        "https://push.example.org/x\r\nX-Evil: 1",
        "https://push.example.org\\@intern/x",
        "https://localhost/x",
        "https://localhost./x",
        "https://intern/x",
        "https://127.0.0.1/x",
        "https://127.1/x",
        "https://2130706433/x",
        "https://0x7f.0.0.1/x",
        "https://10.0.0.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://8.8.8.8/x",
        "https://[::1]/x",
        "https://[2606:4700::1111]/x",
        "https://[/x",
        "https://püsh.example.org/x",
        "https://push_.example.org/x",
        "https://" + "a" * 64 + ".example.org/x",
        "https://push.example.org/" + "x" * 2000,
    ],
)
def test_those_that_are_refused(address: str) -> None:
    with pytest.raises(BadTarget) as told:
        read_target(address)
    assert "example" not in str(told.value)
    with pytest.raises(BadSubscription):
        read_subscription(address, GOOD.form["p256dh"], GOOD.form["auth"])


def test_this_machine_only_where_tests_say_so() -> None:
    for address in ("http://localhost:8080/x", "https://127.0.0.1:8080/x"):
        with pytest.raises(BadTarget):
            read_target(address)
        assert read_target(address, loopback=True).port == 8080
    with pytest.raises(BadTarget):
        read_target("http://push.example.org/x", loopback=True)


def resolving(monkeypatch: pytest.MonkeyPatch, *numbers: str) -> None:
    found: Any = [
        (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443))
        for one in numbers
    ]
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *_args, **_more: found)


@pytest.mark.parametrize(
    "number",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd12:3456::1",
        "ff02::1",
        "2002:a00:1::1",
        "2002:7f00:1::",
        "64:ff9b::a00:1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1",
        "2001:db8::1",
    ],
)
def test_numbers_that_lead_inside(monkeypatch: pytest.MonkeyPatch, number: str) -> None:
    """Also where the name has a good number beside it."""
    target = Target("https", "push.example.org", 443, "/x")
    for numbers in ([number], ["142.250.1.1", number], [number, "142.250.1.1"]):
        resolving(monkeypatch, *numbers)
        with pytest.raises(BadTarget):
            look_up(target)


@pytest.mark.parametrize(
    "number", ["142.250.1.1", "2607:f8b0::1", "64:ff9b::8.8.8.8", "172.32.0.1", "11.0.0.1"]
)
def test_numbers_of_the_open_internet(monkeypatch: pytest.MonkeyPatch, number: str) -> None:
    resolving(monkeypatch, number, number)
    assert look_up(Target("https", "push.example.org", 443, "/x")) == (number,)


def key_pair() -> KeyPair:
    made = ec.generate_private_key(ec.SECP256R1())
    return KeyPair(point(made.public_key()), made.private_numbers().private_value.to_bytes(32))


def test_a_name_that_leads_inside_is_never_connected_to(
    monkeypatch: pytest.MonkeyPatch, pushes: PushService
) -> None:
    """The name was fine when the phone was turned on, and leads to this machine now."""
    resolving(monkeypatch, "127.0.0.1")
    phone = Phone("https://push.example.org/x")
    subscription = read_subscription("https://push.example.org/x", phone.form["p256dh"], phone.form["auth"])
    answer = post_as("mailto:a@example.org")(subscription, NOTE, key_pair(), NOON)
    assert (answer.kind, answer.told) == ("refused", "not a public address")
    assert pushes.got == []


def test_it_connects_to_the_number_that_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that says another number when it is asked a second time leads nowhere."""
    resolving(monkeypatch, "142.250.1.1")
    tried = []

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        tried.append((address, timeout))
        raise TimeoutError

    monkeypatch.setattr("journal.kit.smtp.socket.create_connection", connect)
    phone = Phone("https://push.example.org/x")
    answer = post_as("mailto:a@example.org")(
        Subscription(phone.endpoint, raw(phone.form["p256dh"]), phone.auth), NOTE, key_pair(), NOON
    )
    assert (answer.kind, answer.is_away) == ("later", True)
    assert tried == [(("142.250.1.1", 443), webpush.STEP_S)]


@pytest.mark.parametrize("trusted", [True, False])
def test_the_certificate_is_checked_against_the_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, trusted: bool
) -> None:
    """Over TLS on this machine: it speaks to a server that proves to be the one named, and says nothing to any other."""
    name = "localhost" if trusted else "elsewhere"
    certificate, key = make_certificate(tmp_path, name)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            try:
                line, _ = listening.accept()
                with serving.wrap_socket(line, server_side=True) as secure:
                    heard.append(secure.recv(65536))
                    heard.append(secure.recv(65536))  # the body comes for itself
                    secure.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
            except OSError:
                return

        thread = threading.Thread(target=serve)
        thread.start()
        phone = Phone(f"https://localhost:{listening.getsockname()[1]}/x")
        subscription = Subscription(phone.endpoint, raw(phone.form["p256dh"]), phone.auth)
        answer = post_as("mailto:a@example.org", loopback=True)(subscription, NOTE, key_pair(), NOON)
        thread.join(5)
    if trusted:
        assert (answer.kind, answer.told) == ("taken", "said 201") and heard[0].startswith(
            b"POST /x HTTP/1.1\r\nHost: localhost:"
        )
    else:
        assert (answer.kind, answer.told) == ("later", "not reached (SSLCertVerificationError)")
        assert heard == []


@pytest.mark.parametrize(
    ("public_key", "auth"),
    [
        ("", GOOD.form["auth"]),
        (GOOD.form["p256dh"], ""),
        (GOOD.form["p256dh"][:-4], GOOD.form["auth"]),
        (text(b"\x04" + b"\x01" * 64), GOOD.form["auth"]),  # no point of the curve
        (text(b"\0" * 65), GOOD.form["auth"]),
        (GOOD.form["p256dh"], text(b"fifteen bytes!!")),
        (GOOD.form["p256dh"], "é" * 22),
        ("A" * 5000, GOOD.form["auth"]),
        (GOOD.form["p256dh"], "A" * 5000),
    ],
)
def test_keys_that_are_none(public_key: str, auth: str) -> None:
    with pytest.raises(BadSubscription):
        read_subscription(GOOD.endpoint, public_key, auth)


def test_a_compressed_point_is_none_of_a_browser() -> None:
    short = GOOD.key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    with pytest.raises(BadSubscription):
        read_subscription(GOOD.endpoint, text(short), GOOD.form["auth"])


def test_the_standard_own_example() -> None:
    """RFC 8291, section 5 and appendix A: the phone of our tests opens what the standard says, so it may judge us."""
    secret = int.from_bytes(raw("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"))
    phone = Phone("https://push.example.net/x", ec.derive_private_key(secret, ec.SECP256R1()))
    phone.auth = raw("BTBZMqHH6r4Tts7J_aSIgg")
    assert phone.form["p256dh"].startswith("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcx")
    sent = raw(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
        "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
        "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    assert phone.open(sent) == b"When I grow up, I want to be a watermelon"


def test_no_two_notes_are_alike() -> None:
    subscription = Subscription(GOOD.endpoint, raw(GOOD.form["p256dh"]), GOOD.auth)
    made = {encrypt(b"Words.", subscription) for _ in range(20)}
    assert len(made) == 20 and len({len(one) for one in made}) == 1
    assert {GOOD.open(one) for one in made} == {b"Words."}


def test_secrets_are_not_shown() -> None:
    subscription = Subscription(GOOD.endpoint, raw(GOOD.form["p256dh"]), GOOD.auth)
    shown = repr(subscription) + repr(read_target(GOOD.endpoint)) + repr(key_pair())
    assert "abc" not in shown and "sixteen" not in shown and "secret" not in shown
    assert urlsafe_b64encode(GOOD.auth).decode() not in shown
