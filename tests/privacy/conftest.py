"""Another instance, with another master key and a database of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from journal import create_app
from journal.accounts import service as accounts
from journal.kit.cli import migrate
from tests.cast import Player, make_player
from tests.conftest import make_settings


@pytest.fixture
def elsewhere(empty_database: str, tmp_path: Path) -> Iterator[Player]:
    """Somebody new on a fresh instance."""
    settings = make_settings(tmp_path, empty_database, master_key=bytes(range(100, 132)))
    migrate(settings)
    app = create_app(settings)
    with app.extensions["database"].writing() as session:
        player = make_player(app, session, "new@example.org")
        accounts.settle(session, player.account_id, zone="Europe/Lisbon", country=None)
        session.commit()
    yield player
    app.extensions["database"].close()
