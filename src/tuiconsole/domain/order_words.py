"""Terms of an order in words, for screens, verbs and ``why``."""

from __future__ import annotations

from tuiconsole.domain.clock import iso
from tuiconsole.domain.order_terms import OrderType, Peg, Terms, TimeInForce, TrailUnit

TIF_WORDS = {
    TimeInForce.DAY: "for the day",
    TimeInForce.GTC: "until cancelled",
    TimeInForce.OPG: "at the opening",
    TimeInForce.IOC: "at once",
    TimeInForce.FOK: "at once and whole",
    TimeInForce.GTD: "until a date",
    TimeInForce.CLS: "at the close",
}
_PEG_WORDS = {Peg.PRIMARY: "its own side", Peg.MARKET: "the other side", Peg.MID: "the middle"}
_LEAST_DECIMALS = 2


def kind_word(terms: Terms) -> str:
    """The type of an order in one or two words.

    >>> kind_word(Terms(OrderType.LIMIT, limit=1, display=5)), kind_word(Terms())
    ('iceberg', 'market')
    """
    if terms.display:
        return "iceberg"
    return OrderType(terms.type).name.lower().replace("_", " ")


def described(terms: Terms, price_decimals: int, quantity_decimals: int = 0) -> str:
    """All terms of an order as one line; empty for a market order for the day.

    Parameters
    ----------
    price_decimals, quantity_decimals
        Of the instrument.

    >>> described(Terms(OrderType.STOP_LIMIT, TimeInForce.GTC, stop=95_000_000, limit=94_500_000), 6)
    'stop limit, stop 95.00, limit 94.50, until cancelled'
    """
    if terms.plain:
        return ""
    named = terms.type in (OrderType.LIMIT, OrderType.STOP) and not terms.display
    parts = [] if named else [kind_word(terms)]
    parts += [f"stop {_price(terms.stop, price_decimals)}"] if terms.stop else []
    parts += [f"limit {_price(terms.limit, price_decimals)}"] if terms.limit else []
    if terms.trail_unit:
        parts.append(_trail(terms, price_decimals))
    if terms.peg:
        behind = f", {_price(terms.peg_offset, price_decimals)} behind" if terms.peg_offset else ""
        parts.append(f"follows {_PEG_WORDS[Peg(terms.peg)]}{behind}")
    if terms.display:
        parts.append(f"shows {terms.display / 10**quantity_decimals:,g}")
    tif = TimeInForce(terms.tif)
    parts.append(f"until {iso(terms.expiry)[:16]}" if tif == TimeInForce.GTD else TIF_WORDS[tif])
    parts += [f"once {terms.parent} fills"] if terms.parent > 0 else []
    parts += [f"or group {terms.oco}"] if terms.oco > 0 else []
    return ", ".join(parts)


def _trail(terms: Terms, decimals: int) -> str:
    if terms.trail_unit == TrailUnit.PERCENT:
        return f"trails by {terms.trail / 10_000:g} %"
    by_range = " (average true ranges)" if terms.trail_unit == TrailUnit.ATR else ""
    return f"trails by {_price(terms.trail, decimals)}{by_range}"


def _price(scaled: int, decimals: int) -> str:
    """A scaled price with as many decimals as it needs, at least two."""
    text = f"{scaled / 10**decimals:.{decimals}f}"
    whole, _, part = text.partition(".")
    return f"{whole}.{part.rstrip('0').ljust(_LEAST_DECIMALS, '0')}"
