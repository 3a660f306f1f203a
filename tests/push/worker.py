"""A worker of its own process, which asks for what is due and sends it again and again, until it is killed:
`python -m tests.push.worker <database> <instant>`."""

import sys
import time
from datetime import datetime, timedelta

from journal.kit.db import Database
from journal.kit.vault import Vault
from journal.push import service, tasks
from journal.reminders import service as reminders
from journal.reminders.tasks import send_due as ask
from tests.conftest import MASTER_KEY
from tests.push.conftest import OFFICE

LEASE = timedelta(seconds=2)


def main() -> None:
    address, at = sys.argv[1:]
    reminders.AT_ONCE = 5  # many small transactions: a kill falls into the middle of one
    service.LEASE, service.START_WITHIN = LEASE, timedelta(seconds=1)
    database = Database(address, {"vault": Vault(MASTER_KEY)})
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.monotonic()
    while True:
        now = datetime.fromisoformat(at) + timedelta(seconds=time.monotonic() - began)
        ask(database, now)
        tasks.send_due(database, OFFICE, now)
        time.sleep(0.02)


if __name__ == "__main__":
    main()
