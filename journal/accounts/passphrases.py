"""Passphrases: 15 characters or more, none of the common ones, Argon2id.

The salt is made from the address with the server's key, so one slow computation answers for every account that claims
an address, and for none: signing in takes the same time whether or not the address is known here.
"""

from dataclasses import dataclass
from functools import cache
from hmac import compare_digest
from importlib.resources import files
from threading import BoundedSemaphore
from unicodedata import normalize
from uuid import UUID

from argon2.low_level import Type, hash_secret

from journal.kit.vault import Vault

SHORTEST = 15
SALT_BYTES = 16
HASH_BYTES = 32
_AT_ONCE = BoundedSemaphore(2)  # each takes 19 MiB and a core for a while; the rest wait their turn


@cache
def common() -> frozenset[str]:
    """Passphrases that guessing programs try first."""
    text = files("journal.accounts").joinpath("common_passphrases.txt").read_text("utf-8")
    return frozenset(text.splitlines())


def problem(passphrase: str) -> str | None:
    """What is wrong with a new passphrase, or None. There are two rules and no others."""
    if len(normalize("NFKC", passphrase)) < SHORTEST:
        return f"Use {SHORTEST} characters or more. Four or five words in a row work well."
    if normalize("NFKC", passphrase).casefold() in common():
        return "This one is on the lists that guessing programs try first. Choose other words."
    return None


@dataclass(frozen=True)
class Hasher:
    """Argon2id with the given cost."""

    vault: Vault
    rounds: int
    kib: int

    def hash(self, passphrase: str, email_key: str) -> str:
        """The encoded hash, the same each time for the same passphrase, address and server."""
        salt = self.vault.keyed_hash(email_key.encode(), b"passphrase salt")[:SALT_BYTES]
        with _AT_ONCE:
            return hash_secret(
                normalize("NFKC", passphrase).encode(),
                salt,
                time_cost=self.rounds,
                memory_cost=self.kib,
                parallelism=1,
                hash_len=HASH_BYTES,
                type=Type.ID,
            ).decode()

    def hash_pin(self, pin: str, account_id: UUID) -> str:
        """The same for a PIN of the app lock. It has few digits, so it is keyed first: who has the database alone, and
        not the server's key, can't try them all."""
        return self.hash(self.key(f"pin of {account_id}", pin).hex(), f"pin of {account_id}")

    def same(self, made: str, kept: str) -> bool:
        """Whether two hashes are one, in the same time whether or not."""
        return compare_digest(made.encode(), kept.encode())

    def key(self, purpose: str, text: str) -> bytes:
        """A keyed hash for a throttle: no address is kept in its table."""
        return self.vault.keyed_hash(text.encode(), purpose.encode())

    def device_mark(self, account_id: UUID) -> str:
        """What a browser keeps that has signed in to this account before."""
        return f"{account_id}.{self.key('known device', str(account_id)).hex()}"

    def account_of_mark(self, mark: str) -> UUID | None:
        """The account whose mark this is, or None for one that we didn't make."""
        try:
            account_id = UUID(mark.partition(".")[0])
        except ValueError:
            return None
        return account_id if compare_digest(mark.encode(), self.device_mark(account_id).encode()) else None
