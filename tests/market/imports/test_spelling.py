"""Symbols of files become the house's, by the vendor that wrote them; what is uncertain is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.market.test_vendor_symbols import CURRENCY_PAIRS, OTHERS, PAIRS, SHARES
from tuiconsole.domain.clock import EventClock, parse_iso
from tuiconsole.domain.errors import DataError, UsageError
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.imports.reading import Asked
from tuiconsole.market.imports.run import ImportReport, import_bars
from tuiconsole.market.imports.spelling import KEEP, Spelling, house_spelling
from tuiconsole.market.vendor_symbols import VENDORS, asset_class, vendor_symbol

_YAHOO = "Date,Open,High,Low,Close,Adj Close,Volume\n2024-07-02,1,2,1,2,2,10\n2024-07-03,1,2,1,2,2,10\n"
_PLAIN = "date,close\n2024-07-02,1\n2024-07-03,2\n"


def _import(folder: Path, files: dict[str, str], spelling: str = "") -> ImportReport:
    place = folder / "files"
    place.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (place / name).write_text(text)
    store = HistoryStore(folder / "store", EventClock(parse_iso("2100-01-01")))
    return import_bars(store, place, Asked(spelling=spelling))


@pytest.mark.parametrize(
    ("vendor", "written", "house"),
    [
        ("yahoo", "BRK-B", "BRK.B"),
        ("yahoo", "BTC.V", "BTC.V"),
        ("yahoo", "EUR=X", "USD-EUR"),
        ("yahoo", "BBD-B.TO", "BBD.B.TO"),
        ("alpaca", "BRK.B", "BRK.B"),
        ("alpaca", "BTC/USD", "BTC-USD"),
        ("alpha_vantage", "SHOP.TRT", "SHOP.TO"),
        ("stooq", "brk-b.us", "BRK.B"),
        ("stooq", "BTC.V", "BTC-USD"),
        ("stooq", "cl.f", "CL=F"),
        ("stooq", "^spx", "^GSPC"),
        ("stooq", "eurusd", "EUR-USD"),
        ("file", "BRK-B.US", "BRK.B"),
        ("file", "aapl_us", "AAPL"),
        ("file", "XAUUSD", "XAU-USD"),
        ("file", "BTC_USDT", "BTC-USDT"),
        ("file", "DOGEUSDT", "DOGE-USDT"),
        ("file", "GOOGL", "GOOGL"),
        ("file", "ES-201312", "ES-201312"),
        ("file", "COINBASE:BTCUSD", "COINBASE:BTCUSD"),
    ],
)
def test_what_a_vendor_writes(vendor: str, written: str, house: str) -> None:
    assert house_spelling(written, vendor) == house
    assert house_spelling(house, "file") == house


@settings(derandomize=True, deadline=None)
@given(st.one_of(SHARES, PAIRS, CURRENCY_PAIRS, OTHERS), st.sampled_from(VENDORS))
def test_a_vendors_spelling_comes_back_as_the_house_wrote_it(symbol: str, vendor: str) -> None:
    written = vendor_symbol(symbol, vendor)
    if written is not None:
        found = house_spelling(written, vendor)
        assert found == symbol
        assert asset_class(found) is asset_class(symbol)


def test_one_file_per_symbol_lands_under_the_houses_names(tmp_path: Path) -> None:
    names = ("BRK-B", "SHOP.TO", "EURUSD=X", "BTC-USD", "^GSPC", "AAPL")
    report = _import(tmp_path, {f"{name}.csv": _YAHOO for name in names})
    assert report.symbols == ("AAPL", "BRK.B", "BTC-USD", "EUR-USD", "SHOP.TO", "^GSPC")
    assert report.mapped == {"BRK-B": "BRK.B", "EURUSD=X": "EUR-USD"}
    kept = _import(tmp_path, {}, KEEP)
    assert set(kept.symbols) == set(names)
    assert kept.mapped == {}


def test_two_spellings_of_one_symbol_are_never_merged(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"BRK-B and BRK\.B are two spellings of BRK\.B in BRK\.B\.csv"):
        _import(tmp_path, {"BRK-B.csv": _YAHOO, "BRK.B.csv": _YAHOO})
    assert _import(tmp_path, {}, KEEP).symbols == ("BRK-B", "BRK.B")
    text = "date,symbol,close\n2024-07-02,spy,1\n2024-07-02,SPY.US,2\n"
    with pytest.raises(DataError, match=r"two spellings of SPY in both\.csv"):
        _import(tmp_path / "column", {"both.csv": text})


def test_what_vendors_disagree_about_is_asked(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"BTC\.V is a Venture listing to Yahoo, and BTC-USD to Stooq"):
        _import(tmp_path, {"btc.v.csv": _PLAIN})
    assert _import(tmp_path, {}, "yahoo").symbols == ("BTC.V",)
    assert _import(tmp_path, {}, "stooq").symbols == ("BTC-USD",)
    with pytest.raises(UsageError, match="--spelling is 'yahu', expected yahoo, alpaca"):
        Spelling("yahu")


def test_columns_of_a_wide_table_and_actions_are_named_alike(tmp_path: Path) -> None:
    wide = "date,BRK-B,BTCUSDT\n2024-07-02,1,2\n2024-07-03,1,2\n"
    actions = "symbol,ex_date,ratio\nBRK-B,2024-07-03,2:1\n"
    report = _import(tmp_path, {"wide.csv": wide, "splits.csv": actions})
    assert report.symbols == ("BRK.B", "BTC-USDT")
    assert list(HistoryStore(tmp_path / "store").actions()) == ["BRK.B"]
