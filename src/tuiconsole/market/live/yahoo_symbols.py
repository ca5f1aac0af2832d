"""How Yahoo writes symbols: classes of shares with a dash, everything else as the house does."""

from __future__ import annotations

import re

_CLASS = re.compile(r"([A-Z]+)[./]([A-Z])")


def yahoo_symbol(symbol: str) -> str:
    """Yahoo's name of a house symbol; exchange suffixes of two letters and more stay.

    >>> yahoo_symbol("BRK.B"), yahoo_symbol("SHOP.TO"), yahoo_symbol("BTC-USD")
    ('BRK-B', 'SHOP.TO', 'BTC-USD')
    """
    found = _CLASS.fullmatch(symbol)
    return f"{found[1]}-{found[2]}" if found and found[2] != "V" else symbol
