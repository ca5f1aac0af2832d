"""Instruments of symbols: what a list says, else what the packaged lists know, else what the symbol itself tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

import numpy as np

from tuiconsole.domain.instruments import AssetClass, Currency, Instrument, Universe
from tuiconsole.domain.types import BoolArray, IntArray
from tuiconsole.market.exchange_sessions import NEW_YORK_STOCK_EXCHANGE, ROUND_THE_CLOCK, WEEK
from tuiconsole.market.sectors import sector_of
from tuiconsole.market.universes.lists import Listed, SymbolList, packaged_lists
from tuiconsole.market.vendor_symbols import asset_class, pair_of

FUTURES = "CMES"
TORONTO = "XTSE"
_CANADIAN = (".TO", ".V", ".CN", ".NE")
_CLASS_OF = {
    "core": AssetClass.EQUITY,
    "penny": AssetClass.EQUITY,
    "ETF": AssetClass.ETF,
    "index": AssetClass.INDEX,
    "crypto": AssetClass.CRYPTO,
    "FX": AssetClass.FX,
}
_CALENDAR_OF = {AssetClass.CRYPTO: ROUND_THE_CLOCK, AssetClass.FX: WEEK, AssetClass.FUTURE: FUTURES}
_DECIMALS_OF = {"JPY": 0, "KRW": 0, "BTC": 8, "ETH": 8}
_NOTHING: Mapping[str, Listed] = {}


def universe_of(symbols: Iterable[str], chosen: SymbolList | None = None) -> Universe:
    """Instruments of ``symbols`` as a universe; more than one currency raises :class:`UsageError`."""
    rows = _NOTHING if chosen is None else chosen.by_symbol
    return Universe(tuple(instrument_of(symbol, rows.get(symbol)) for symbol in symbols))


def instrument_of(symbol: str, row: Listed | None = None) -> Instrument:
    """The instrument of ``symbol``.

    >>> one = instrument_of("SHOP.TO")
    >>> one.venue, one.currency.code, one.sector
    ('XTSE', 'CAD', 'Information Technology')
    >>> instrument_of("BTC-EUR").currency.code, instrument_of("BTC-EUR").venue
    ('EUR', '24/7')
    """
    known = _known().get(symbol, Listed(symbol))
    row = row or known
    category = row.category or known.category
    kind = _CLASS_OF[category] if category else asset_class(symbol)
    code = row.currency or known.currency or currency_of(symbol)
    calendar = row.calendar or known.calendar or calendar_of(symbol, kind)
    return _made(symbol, kind, calendar, code, row.sector or known.sector or sector_of(symbol))


def calendar_of(symbol: str, kind: AssetClass | None = None) -> str:
    """Exchange calendar that the house's ``symbol`` trades by."""
    found = _CALENDAR_OF.get(asset_class(symbol) if kind is None else kind)
    if found is not None:
        return found
    return TORONTO if symbol.endswith(_CANADIAN) or symbol == "^GSPTSE" else NEW_YORK_STOCK_EXCHANGE


def currency_of(symbol: str) -> str:
    """Currency that the house's ``symbol`` is quoted in.

    >>> currency_of("USD-CAD"), currency_of("SHOP.TO"), currency_of("AAPL")
    ('CAD', 'CAD', 'USD')
    """
    if asset_class(symbol) in (AssetClass.CRYPTO, AssetClass.FX):
        return pair_of(symbol)[1]
    return "CAD" if symbol.endswith(_CANADIAN) or symbol == "^GSPTSE" else "USD"


def told(universe: Universe) -> tuple[tuple[str, ...], ...]:
    """Symbol, asset class, calendar, currency and sector of each instrument that is more than its symbol says.

    For digests and recorded tapes; :func:`retold` is the inverse.
    """
    return tuple(
        (one.symbol, one.asset_class.value, one.venue, one.currency.code, one.sector)
        for one in universe.instruments
        if one != _plain(one.symbol)
    )


def retold(symbols: Iterable[str], rows: Iterable[tuple[str, ...]]) -> Universe:
    """The universe of ``symbols`` of which :func:`told` said ``rows``."""
    found = {symbol: _made(symbol, AssetClass(kind), *rest) for symbol, kind, *rest in rows}
    return Universe(tuple(found.get(symbol) or _plain(symbol) for symbol in symbols))


def _plain(symbol: str) -> Instrument:
    return Instrument(symbol, sector=sector_of(symbol))


def _made(symbol: str, kind: AssetClass, calendar: str, currency: str, sector: str) -> Instrument:
    """Coins are traded in ten-thousandths, everything else in whole units."""
    decimals = 4 if kind is AssetClass.CRYPTO else 0
    money = Currency(currency, _DECIMALS_OF.get(currency, 2))
    return Instrument(symbol, kind, calendar, money, sector, quantity_decimals=decimals)


def members(chosen: SymbolList, symbols: Iterable[str], sessions: IntArray) -> BoolArray | None:
    """Membership of each symbol at each bar, bool ``[n_bars, n_symbols]``; None when the list knows no dates.

    Parameters
    ----------
    sessions
        int64 ``[n_bars]``, days since 1970.
    """
    if not chosen.point_in_time:
        return None
    rows = chosen.by_symbol
    columns = []
    for symbol in symbols:
        spans = rows[symbol].spans if symbol in rows else ()
        inside = np.full(len(sessions), not spans)
        for first, last in spans:
            inside |= (sessions >= first) & (sessions <= last)
        columns.append(inside)
    return np.column_stack(columns)


@lru_cache(maxsize=1)
def _known() -> Mapping[str, Listed]:
    return {row.symbol: row for one in packaged_lists().values() for row in one.rows}
