"""Workers for the tests of bad mail servers: each is `flask worker` in a process of its own, with its times scaled down.

One process imports everything and forks a worker per line of standard input, so that a restart takes milliseconds. Its
own environment is that of a journal which no worker uses. A line is the worker's environment as JSON; the answer is its number. With WRONG_ORDER a mail is marked as sent before it is.
"""

import gc
import json
import os
import signal
import sys
import traceback
from contextlib import suppress
from datetime import timedelta
from typing import Any

from flask.cli import ScriptInfo
from sqlalchemy.orm import configure_mappers

from journal import create_app
from journal.config import Settings
from journal.kit import outbox, smtp, worker


def scale_down() -> None:
    """Seconds become hundredths; the order of them stays: step < deadline, start + deadline < lease."""
    smtp.STEP_S, smtp.DEADLINE_S, smtp.GOODBYE_S = 0.4, 0.9, 0.4
    outbox.START_WITHIN, outbox.LEASE = timedelta(seconds=1.5), timedelta(seconds=4)
    worker.THREADS = 2
    outbox.BACK_OFF = tuple(timedelta(seconds=s) for s in (0.05, 0.1, 0.2, 0.3))
    smtp.helo_name = lambda: f"worker-{os.getpid()}"


def mark_first() -> None:
    """The mistake that the tests must find."""
    settle = outbox._settle

    def send_too_late(database: Any, office: Any, claim: Any, present: Any) -> bool:
        letter = outbox._written(database, office, claim, present())
        if letter is None:
            return False
        settle(database, office, claim, None, present())
        try:
            office.transport(letter)
        except outbox.NotSent:
            return False
        return True

    outbox._try = send_too_late


def run(env: dict[str, str]) -> None:
    os.environ.update(env)
    scale_down()
    if env.get("WRONG_ORDER"):
        mark_first()
    log = os.open(env["LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    app = create_app(Settings.from_env())
    app.cli.main(args=["worker"], obj=ScriptInfo(create_app=lambda: app))


def reap(_number: int, _frame: object) -> None:
    """Workers that were killed: nobody else waits for them."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue


def main() -> None:
    signal.signal(signal.SIGCHLD, reap)
    create_app(Settings.from_env())  # the second time, in each fork, it takes a tenth
    configure_mappers()
    gc.freeze()
    for line in sys.stdin:
        number = os.fork()
        if number == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            sys.stdin.close()
            try:
                run(json.loads(line))
            except BaseException:  # a fork must not go on as its parent
                traceback.print_exc()
            finally:
                os._exit(1)
        print(number, flush=True)


if __name__ == "__main__":
    main()
