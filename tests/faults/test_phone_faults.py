"""A real browser on a bad line, in every way a line can be bad: nothing is lost, nothing is there twice, and the page
never says more than is so. `FULL=1` writes 20 entries in each mode."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import chromium, phone
from tests.faults.kept import each_once, list_kept
from tests.faults.proxy import MODES
from tests.faults.writing import Line, Writer, drained, sign_in, waits

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ENTRIES = 20 if os.environ.get("FULL") else 4


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    made = Line(tmp_path_factory.mktemp("line"))
    yield made
    made.stop()


def write(writer: Writer, number: int, *, kept_page: bool) -> None:
    """The first of each kind in turn."""
    if number % 4 == 3:
        writer.infusion(1 + number % 13, kept_page=kept_page)
    elif kept_page and number % 4 == 2 and "gad-7" not in writer.responses:
        writer.questionnaire("gad-7", 1, 2, 0, 3, 1, 0, 2)
    else:
        writer.check_in(1 + number % 13, kept_page=kept_page)


@pytest.mark.parametrize("mode", MODES)
def test_each_entry_is_on_the_server_once(browser: Browser, line: Line, mode: str) -> None:
    email = line.sign_up()
    context = phone(browser, line.proxy.url)
    page = context.new_page()
    sign_in(page, email)
    writer, since = Writer(page), len(line.proxy.seen)
    line.proxy.delay_s = 8
    for number in range(ENTRIES):
        # First only the sending fails, then everything does.
        everything = number >= ENTRIES // 2
        line.proxy.fail(mode, only="" if everything else "/sync")
        write(writer, number, kept_page=everything)
        waits(page, number + 1)
    tries = line.proxy.sends(since)
    assert tries or mode == "refuse", "the phone has to have tried"
    assert all(one.mode == mode for one in tries)
    line.proxy.mend()
    drained(page, ENTRIES)
    each_once(line.journal, email, writer.marks)
    responses = [one for one in list_kept(line.journal) if one.owner == email and one.kind == "questionnaire"]
    assert [list(one.payload["answers"].values()) for one in responses][-1:] == (
        [[1, 2, 0, 3, 1, 0, 2]] if writer.responses else []
    )
    assert len({one.entry for one in responses}) == len(writer.responses)
    context.close()
