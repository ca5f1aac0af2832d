"""One small market for all system tests, and a desk of its own for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine import rig as core
from tests.system import rig
from tuiconsole.market.tape import Tape

BARS = core.WARMUP + 300


@pytest.fixture(scope="session")
def tape() -> Tape:
    return core.market(BARS)


@pytest.fixture(scope="session")
def data(tape: Tape, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rig.write_csv(tmp_path_factory.mktemp("data") / "six.csv", tape)


@pytest.fixture
def desk(tmp_path: Path, tape: Tape, data: Path) -> Iterator[rig.SystemDesk]:
    made = rig.make_desk(tmp_path, tape, data)
    yield made
    made.close()


@pytest.fixture(scope="session")
def whole(tape: Tape, data: Path, tmp_path_factory: pytest.TempPathFactory) -> rig.Whole:
    """The tape run to its end by an engine that nobody disturbs."""
    return rig.undisturbed(tmp_path_factory.mktemp("whole"), tape, data)
