"""Real files of several sources are read as their makers meant them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tuiconsole.domain.clock import EventClock, iso, parse_iso
from tuiconsole.domain.errors import DataError
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.imports.reading import Asked
from tuiconsole.market.imports.run import import_bars

_FOLDER = Path(__file__).resolve().parents[3].parent / "shared" / "data"


def _file(name: str) -> Path:
    path = _FOLDER / name
    if not path.is_file():
        pytest.skip(f"real data file {name} is not beside the repository")
    return path


@pytest.mark.parametrize(
    ("name", "interval", "label", "adjusted", "rows", "symbols"),
    [
        ("us_daily_raw_1998_2020.parquet", "1day", "session", "raw", 56_307, 16),
        ("us_index_daily.parquet", "1day", "session", "split", 10_062, 2),
        ("us_daily_2018_eqker.parquet", "1day", "session", "raw", 6_781, 24),
        ("us_1min_2019w07.parquet", "1min", "end", "raw", 43_164, 24),
        ("us_15min_2019.parquet", "15min", "end", "raw", 18_518, 24),
        ("us_1min_lean_trades.parquet", "1min", "start", "raw", 16_974, 8),
        ("multi_5min_extended.parquet", "5min", "start", "raw", 148_359, 12),
    ],
)
def test_layout_length_and_label_are_found(
    tmp_path: Path, name: str, interval: str, label: str, adjusted: str, rows: int, symbols: int
) -> None:
    report = import_bars(HistoryStore(tmp_path, EventClock(parse_iso("2100-01-01"))), _file(name), Asked())
    assert (report.reading.interval, report.reading.label, report.adjusted) == (interval, label, adjusted)
    assert (report.written.given, report.written.new) == (rows, rows)
    assert len(report.symbols) == symbols
    assert report.written.flagged == {}


def test_an_alpha_vantage_file_with_extended_hours_names_ends(tmp_path: Path) -> None:
    path = _file("api_samples/alphavantage/mock_time_series_extended.csv.gz")
    report = import_bars(
        HistoryStore(tmp_path, EventClock(parse_iso("2100-01-01"))), path, Asked(timezone="America/New_York")
    )
    assert (report.reading.interval, report.reading.label) == ("1min", "end")
    assert report.written.new == 11_190


def test_a_market_that_never_closes_must_be_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--label start or --label end"):
        import_bars(HistoryStore(tmp_path), _file("crypto_1min.parquet"), Asked())


def test_172_stocks_of_22_years(tmp_path: Path) -> None:
    """Three rows without prices on 2001-09-12 are flagged; that day is no bar."""
    store = HistoryStore(tmp_path, EventClock(parse_iso("2100-01-01")))
    report = import_bars(store, _file("us_daily_ohlcv.parquet"), Asked(), universe="us172")
    assert (report.written.new, report.written.flagged) == (779_928, {"no close": 3})
    tape = store.tape(None, "1day")
    assert len(tape.universe) == 172
    assert iso(int(tape.ts[0])) == "1999-01-04T21:00:00Z"
    assert not (np.isnan(tape.close).all(axis=1)).any()
    assert tape.index_from(parse_iso("2001-09-12")) == tape.index_from(parse_iso("2001-09-17"))
    tesla = tape.close[:, tape.universe.column("TSLA")]
    first = int(np.argmax(~np.isnan(tesla)))
    assert iso(int(tape.ts[first]))[:10] == "2010-06-29"
    assert np.isnan(tesla[:first]).all()
