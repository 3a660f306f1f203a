"""One server and one browser for all browser tests, filled with the demo clinic."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tests.browser.chromium import chromium
from tests.browser.pages import DEMO
from tests.servers import Journal


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="session")
def journal(cluster: str | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journal]:
    address = None
    if cluster is not None:
        engine = create_engine(cluster, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("CREATE DATABASE browser"))
        engine.dispose()
        address = make_url(cluster).set(database="browser").render_as_string(hide_password=False)
    server = Journal(tmp_path_factory.mktemp("browser"), address, DEFAULT_ZONE="America/Denver").start()
    told = server.flask(*DEMO)
    assert told.returncode == 0, told.stderr
    assert len(json.loads(told.stdout)) == 10
    yield server
    server.stop()


@pytest.fixture(scope="session")
def axe() -> str:
    return next(Path(__file__).parent.parent.joinpath("vendor").glob("axe-*.min.js")).read_text("utf-8")
