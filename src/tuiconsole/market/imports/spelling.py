"""The symbols of an import as the house writes them: read the way the vendor that was recognised, or asked for, writes.

What a vendor means is certain only within its own spelling: ``BTC.V`` is a coin to Stooq and a Venture listing to Yahoo.
Two spellings of one import that come to the same symbol are refused, never merged.
"""

from __future__ import annotations

import re

from tuiconsole.domain.errors import DataError, UsageError
from tuiconsole.market.vendor_symbols import CURRENCIES, house_symbol, house_symbol_of

KEEP = "keep"
SPELLINGS = ("yahoo", "alpaca", "alpha_vantage", "stooq", KEEP)
"""What may be asked for; ``keep`` leaves every symbol as it is written."""

_OF_LAYOUT = {"yfinance": "yahoo", "alphavantage": "alpha_vantage"}
_STOOQ_INDICES = {"^SPX": "^GSPC", "^NDQ": "^IXIC", "^TSX": "^GSPTSE", "^DJC": "^DJA"}
_SHARE_CLASS = re.compile(r"[A-Z0-9]+-[A-Z]{1,3}(\.(?:TO|V|TRT|TRV))?")
_DIVIDED = re.compile(r"([A-Z0-9]{2,10})[-/_]([A-Z]{3,5})")
_COIN_MONEY = ("USDT", "USDC", "BUSD", "FDUSD", "TUSD")
_COINS = frozenset(
    re.findall(
        r"\w+",
        "AAVE ADA ALGO APT ARB ATOM AVAX BCH BNB BTC CRO DOGE DOT EOS ETC ETH FIL HBAR ICP LINK LTC MATIC NEAR OP PEPE SHIB "
        "SOL SUI TON TRX UNI VET XLM XMR XRP XTZ ZEC",
    )
)
_MONEY = ("USD", "EUR", "GBP", "JPY", "CAD", "AUD", "CHF", "BTC", "ETH")


class Spelling:
    """Translates the symbols of one import, and remembers what it changed.

    Parameters
    ----------
    asked
        One of :data:`SPELLINGS`, or empty: the layout of each file tells.

    Attributes
    ----------
    mapped
        House symbol by what was written, where they differ.

    Raises
    ------
    UsageError
        ``asked`` is no spelling.

    Examples
    --------
    >>> spelling = Spelling()
    >>> [spelling.house(*word) for word in (("BRK-B", "yahoo"), ("spy.us", "file"), ("EURUSD", "file"))]
    ['BRK.B', 'SPY', 'EUR-USD']
    """

    def __init__(self, asked: str = "") -> None:
        if asked and asked not in SPELLINGS:
            raise UsageError(f"--spelling is {asked!r}, expected {', '.join(SPELLINGS)}.")
        self.asked = asked
        self.mapped: dict[str, str] = {}
        self._written: dict[str, str] = {}

    def house(self, written: str, layout: str, file: str = "") -> str:
        """The house's symbol of what ``file`` of this layout writes.

        Raises :class:`DataError` when vendors disagree about it, or when another spelling came to the same symbol before.
        """
        word = written.strip()
        found = word if self.asked == KEEP else self._read(word, layout, file)
        first = self._written.setdefault(found, word)
        if first != word:
            raise DataError(
                f"{first} and {word} are two spellings of {found}{f' in {file}' if file else ''}.",
                "Keep one of them, or tell them apart with --spelling keep.",
            )
        if found != word:
            self.mapped[word] = found
        return found

    def _read(self, word: str, layout: str, file: str) -> str:
        vendor = self.asked or _OF_LAYOUT.get(layout, layout)
        if vendor == "file" and _disputed(word.upper()):
            name = word.upper()
            raise DataError(
                f"{file or name}: {name} is a Venture listing to Yahoo, and {_stooq(name)} to Stooq.",
                "Add --spelling yahoo or --spelling stooq, or --spelling keep.",
            )
        return house_spelling(word, vendor)


def house_spelling(word: str, vendor: str) -> str:
    """``word`` as ``vendor`` writes it, in the house's spelling; ``"file"`` stands for an unknown vendor.

    >>> [house_spelling("btc.v", vendor) for vendor in ("stooq", "yahoo")]
    ['BTC-USD', 'BTC.V']
    >>> [house_spelling(word, "file") for word in ("brk-b.us", "BTCUSDT", "ES-202003", "aapl_us", "XAUUSD", "EUR=X")]
    ['BRK.B', 'BTC-USDT', 'ES-202003', 'AAPL', 'XAU-USD', 'USD-EUR']
    """
    name = re.sub(r"[._]US$", "", word.strip().upper())
    if vendor == "alpha_vantage":
        return house_symbol_of(name, vendor)
    if vendor == "stooq":
        return _stooq(name)
    divided = _DIVIDED.fullmatch(name)
    if divided is not None and is_pair(*divided.groups()):
        return f"{divided[1]}-{divided[2]}"
    if _SHARE_CLASS.fullmatch(name) or name.endswith("=X") or "/" in name:
        return house_symbol(name)
    return _joined_pair(name)


def _stooq(name: str) -> str:
    """Stooq's ``.V`` is a coin in dollars and its ``.F`` a future; pairs stand without a dash."""
    base, point, market = name.rpartition(".")
    if point and market == "V":
        return f"{base}-USD"
    if point and market == "F":
        return f"{base}=F"
    if name in _STOOQ_INDICES:
        return _STOOQ_INDICES[name]
    return house_symbol(name) if _SHARE_CLASS.fullmatch(name) else _joined_pair(name)


def _disputed(name: str) -> bool:
    return name.endswith(".V") and name[:-2] in _COINS


def is_pair(base: str, quote: str) -> bool:
    """Whether these two are currencies, or a coin and what it is paid with.

    >>> is_pair("EUR", "USD"), is_pair("PEPE", "USDT"), is_pair("BTC", "EUR"), is_pair("NYSE", "ARC")
    (True, True, True, False)
    """
    if base in CURRENCIES and quote in CURRENCIES:
        return True
    return quote in _COIN_MONEY or (base in _COINS and quote in _MONEY)


def _joined_pair(name: str) -> str:
    """A pair written as one word, which no share is: its halves are known, and it has six letters or more."""
    if len(name) < 6 or not name.isalnum():
        return name
    for quote in (*_COIN_MONEY, *sorted(CURRENCIES), "BTC", "ETH"):
        base = name.removesuffix(quote)
        if base != name and len(base) >= 2 and is_pair(base, quote):
            return f"{base}-{quote}"
    return name
