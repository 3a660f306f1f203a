"""Summaries of the demo's patients as PDFs and pictures, in grey too, to be looked at; kept outside the repository:
`make print-samples`."""

import os
import tempfile
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pypdfium2
from jinja2 import Environment
from sqlalchemy import select
from sqlalchemy.orm import Session

from journal import create_app
from journal.accounts.models import Account
from journal.demo.service import fill
from journal.domain.access import KINDS, Scope, Viewer
from journal.domain.days import day_of
from journal.kit import clock, pdf
from journal.kit.cli import migrate
from journal.kit.db import Database
from journal.summaries.printing import print_html
from journal.summaries.queries import get_summary
from tests.conftest import make_settings
from tests.servers import ROOT

ZONE = ZoneInfo("America/Denver")
SCOPES = {
    "usual": frozenset(kind for kind in KINDS if KINDS[kind].usual),
    "everything": frozenset(KINDS),
    "scores-only": frozenset({"daily", "questionnaires"}),
    "side-effects-only": frozenset({"side-effects"}),
}


def main() -> None:
    target = Path(os.environ.get("SAMPLES") or ROOT.parent / "journal-print-samples")
    target.mkdir(parents=True, exist_ok=True)
    for old in (*target.glob("*.pdf"), *target.glob("*.png")):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        settings = make_settings(Path(folder), f"sqlite:///{folder}/journal.sqlite3")
        migrate(settings)
        app = create_app(settings)
        database: Database = app.extensions["database"]
        with database.writing() as session:
            people = fill(
                session,
                app.extensions["hasher"],
                "unused words",
                patients=6,
                weeks=16,
                seed=7,
                zone=ZONE,
                now=clock.now(),
            )
            for person in people:
                draw(app.jinja_env, session, person.email, person.name, target)
    print(f"The PDFs and pictures are in {target}")


def draw(templates: Environment, session: Session, email: str, name: str, target: Path) -> None:
    now = clock.now()
    today = day_of(now, ZONE, 0)
    account = session.scalars(select(Account.id).where(Account.email == email)).one()
    for scope, kinds in SCOPES.items():
        summary = get_summary(
            session,
            Viewer(None, account, Scope(kinds)),
            name,
            ZONE,
            today,
            now,
            session_on=today - timedelta(days=12),
        )
        page = print_html(summary, lambda name, /, **values: templates.get_template(name).render(**values))
        path = target / f"{name}-{scope}.pdf"
        path.write_bytes(pdf.render(page))
        document = pypdfium2.PdfDocument(path)
        for number, sheet in enumerate(document, 1):
            for kind in ("color", "grey"):
                picture = sheet.render(scale=1.6, grayscale=kind == "grey").to_pil()
                picture.save(target / f"{name}-{scope}-{number}-{kind}.png")
        document.close()


if __name__ == "__main__":
    main()
