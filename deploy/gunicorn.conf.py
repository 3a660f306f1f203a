"""How gunicorn serves the journal. One process with threads on SQLite; more processes need PostgreSQL."""

import gc
import os
from pathlib import Path

bind = os.environ.get("BIND") or f"127.0.0.1:{os.environ.get('PORT') or 8000}"
worker_class = "gthread"
workers = int(os.environ.get("WORKERS") or 1)
threads = 8
timeout = 60
graceful_timeout = 10
keepalive = 5
control_socket_disable = True
accesslog = None  # addresses of pages carry days and ids; the server keeps no record of who read what when


def on_starting(server):
    """Refuse to start on a database that should be there and isn't, or that other processes would corrupt."""
    import sys

    from journal.config import Settings, UnfitSettings
    from journal.domain.instrument import WrongShape
    from journal.domain.instrument_files import instruments
    from journal.kit.assets import Assets
    from journal.kit.cli import check_vault, migrate, missing_database

    try:
        settings = Settings.from_env()
        instruments()
    except (UnfitSettings, WrongShape) as unfit:
        sys.exit(f"The journal can't start: {unfit}")
    host = bind.rpartition(":")[0].strip("[]")
    if host not in ("127.0.0.1", "localhost", "::1", "unix") and not settings.is_https:
        sys.exit(
            "The journal can't start: BIND opens it to the network, so BASE_URL must be its https:// address."
        )
    if settings.sqlite_path is not None and server.cfg.workers > 1:
        sys.exit("The journal can't start: several processes (WORKERS) need PostgreSQL. Set DATABASE_URL.")
    gone = missing_database(settings)
    if gone is not None:
        sys.exit(f"The journal can't start: {gone}")
    migrate(settings)
    Assets(
        Path(__file__).parent.parent / "static", settings.data_dir / "static"
    )  # here, so that no worker keeps the memory
    try:
        check_vault(settings)
    except UnfitSettings as unfit:
        sys.exit(f"The journal can't start: {unfit}")


def when_ready(server):
    server.log.info("The journal is at http://localhost:%s", os.environ.get("PORT") or 8000)
    ready = os.environ.pop("READY_FD", None)
    if ready:  # deploy/run.py waits for it before it starts the worker
        os.write(int(ready), b"1")
        os.close(int(ready))


def post_worker_init(worker):
    """Each process may wake a worker; the work itself is never done here."""
    gc.collect()
    gc.freeze()  # what was made at the start stays; looking through it again and again costs a tenth of each page
    gc.set_threshold(20_000, 20, 20)
    here = worker.app.callable.extensions
    here["wake"] = here["bell"].ring
