"""The web server and the worker together, for one machine: when one ends, the other is stopped too.

python deploy/run.py        (what `make run` does)
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYTHON = sys.executable
WEB = [PYTHON, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "wsgi:app"]
WORKER = [PYTHON, "-m", "flask", "--app", "wsgi", "worker"]
PATIENCE_S = 130  # a mail in hand is finished within two minutes
STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def end_with_parent():
    """In the child: should this process be killed, nothing of it goes on alone. Linux only; elsewhere nothing happens."""
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    except (OSError, AttributeError):
        return


def main():
    asked = []
    for number in STOP:
        signal.signal(number, lambda got, _frame: asked.append(got))
    ready, told = os.pipe()
    web = subprocess.Popen(
        WEB, cwd=ROOT, env={**os.environ, "READY_FD": str(told)}, pass_fds=[told], preexec_fn=end_with_parent
    )
    os.close(told)
    children = {"web server": web}
    while web.poll() is None and not asked and not select.select([ready], [], [], 0.2)[0]:
        continue
    if not asked and os.read(ready, 1):  # it serves, so the database is made; nothing to read when it ended
        children["worker"] = subprocess.Popen(WORKER, cwd=ROOT, preexec_fn=end_with_parent)
    while not asked and all(child.poll() is None for child in children.values()):
        time.sleep(0.2)
    ended = {name: child.poll() for name, child in children.items() if child.poll() is not None}
    stop(children.values())
    if asked:
        return 0
    for name, code in ended.items():
        if len(children) > 1:
            print(f"The {name} ended by itself (code {code}), so the journal was stopped.", file=sys.stderr)
    return next((code for code in ended.values() if code > 0), 1)


def stop(children):
    for child in children:
        if child.poll() is None:
            child.terminate()
    until = time.monotonic() + PATIENCE_S
    for child in children:
        try:
            child.wait(max(until - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


if __name__ == "__main__":
    sys.exit(main())
