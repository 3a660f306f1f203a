"""Who may know whom, read off the imports."""

import ast
import sys
from pathlib import Path

import pytest

from journal.features import ORDER

JOURNAL = Path(__file__).parent.parent.parent / "journal"
FILES = sorted(JOURNAL.rglob("*.py"))
FLASK_FILES = {"views.py", "present.py", "cli.py"}
FLASK_KIT = {"kit/web.py", "kit/forms.py", "kit/mail.py", "kit/cli.py"}
SQL_FILES = {"queries.py", "service.py", "models.py", "removal.py", "emails.py"}
SQL_KIT = {
    "demo/clinic.py",
    "kit/bounces.py",
    "kit/cli.py",
    "kit/db.py",
    "kit/health.py",
    "kit/jobs.py",
    "kit/outbox.py",
    "kit/throttle.py",
    "kit/vapid.py",
    "kit/web.py",
}


def imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def room(path: Path) -> str:
    return path.relative_to(JOURNAL).parts[0]


def allowed(path: Path, name: str) -> bool:
    """Whether the file may import the name, a dotted path down to what is imported."""
    parts, here = name.split("."), room(path)
    if parts[0] != "journal":
        return True
    if len(parts) == 1 or parts[1] == "__init__" or parts[1] == "create_app":
        return False
    there = parts[1]
    if here == there:
        return True
    if here == "domain":
        return False
    if here == "kit":
        return there == "config"
    if here == "__init__.py":
        return True
    if there in ("domain", "kit", "config"):
        return True
    if there not in ORDER or here not in ORDER or ORDER.index(there) > ORDER.index(here):
        return False
    module = parts[2] if len(parts) > 2 else ""
    if module in ("forms", "present", "drawing", "printing", "files") or (there, module) == (
        "entries",
        "views",
    ):
        return path.name in ("views.py", "present.py", "printing.py", "files.py")
    if (here, there, module) == ("factors", "accounts", "views"):  # both sign people in: ADR 12
        return path.name == "views.py"
    return module in ("service", "queries", "held", "removal")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(JOURNAL)))
def test_the_import_law(path: Path) -> None:
    assert [name for name in imports(path) if not allowed(path, name)] == []


@pytest.mark.parametrize("path", sorted((JOURNAL / "domain").rglob("*.py")), ids=lambda p: p.name)
def test_the_still_room_needs_the_standard_library_alone(path: Path) -> None:
    outside = {name.split(".")[0] for name in imports(path)} - {"journal"} - set(sys.stdlib_module_names)
    assert outside == set()
    words = path.read_text("utf-8")
    assert "now(" not in words.replace("_now(", "") and "today()" not in words, "the still room has no clock"


def test_flask_stays_at_the_doors() -> None:
    wrong = [
        str(p.relative_to(JOURNAL))
        for p in FILES
        if any(n.split(".")[0] in ("flask", "flask_login", "flask_wtf") for n in imports(p))
        and p.name not in FLASK_FILES
        and str(p.relative_to(JOURNAL)) not in FLASK_KIT | {"__init__.py"}
    ]
    assert wrong == []


def test_sql_stays_in_its_rooms() -> None:
    wrong = [
        str(p.relative_to(JOURNAL))
        for p in FILES
        if any(n.startswith("sqlalchemy") for n in imports(p))
        and p.name not in SQL_FILES
        and str(p.relative_to(JOURNAL)) not in SQL_KIT
    ]
    assert wrong == []


def test_models_are_private_to_their_feature() -> None:
    wrong = [
        (str(p.relative_to(JOURNAL)), n)
        for p in FILES
        for n in imports(p)
        if ".models" in n and n.split(".")[1] != room(p)
    ]
    assert wrong == []


def test_services_never_commit_and_only_one_clock_ticks() -> None:
    for path in FILES:
        words = path.read_text("utf-8")
        if path.name in ("service.py", "queries.py", "removal.py"):
            assert ".commit(" not in words, path
        if path != JOURNAL / "kit" / "clock.py":
            assert "datetime.now(" not in words and "date.today(" not in words, path


def test_no_import_hides_in_a_function() -> None:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                hidden = [n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)]
                assert not hidden, (path, node.name)


def test_the_law_would_notice() -> None:
    assert not allowed(JOURNAL / "domain" / "trends.py", "journal.kit.clock")
    assert not allowed(JOURNAL / "checkins" / "views.py", "journal.trends.queries")
    assert not allowed(JOURNAL / "checkins" / "service.py", "journal.entries.models.Entry")
    assert not allowed(JOURNAL / "kit" / "web.py", "journal.accounts.service")
    assert allowed(JOURNAL / "trends" / "queries.py", "journal.entries.queries.Want")
