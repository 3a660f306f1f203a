"""Where a foreign address may lead: to the open internet, never into the network that this server stands in."""

import ipaddress
import socket
from dataclasses import dataclass, field
from re import compile as pattern
from urllib.parse import urlsplit

MOST_CHARACTERS = 2000
HOST = pattern(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1"})
NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class BadTarget(Exception):
    """An address that we don't go to. Says nothing of it: such an address may be a secret."""


@dataclass(frozen=True)
class Target:
    """A web address, taken apart. `repr` shows nothing of its path."""

    scheme: str
    host: str
    port: int
    path: str = field(repr=False)

    @property
    def origin(self) -> str:
        usual = 443 if self.scheme == "https" else 80
        return f"{self.scheme}://{self.host}" + ("" if self.port == usual else f":{self.port}")


def read_target(address: str, *, loopback: bool = False) -> Target:
    """Take an https address apart. No name and password in it, no number in place of the host's name, no port of its own.
    `loopback`: for tests, this machine is fine too, without https. Raises BadTarget."""
    if len(address) > MOST_CHARACTERS or not address.isascii() or not address.isprintable() or " " in address:
        raise BadTarget("characters")
    try:
        parts = urlsplit(address)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise BadTarget("no address") from None
    if parts.username is not None or parts.password is not None or parts.fragment or "\\" in address:
        raise BadTarget("parts")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if loopback and host in LOOPBACK_HOSTS and parts.scheme in ("http", "https"):
        return Target(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), path)
    if parts.scheme != "https" or port not in (None, 443) or not HOST.fullmatch(host):
        raise BadTarget("not a public https address")
    return Target("https", host, 443, path)


def look_up(target: Target, *, loopback: bool = False) -> tuple[str, ...]:
    """The numbers behind the host's name. One that leads elsewhere than to the open internet makes all of them bad: such a
    name is a trap. Whoever connects uses these, and asks no second time. Raises BadTarget, or OSError."""
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    numbers = [str(entry[4][0]).partition("%")[0] for entry in found]
    for number in numbers:
        address = ipaddress.ip_address(number)
        if not (is_public(address) or (loopback and address.is_loopback)):
            raise BadTarget("not a public host")
    return tuple(dict.fromkeys(numbers))


def is_public(address: Address) -> bool:
    """Whether a number is one of the open internet's, also inside one that wraps another."""
    inside = wrapped(address)
    if inside is not None:
        return is_public(inside)
    return address.is_global and not address.is_multicast and not address.is_reserved


def wrapped(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address in one that only wraps it."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
