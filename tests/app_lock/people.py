"""Somebody with the app lock on, and the time that goes by."""

from datetime import timedelta

from tests.cast import Player
from tests.client import CheckingClient

PIN = "4071"
A_WHILE = timedelta(minutes=15)


def turn_on(client: CheckingClient, pin: str = PIN) -> None:
    client.send("/account/lock/pin", {"pin": pin, "again": pin}, page="/account/lock/pin")
    client.page = None


def with_lock(player: Player) -> CheckingClient:
    client = player.sign_in()
    turn_on(client)
    return client


def unlock(client: CheckingClient, expect: int = 303, page: str = "/unlock", **fields: str) -> str:
    """Give a PIN or a passphrase; gives where it leads, or the page."""
    answer = client.send("/unlock", fields or {"pin": PIN}, page=page, expect=expect)
    client.page = None
    return answer.location or answer.text
