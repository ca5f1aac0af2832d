"""Bars of bid and ask: the middle as prices, the quotes beside them, and trades that come before or after."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.market.imports.test_real_files import _file
from tuiconsole.domain.clock import EventClock, parse_iso
from tuiconsole.domain.errors import DataError
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.imports.reading import Asked
from tuiconsole.market.imports.run import ImportReport, import_bars

_HEAD = (
    "ts,symbol,bid_open,bid_high,bid_low,bid_close,bid_size,ask_open,ask_high,ask_low,ask_close,ask_size\n"
)
_QUOTES = (
    _HEAD + "2024-07-02T14:00:00Z,A,10,12,9,11,100,10.2,12.2,9.2,11.2,300\n"
    "2024-07-02T14:01:00Z,A,11,12,10,11,0,11.4,12.4,10.4,11.4,0\n"
    "2024-07-02T14:02:00Z,A,11,12,10,0,100,11.4,12.4,10.4,11.4,100\n"
)
_TRADES = (
    "ts,symbol,open,high,low,close,volume\n2024-07-02T14:00:00Z,A,10,12,10,12,50\n"
    "2024-07-02T14:02:00Z,A,11,11,11,11,60\n"
)
_ASKED = Asked(interval="1min", label="end")


def _import(store: HistoryStore, text: str, name: str = "q.csv") -> ImportReport:
    path = store.root.parent / name
    path.write_text(text)
    return import_bars(store, path, _ASKED)


def _store(folder: Path) -> HistoryStore:
    return HistoryStore(folder / "store", EventClock(parse_iso("2100-01-01")))


def test_prices_are_the_middle_and_quotes_stay_beside(tmp_path: Path) -> None:
    store = _store(tmp_path)
    report = _import(store, _QUOTES)
    assert (report.layout, report.quoted, report.written.flagged) == ("quotes", 2, {"no close": 1})
    tape = store.tape(None, "1min")
    assert len(tape) == 2  # the third bar has no bid, so no price
    assert tape.open is not None
    assert tape.bid is not None
    assert tape.ask is not None
    assert tape.bid_size is not None
    np.testing.assert_allclose(tape.open[:, 0], [10.1, 11.2])
    np.testing.assert_allclose(tape.close[:, 0], [11.1, 11.2])
    np.testing.assert_array_equal(tape.bid[:, 0], [11, 11])
    np.testing.assert_array_equal(tape.ask[:, 0], [11.2, 11.4])
    np.testing.assert_array_equal(tape.bid_size[:, 0], [100, np.nan])
    (held,) = store.inspect("1min")
    assert held.quotes is not None
    assert (held.quotes.bars, held.quotes.crossed) == (2, 0)
    assert held.quotes.spread_bp == pytest.approx(np.median([2e3 / 11.1, 4e3 / 11.2]))
    again = _import(store, _QUOTES)
    assert (again.written.new, again.written.changed) == (0, 0)


@pytest.mark.parametrize("order", [(_TRADES, _QUOTES), (_QUOTES, _TRADES)])
def test_prices_of_trades_count_and_quotes_are_added_in_either_order(
    tmp_path: Path, order: tuple[str, str]
) -> None:
    store = _store(tmp_path)
    for k, text in enumerate((*order, *order)):
        written = _import(store, text, f"{'q' if text is _QUOTES else 't'}.csv").written
        if k >= 2:
            assert (written.new, written.changed) == (0, 0)
    tape = store.tape(None, "1min")
    assert tape.bid is not None
    assert tape.ask is not None
    assert tape.volume is not None
    np.testing.assert_allclose(tape.close[:, 0], [12.0, 11.2, 11.0])
    np.testing.assert_array_equal(tape.bid[:, 0], [11, 11, np.nan])
    np.testing.assert_array_equal(tape.ask[:, 0], [11.2, 11.4, 11.4])
    np.testing.assert_array_equal(tape.volume[:, 0], [50, np.nan, 60])


def test_both_kinds_in_one_folder(tmp_path: Path) -> None:
    folder = tmp_path / "both"
    folder.mkdir()
    (folder / "a_quotes.csv").write_text(_QUOTES)
    (folder / "b_trades.csv").write_text(_TRADES)
    store = _store(tmp_path)
    report = import_bars(store, folder, _ASKED)
    assert (report.written.put_aside, report.written.new, report.layout) == (0, 3, "file, quotes")
    np.testing.assert_allclose(store.tape(None, "1min").close[:, 0], [12.0, 11.2, 11.0])


def test_quotes_of_a_file_with_prices_are_kept(tmp_path: Path) -> None:
    store = _store(tmp_path)
    _import(store, "ts,symbol,close,bid,ask,bid_size\n2024-07-02T14:00:00Z,A,10,9.9,10.1,5\n")
    tape = store.tape(None, "1min")
    assert tape.bid is not None
    assert tape.bid_size is not None
    assert (tape.close.item(), tape.bid.item(), tape.bid_size.item()) == (10.0, 9.9, 5.0)


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        ("ts,symbol,price,size", r"p\.csv holds trades, not bars\..*data import-ticks p\.csv"),
        ("ts,symbol,kind,price,size,bid,ask", r"holds trades, not bars"),
        ("ts,symbol,bid,ask", r"holds single quotes, not bars\..*bid_close and ask_close"),
    ],
)
def test_files_of_ticks_name_the_verb_for_them(tmp_path: Path, head: str, sentence: str) -> None:
    row = ",".join(["2024-07-02T14:00:00Z", "A", *["1"] * (head.count(",") - 1)])
    with pytest.raises(DataError, match=sentence):
        _import(_store(tmp_path), f"{head}\n{row}\n", "p.csv")


@pytest.mark.parametrize(
    ("name", "symbols", "quoted"),
    [
        ("fx_1min_bidask.parquet", ("EUR-USD", "NZD-USD", "XAU-USD"), 48_949),
        ("us_1min_lean_nbbo.parquet", ("AAPL", "AIG", "FOXA", "GOOG", "IBM", "SHY", "SPY", "TWX"), 19_348),
    ],
)
def test_real_files_of_bid_and_ask(tmp_path: Path, name: str, symbols: tuple[str, ...], quoted: int) -> None:
    report = import_bars(_store(tmp_path), _file(name), Asked(label="start"))
    assert (report.symbols, report.quoted, report.reading.interval) == (symbols, quoted, "1min")
    reports = {one.symbol: one.quotes for one in _store(tmp_path).inspect("1min")}
    kept = reports[symbols[0]]
    assert kept is not None
    assert 0.1 < kept.spread_bp < 30.0
