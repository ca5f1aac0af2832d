"""The packaged history."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tuiconsole.domain.clock import iso
from tuiconsole.domain.errors import DataError
from tuiconsole.market import packaged
from tuiconsole.market.packaged import packaged_tape
from tuiconsole.market.tape import Tape


@pytest.fixture(scope="module")
def tape() -> Tape:
    """The packaged tape."""
    return packaged_tape()


def test_content(tape: Tape) -> None:
    """Twenty symbols with sectors, 33 years, closes alone, none of them missing."""
    assert tape.close.shape == (8313, 20)
    assert tape.universe.symbols[:3] == ("AAPL", "AMD", "BAC")
    assert all(tape.universe.sectors)
    assert not tape.has_ranges
    assert tape.volume is None
    assert bool((tape.close > 0.0).all())
    assert tape.close[0, 0] == 0.264
    assert tape.close[-1, -1] == 106.627


def test_bars_exist_at_the_close(tape: Tape) -> None:
    """Winter, summer and a half-day."""
    texts = {iso(int(ts)) for ts in tape.ts}
    assert {"1990-01-02T21:00:00Z", "2008-11-28T18:00:00Z", "2022-07-01T20:00:00Z"} <= texts
    assert np.array_equal(tape.sessions, tape.ts // 86_400_000_000_000)


def test_reading_does_not_import_skfolio_or_pandas() -> None:
    """Both take seconds; neither is needed."""
    code = (
        "import sys; from tuiconsole.market.packaged import packaged_tape; packaged_tape();"
        "heavy = ('skfolio', 'pandas', 'pyarrow', 'exchange_calendars');"
        "sys.exit(any(name in sys.modules for name in heavy))"
    )
    source = str(Path(packaged.__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": source}, check=False)
    assert done.returncode == 0


def test_absent_file_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without skfolio the trader is told what to install."""
    monkeypatch.setattr(packaged, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"not installed\. Install the skfolio package"):
        packaged_tape()


def test_broken_file_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A truncated download does not end in a traceback."""
    broken = tmp_path / "sp500_dataset.csv.gz"
    broken.write_bytes(packaged.packaged_path().read_bytes()[:5000])
    monkeypatch.setattr(packaged, "packaged_path", lambda: broken)
    with pytest.raises(DataError, match="cannot be read"):
        packaged_tape()
