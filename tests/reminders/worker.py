"""A worker of its own process, which looks at what is due again and again, until it is killed or told how often:
`python -m tests.reminders.worker <database> <instant> <rounds>`."""

import sys
from datetime import datetime

from journal.kit.db import Database
from journal.kit.vault import Vault
from journal.reminders import service
from journal.reminders.tasks import send_due
from tests.conftest import MASTER_KEY


def main() -> None:
    address, at, rounds = sys.argv[1:]
    service.AT_ONCE = 3  # many small transactions: a kill falls into the middle of one
    database = Database(address, {"vault": Vault(MASTER_KEY)})
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(int(rounds)):
        print(send_due(database, datetime.fromisoformat(at)), flush=True)


if __name__ == "__main__":
    main()
