"""A questionnaire's file with a wrong shape stops the start, and says which file and which field."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import ROOT, Journal

pytestmark = pytest.mark.slow
SAYS = "The journal can't start: phq-9.json: items[8].text has no field “es”"


def test_a_wrong_questionnaire_stops_the_start(tmp_path: Path) -> None:
    copy = tmp_path / "project"
    for name in ("journal", "deploy", "static", "templates", "migrations"):
        shutil.copytree(ROOT / name, copy / name)
    shutil.copy(ROOT / "wsgi.py", copy)
    file = copy / "journal" / "domain" / "instruments" / "phq-9.json"
    data = json.loads(file.read_text("utf-8"))
    del data["items"][8]["text"]["es"]
    file.write_text(json.dumps(data))
    journal = Journal(tmp_path / "data")
    (tmp_path / "data").mkdir()
    for command in (journal.command(), [sys.executable, "-m", "flask", "--app", "wsgi", "check"]):
        told = subprocess.run(command, cwd=copy, env=journal.env, capture_output=True, text=True, timeout=60)
        assert told.returncode != 0
        assert SAYS in told.stderr and "Traceback" not in told.stderr
    assert not list((tmp_path / "data").glob("*.sqlite3"))  # before anything else was touched
