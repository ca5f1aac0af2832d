"""One symbol, written as each vendor writes it.

The house writes a share class after a point (``BRK.B``), a Toronto listing with ``.TO`` and a Venture listing
with ``.V`` (``BBD.B.TO``), a crypto or currency pair with a dash (``BTC-USD``, ``EUR-USD``), an index with a caret
(``^GSPC``) and a future with ``=F`` (``GC=F``).
"""

from __future__ import annotations

import re

from tuiconsole.domain.instruments import AssetClass

VENDORS = ("yahoo", "alpaca", "alpha_vantage")
_MAJOR = ("AUD", "CAD", "CHF", "EUR", "GBP", "JPY", "NZD", "USD")
_OTHERS = (
    "BRL",
    "CNH",
    "CNY",
    "CZK",
    "DKK",
    "HKD",
    "HUF",
    "ILS",
    "INR",
    "KRW",
    "MXN",
    "NOK",
    "PLN",
    "SEK",
    "SGD",
    "THB",
)
CURRENCIES = frozenset((*_MAJOR, *_OTHERS, "TRY", "TWD", "ZAR", "XAG", "XAU", "XPD", "XPT"))
"""Currencies, and metals that have a currency's code: their pairs are foreign exchange; any other pair is crypto."""
_EXCHANGES = {"TO": "TRT", "V": "TRV"}
"""Canadian listings: the house's and Yahoo's suffix, and Alpha Vantage's."""
_HOUSE_SUFFIX = {theirs: ours for ours, theirs in _EXCHANGES.items()}
_PAIR = re.compile(r"([A-Z0-9]{2,10})[-/]([A-Z]{3,5})")
_QUOTES = frozenset(
    {"USD", "USDT", "USDC", "BUSD", "FDUSD", "TUSD", "EUR", "GBP", "CAD", "JPY", "AUD", "CHF", "BTC", "ETH"}
)


def house_symbol(text: str) -> str:
    """``text`` as the house writes it, whichever vendor wrote it.

    A dash before one or two letters is a share class, before a currency it makes a pair.

    >>> house_symbol("brk-b"), house_symbol("BTC/USD"), house_symbol("EURUSD=X"), house_symbol("BBD-B.TO")
    ('BRK.B', 'BTC-USD', 'EUR-USD', 'BBD.B.TO')
    """
    word = text.strip().upper()
    if word.endswith("=X"):
        pair = word[:-2] if len(word) > 5 else f"USD{word[:-2]}"
        return f"{pair[:-3]}-{pair[-3:]}"
    if word.startswith("^") or "=" in word:
        return word
    if _pair(word) is not None:
        return word.replace("/", "-")
    base, suffix = _listing(word)
    return base.replace("-", ".").replace("/", ".") + suffix


def vendor_symbol(symbol: str, vendor: str) -> str | None:
    """The house's ``symbol`` as ``vendor`` writes it, or None when that vendor does not carry such things.

    >>> vendor_symbol("BRK.B", "yahoo"), vendor_symbol("BRK.B", "alpaca"), vendor_symbol("SHOP.TO", "alpaca")
    ('BRK-B', 'BRK.B', None)
    >>> vendor_symbol("SHOP.TO", "alpha_vantage"), vendor_symbol("BTC-USD", "alpaca"), vendor_symbol("EUR-USD", "yahoo")
    ('SHOP.TRT', 'BTC/USD', 'EURUSD=X')
    """
    kind = asset_class(symbol)
    if vendor == "yahoo":
        if kind is AssetClass.FX:
            return symbol.replace("-", "") + "=X"
        if kind in (AssetClass.CRYPTO, AssetClass.INDEX, AssetClass.FUTURE):
            return symbol
        base, suffix = _listing(symbol)
        return base.replace(".", "-") + suffix
    if vendor == "alpaca":
        if kind is AssetClass.CRYPTO:
            return symbol.replace("-", "/")
        return symbol if kind is AssetClass.EQUITY and not _listing(symbol)[1] else None
    if kind in (AssetClass.INDEX, AssetClass.FUTURE):
        return None
    if kind in (AssetClass.FX, AssetClass.CRYPTO):
        return symbol
    base, suffix = _listing(symbol)
    return base.replace(".", "-") + (f".{_EXCHANGES[suffix[1:]]}" if suffix else "")


def house_symbol_of(written: str, vendor: str) -> str:
    """The house symbol of what ``vendor`` wrote; the inverse of :func:`vendor_symbol`.

    >>> house_symbol_of("BBD-B.TRT", "alpha_vantage")
    'BBD.B.TO'
    """
    if vendor == "alpha_vantage":
        base, point, suffix = written.upper().rpartition(".")
        if point and suffix in _HOUSE_SUFFIX:
            return f"{base.replace('-', '.')}.{_HOUSE_SUFFIX[suffix]}"
    return house_symbol(written)


def asset_class(symbol: str) -> AssetClass:
    """What kind of thing the house's ``symbol`` names; a fund looks like a share and counts as one.

    >>> [asset_class(s).value for s in ("AAPL", "BTC-USD", "EUR-USD", "^GSPC", "GC=F")]
    ['equity', 'crypto', 'fx', 'index', 'future']
    """
    if symbol.startswith("^"):
        return AssetClass.INDEX
    if symbol.endswith("=F"):
        return AssetClass.FUTURE
    pair = _pair(symbol)
    if pair is None:
        return AssetClass.EQUITY
    return AssetClass.FX if CURRENCIES.issuperset(pair) else AssetClass.CRYPTO


def pair_of(symbol: str) -> tuple[str, str]:
    """Base and quote of a pair such as ``BTC-USD``; raises ``ValueError`` for anything else."""
    pair = _pair(symbol)
    if pair is None:
        raise ValueError(f"{symbol} is not a pair")
    return pair


def _pair(word: str) -> tuple[str, str] | None:
    found = _PAIR.fullmatch(word)
    if found is None or not (found[2] in _QUOTES or found[2] in CURRENCIES):
        return None
    return found[1], found[2]


def _listing(word: str) -> tuple[str, str]:
    """A share and the suffix of its Canadian exchange with its point, or an empty suffix."""
    base, point, last = word.rpartition(".")
    return (base, f".{last}") if point and last in _EXCHANGES and base else (word, "")
