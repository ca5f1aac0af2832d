"""Symbols go to each vendor and come back unchanged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiconsole.domain.instruments import AssetClass
from tuiconsole.market.vendor_symbols import (
    CURRENCIES,
    VENDORS,
    asset_class,
    house_symbol,
    house_symbol_of,
    pair_of,
    vendor_symbol,
)

LETTERS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=5)
SHARES = st.builds(
    lambda base, share_class, exchange: base + share_class + exchange,
    LETTERS,
    st.sampled_from(["", ".A", ".B", ".UN", ".PR"]),
    st.sampled_from(["", ".TO", ".V"]),
)
PAIRS = st.builds(
    lambda base, quote: f"{base}-{quote}",
    st.sampled_from(["BTC", "ETH", "SOL", "DOGE", "1INCH"]),
    st.sampled_from(["USD", "EUR", "USDT"]),
)
CURRENCY_PAIRS = st.permutations(sorted(CURRENCIES)).map(lambda c: f"{c[0]}-{c[1]}")
OTHERS = st.sampled_from(["^GSPC", "^GSPTSE", "GC=F", "ES=F"])


@given(st.one_of(SHARES, PAIRS, CURRENCY_PAIRS, OTHERS), st.sampled_from(VENDORS))
def test_there_and_back(symbol: str, vendor: str) -> None:
    written = vendor_symbol(symbol, vendor)
    if written is not None:
        assert house_symbol_of(written, vendor) == symbol
    assert house_symbol(symbol) == symbol


@given(st.lists(st.one_of(SHARES, PAIRS, CURRENCY_PAIRS, OTHERS), unique=True), st.sampled_from(VENDORS))
def test_no_two_symbols_become_one(symbols: list[str], vendor: str) -> None:
    written = [w for w in (vendor_symbol(s, vendor) for s in symbols) if w is not None]
    assert len(set(written)) == len(written)


@pytest.mark.parametrize(
    ("symbol", "yahoo", "alpaca", "alpha_vantage"),
    [
        ("AAPL", "AAPL", "AAPL", "AAPL"),
        ("BRK.B", "BRK-B", "BRK.B", "BRK-B"),
        ("BBD.B.TO", "BBD-B.TO", None, "BBD-B.TRT"),
        ("ABC.V", "ABC.V", None, "ABC.TRV"),
        ("BTC-USD", "BTC-USD", "BTC/USD", "BTC-USD"),
        ("EUR-USD", "EURUSD=X", None, "EUR-USD"),
        ("^GSPC", "^GSPC", None, None),
        ("GC=F", "GC=F", None, None),
        ("V", "V", "V", "V"),
    ],
)
def test_known_names(symbol: str, yahoo: str, alpaca: str | None, alpha_vantage: str | None) -> None:
    assert [vendor_symbol(symbol, vendor) for vendor in VENDORS] == [yahoo, alpaca, alpha_vantage]


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        (" brk-b ", "BRK.B"),
        ("BRK/B", "BRK.B"),
        ("btc/usd", "BTC-USD"),
        ("CAD=X", "USD-CAD"),
        ("eurusd=x", "EUR-USD"),
    ],
)
def test_what_people_type(text: str, symbol: str) -> None:
    assert house_symbol(text) == symbol


def test_kinds() -> None:
    assert asset_class("BTC-EUR") is AssetClass.CRYPTO
    assert asset_class("USD-JPY") is AssetClass.FX
    assert asset_class("BRK.B") is AssetClass.EQUITY
    assert pair_of("BTC-USD") == ("BTC", "USD")
    with pytest.raises(ValueError, match="AAPL is not a pair"):
        pair_of("AAPL")
