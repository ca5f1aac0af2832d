"""The tape: shapes, order, digest, slices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tuiconsole.domain.clock import iso
from tuiconsole.domain.errors import DataError
from tuiconsole.domain.instruments import Universe
from tuiconsole.engine.build import plan
from tuiconsole.engine.settings import EngineSettings, Settings
from tuiconsole.market.dating import Dating
from tuiconsole.market.settings import FeedSettings
from tuiconsole.market.tape import Tape

_MONDAY = 19_723
"""1 January 2024, in days since 1970."""


def _tape(**changes: object) -> Tape:
    n_bars = 5
    content: dict[str, object] = {
        "name": "T",
        "source": "t.csv",
        "universe": Universe.of(["A", "B"]),
        "ts": np.arange(n_bars, dtype=np.int64) * 10,
        "close": np.arange(n_bars * 2, dtype=np.float64).reshape(n_bars, 2) + 1.0,
    }
    return Tape(**{**content, **changes})  # type: ignore[arg-type]


def test_bars_are_the_rows() -> None:
    """A bar holds its row, its index and its time; what the source lacks is one shared NaN row."""
    bars = _tape(volume=np.full((5, 2), 7.0)).bars(3)
    assert (bars.ts, bars.seq, bars.close.tolist(), bars.volume.tolist()) == (30, 3, [7.0, 8.0], [7.0, 7.0])
    assert bars.open is bars.high is bars.low
    assert np.isnan(bars.open).all()


def test_arrays_are_read_only_and_row_major() -> None:
    """Nobody can change what was recorded."""
    tape = _tape(close=np.asfortranarray(np.ones((5, 2))))
    assert tape.close.flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        tape.bars(0).close[0] = 2.0


def test_digest_covers_symbols_times_and_values() -> None:
    """Any change is another digest; the name and the notes are not content; NaN patterns are one."""
    base = _tape()
    assert len(base.digest) == 64
    assert _tape(name="other", source="else.csv").digest == base.digest
    other = [
        _tape(universe=Universe.of(["A", "C"])),
        _tape(ts=base.ts + 1),
        _tape(close=base.close + 1e-12),
        _tape(volume=np.full((5, 2), np.nan)),
        base.tail(4),
    ]
    assert len({base.digest, *(tape.digest for tape in other)}) == 6
    minus = np.full((5, 2), -np.nan)
    assert _tape(volume=minus).digest == other[3].digest


def test_index_and_slices() -> None:
    """Half-open intervals of time; a tail longer than the tape is the tape."""
    tape = _tape()
    assert [tape.index_from(ts) for ts in (-1, 0, 1, 40, 41)] == [0, 0, 1, 4, 5]
    cut = tape.between(10, 30)
    assert cut.ts.tolist() == [10, 20]
    assert cut.bars(0).close.tolist() == [3.0, 4.0]
    assert len(tape.tail(2)) == 2
    assert len(tape.tail(99)) == 5
    with pytest.raises(DataError, match="holds no bars"):
        tape.between(11, 19)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ts": np.array([0, 10, 10, 20, 30])}, "times of bars must increase"),
        ({"ts": np.arange(4)}, r"close has shape \(5, 2\), expected \(4, 2\)"),
    ],
)
def test_impossible_tapes_are_refused(changes: dict[str, object], message: str) -> None:
    """Times that do not increase and arrays of another shape."""
    with pytest.raises(DataError, match=message):
        _tape(**changes)


@pytest.mark.parametrize(
    ("step_s", "length_s", "days", "usual"),
    [
        (300, 23_400, 5, 78 * 252.0),
        (60, 86_400, 7, 1440 * 365.0),
        (3_600, 86_400, 6, 24 * 252.0),
        (86_400, 86_400, 5, None),
        (86_400, 86_400, 7, 365.0),
    ],
)
def test_bars_of_a_year_are_counted_when_they_are_shorter_than_a_day(
    step_s: int, length_s: int, days: int, usual: float | None
) -> None:
    """Exchanges have 252 sessions a year, with or without a Sunday evening; a market that never closes has 365."""
    starts = [(_MONDAY + 7 * week + day) * 86_400 for week in range(3) for day in range(days)]
    ts = np.array([start + at for start in starts for at in range(step_s, length_s + 1, step_s)]) * 10**9
    tape = Tape("T", "t.csv", Universe.of(["A"]), ts, np.ones((len(ts), 1)), dating=Dating("UTC"))
    assert tape.bars_per_year == usual
    settings = Settings(feed=FeedSettings(start=iso(int(ts[3]))))
    assert plan(settings, tape, "backtest").settings.engine.bars_per_year == (usual or 252.0)
    chosen = replace(settings, engine=EngineSettings(bars_per_year=1_000.0))
    assert plan(chosen, tape, "backtest").settings.engine.bars_per_year == 1_000.0
