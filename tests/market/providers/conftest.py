"""A vendor on loopback and retries that do not wait, for every test of vendors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.market.providers.rig import close_all, three_attempts
from tests.market.providers.vendor_server import Reply, Vendor


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    made = Vendor(lambda _: Reply({}, 404))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with three_attempts():
        yield
    close_all()
