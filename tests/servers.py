"""Real servers for the tests: a PostgreSQL of our own, and the journal under gunicorn."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _postgres_bin() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise RuntimeError("PostgreSQL is missing. On Debian or Ubuntu: apt-get install postgresql")
    return Path(on_path).resolve().parent


@contextmanager
def postgres(*, fsync: bool = False) -> Iterator[str]:
    """A cluster on a free port, gone afterwards. Gives the address of its database "postgres"."""
    binaries, port = _postgres_bin(), free_port()
    folder = Path(tempfile.mkdtemp(prefix="journal-pg-"))
    as_user: list[str] = []
    if os.geteuid() == 0:  # it refuses to run as root
        shutil.chown(folder, "postgres", "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
    data = folder / "data"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    subprocess.run(
        [
            *as_user,
            binaries / "initdb",
            "-D",
            data,
            "-U",
            "journal",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
        ],
        check=True,
        **quiet,
    )
    safe = "on" if fsync else "off"
    options = ["-p", str(port), "-k", str(folder), "-c", "listen_addresses=127.0.0.1", "-c", f"fsync={safe}"]
    options += [
        "-c",
        f"synchronous_commit={safe}",
        "-c",
        f"full_page_writes={safe}",
        "-c",
        "max_connections=400",
    ]
    server = subprocess.Popen([*as_user, binaries / "postgres", "-D", data, *options], **quiet)
    try:
        for _ in range(1200):
            ready = subprocess.run([binaries / "pg_isready", "-h", "127.0.0.1", "-p", str(port)], **quiet)
            if ready.returncode == 0:
                break
            time.sleep(0.05)
        else:
            raise RuntimeError("PostgreSQL did not start")
        yield f"postgresql+psycopg://journal@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


class Journal:
    """The journal under gunicorn, with a worker beside it, as `make run` starts them."""

    def __init__(
        self, data_dir: Path, database_url: str | None = None, *, has_worker: bool = True, **env: str
    ) -> None:
        self.data_dir, self.port, self.code = data_dir, free_port(), ROOT
        self.has_worker = has_worker
        self.url = f"http://localhost:{self.port}"
        self.log = data_dir / "server.log"
        self.env: Mapping[str, str] = {
            **{
                k: v
                for k, v in os.environ.items()
                if k not in ("DATABASE_URL", "SECRET_KEY", "MAIL_URL", "BASE_URL")
            },
            "MALLOC_ARENA_MAX": "2",  # as `make run` sets it
            "DATA_DIR": str(data_dir),
            "PORT": str(self.port),
            **({"DATABASE_URL": database_url} if database_url else {}),
            **env,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.worker: subprocess.Popen[bytes] | None = None

    def command(self, before: tuple[str, ...] = ()) -> list[str]:
        return [
            *before,
            str(Path(sys.executable).parent / "gunicorn"),
            "-c",
            "deploy/gunicorn.conf.py",
            "wsgi:app",
        ]

    def start(self, before: tuple[str, ...] = ()) -> "Journal":
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.process = self._run(self.command(before))
        for _ in range(1200):
            if self.process.poll() is not None:
                raise RuntimeError(self.log.read_text())
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:
                    if answer.status == 200:
                        self.start_worker()
                        return self
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("the journal did not start")

    def _run(self, command: list[str]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command, cwd=self.code, env=self.env, stdout=log, stderr=log, start_new_session=True
            )

    def start_worker(self) -> None:
        """A worker, where there is to be one and none is running."""
        if self.has_worker and (self.worker is None or self.worker.poll() is not None):
            self.worker = self._run([sys.executable, "-m", "flask", "--app", "wsgi", "worker"])

    def _processes(self) -> list[subprocess.Popen[bytes]]:
        return [one for one in (self.process, self.worker) if one is not None and one.poll() is None]

    def kill(self) -> None:
        """All of it at once, as a power cut would."""
        running = self._processes()
        for one in running:
            os.killpg(one.pid, signal.SIGKILL)
        for one in running:
            one.wait(20)

    def stop(self) -> None:
        for one in self._processes():
            os.killpg(one.pid, signal.SIGTERM)
        try:
            for one in self._processes():
                one.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()

    def flask(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
        return subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=300)
