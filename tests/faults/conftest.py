"""What the tests of bad mail servers stand on."""

from collections.abc import Iterator

import pytest

from tests.faults.mail_harness import Harness


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory, cluster: str | None) -> Iterator[Harness]:
    made = Harness(tmp_path_factory.mktemp("mail"), cluster)
    yield made
    made.close()
