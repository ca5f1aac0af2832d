"""Names and numbers of a decision in the units a trader reads: percent, prices, bars. No Textual here."""

from __future__ import annotations

import math
import re
from typing import Any

from tuiconsole.ui.format import MISSING, money, percent1, percent1_signed, plain, price, ratio

_PERCENT = (
    "weight",
    "target_weight",
    "kelly_weight",
    "name_limit",
    "gross",
    "gross_limit",
    "trend",
    "range",
)
_PRICES = ("price", "open", "high", "low", "close", "lot_value", "donchian", "ema", "atr")
_MONEY = ("equity", "cash")
_SWITCHES = ("tradable", "acting")
_SIGNED_PERCENT = ("momentum", "log_return")
_YEARLY = "volatility"


def _starts(name: str, heads: tuple[str, ...]) -> bool:
    return any(name == head or name.startswith(f"{head}_") for head in heads)


def value(name: str, number: Any) -> str:
    """``number`` in the unit that ``name`` has.

    >>> value("momentum_252_21", 0.1206), value("residual_volatility_63", 0.1351), value("rsi_14", 35.539)
    ('+12.1 %', '13.5 %', '35.5')
    >>> value("target_lots", 269.0), value("tradable", 1.0), value("zscore_20", None)
    ('269', 'yes', '–')
    """
    if isinstance(number, bool):
        return "yes" if number else "no"
    if not isinstance(number, int | float):
        return MISSING if number is None else plain(number)
    if not math.isfinite(number):
        return MISSING
    if _starts(name, _SWITCHES):
        return "yes" if number else "no"
    if _starts(name, _MONEY):
        return money(number)
    if _starts(name, _SIGNED_PERCENT):
        return f"{percent1_signed(number)} %"
    if name in _PERCENT or (_YEARLY in name and not name.endswith("scale")):
        return f"{percent1(number)} %"
    if _starts(name, _PRICES):
        return price(number)
    if name.startswith("rsi"):
        return f"{number:.1f}"
    return (
        f"{round(number):,d}"
        if number == round(number)
        else ratio(number)
        if abs(number) >= 0.1
        else f"{number:.3g}"
    )


def label(name: str) -> str:
    """``name`` for people: blanks, and lengths in bars at the end.

    >>> label("momentum_252_21"), label("momentum_63_0"), label("donchian_high_55"), label("kelly_weight")
    ('momentum 252/21', 'momentum 63', 'donchian high 55', 'kelly weight')
    """
    found = re.fullmatch(r"(.*?)((?:_\d+)*)", plain(name))
    if found is None:
        return plain(name)
    lengths = [length for length in found[2].split("_") if length]
    if len(lengths) > 1 and lengths[-1] == "0":
        lengths.pop()
    return " ".join([found[1].replace("_", " "), "/".join(lengths)]).strip()


def moment(text: Any) -> str:
    """An ISO time to the minute.

    >>> moment("2007-02-08T21:00:00Z")
    '2007-02-08 21:00'
    """
    return plain(text).replace("T", " ").removesuffix("Z")[:16]
