"""Machine code of the features is made once, by one of the processes that test: the others take it from the store."""

from __future__ import annotations

import fcntl

import pytest

from tests.features.drive import EXAMPLES, drive, random_walk


@pytest.fixture(scope="session", autouse=True)
def _compiled_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    with (tmp_path_factory.getbasetemp().parent / "features.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        drive(EXAMPLES, random_walk(3))
