"""With real commits: nobody waits for a writer that waits for them."""

from pathlib import Path
from threading import Thread

from journal import create_app
from journal.kit.cli import migrate
from tests.cast import PASSPHRASE, make_player
from tests.conftest import make_settings


def test_signing_in_where_somebody_is_signed_in_does_not_hang(empty_database: str, tmp_path: Path) -> None:
    """The lock is looked up before a public form is read; its unit of work has to be closed before the hashing."""
    settings = make_settings(tmp_path, empty_database)
    migrate(settings)
    app = create_app(settings)
    with app.extensions["database"].writing() as session:
        player = make_player(app, session, "mara@example.org")
        session.commit()
    client = player.sign_in()
    client.get("/account")
    fields = {**client.hidden("/look"), "email": player.email, "password": PASSPHRASE}
    told: list[int] = []
    ask = Thread(
        target=lambda: told.append(client.raw("POST", "/sign-in", data=fields).status_code), daemon=True
    )
    ask.start()
    ask.join(20)
    assert told == [303]
    app.extensions["database"].close()
