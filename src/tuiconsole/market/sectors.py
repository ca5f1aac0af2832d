"""Sectors of the symbols the desk knows by name: the Global Industry Classification Standard's eleven."""

from __future__ import annotations

_SYMBOLS_BY_SECTOR = {
    "Consumer Discretionary": ("BBY", "HD"),
    "Consumer Staples": ("KO", "PEP", "PG", "WMT"),
    "Energy": ("CVX", "RRC", "XOM"),
    "Financials": ("BAC", "JPM"),
    "Health Care": ("JNJ", "LLY", "MRK", "PFE", "UNH"),
    "Industrials": ("GE",),
    "Information Technology": ("AAPL", "AMD", "MSFT"),
}
_SECTOR_OF = {symbol: sector for sector, symbols in _SYMBOLS_BY_SECTOR.items() for symbol in symbols}


def sector_of(symbol: str) -> str:
    """Sector of ``symbol``, or an empty text where it is not known.

    >>> sector_of("XOM"), sector_of("QQQ")
    ('Energy', '')
    """
    return _SECTOR_OF.get(symbol, "")
