"""The gate's rules: their numbers (which the journal holds), their order, their sentences for the trader."""

from __future__ import annotations

import enum
import math

from tuiconsole.domain.order_terms import FAULT_TEXT, TermsFault


class Rule(enum.IntEnum):
    """Why an order was refused. The numbers are stored: new rules get new ones, none is ever reused."""

    APPROVED = 0
    SIZE = 1
    NOTIONAL = 2
    COLLAR = 3
    STALE_REFERENCE = 4
    MISSING_REFERENCE = 5
    DUPLICATE = 6
    POSITION = 7
    CONCENTRATION = 8
    GROSS = 9
    NET = 10
    CASH_RESERVE = 11
    DAILY_LOSS = 12
    DRAWDOWN = 13
    ORDER_RATE = 14
    MODE = 15
    LOT = 16
    UNKNOWN_SYMBOL = 17
    ZERO_QUANTITY = 18
    CROSSES_ZERO = 19
    NOT_COMPUTED = 20
    TERMS = 21
    LIMIT_COLLAR = 22
    NOT_REPLACEABLE = 23
    CHILDREN = 30
    NOT_HOLDABLE = 40


ORDER_RULES = (
    Rule.UNKNOWN_SYMBOL,
    Rule.ZERO_QUANTITY,
    Rule.NOT_COMPUTED,
    Rule.DUPLICATE,
    Rule.CROSSES_ZERO,
    Rule.MODE,
    Rule.LOT,
    Rule.TERMS,
)
"""Rules of every order, in the order in which the first failure is recorded."""

NEW_RISK_RULES = (
    Rule.NOT_HOLDABLE,
    Rule.MISSING_REFERENCE,
    Rule.STALE_REFERENCE,
    Rule.COLLAR,
    Rule.SIZE,
    Rule.NOTIONAL,
    Rule.POSITION,
    Rule.CONCENTRATION,
    Rule.LIMIT_COLLAR,
)
"""Rules of orders that add risk; orders that reduce a position are bounded by it and skip them."""

RULE_TEXT: dict[Rule, str] = {
    Rule.APPROVED: "The order passed every rule.",
    Rule.SIZE: "The order is larger than one order may be.",
    Rule.NOTIONAL: "The order is worth more than one order may be.",
    Rule.COLLAR: "The price the decision saw is too far from the last good price.",
    Rule.STALE_REFERENCE: "The price is not good enough to trade on, or the decision is too old.",
    Rule.MISSING_REFERENCE: "There is no good price for the symbol.",
    Rule.DUPLICATE: "The symbol already has an order in this direction.",
    Rule.POSITION: "The position would be larger than one position may be.",
    Rule.CONCENTRATION: "Too much of the equity would be in one symbol.",
    Rule.GROSS: "The book would be too large for the equity.",
    Rule.NET: "The book would lean too far to one side.",
    Rule.CASH_RESERVE: "Too little cash would be left.",
    Rule.DAILY_LOSS: "The loss of this session has reached its limit: only orders that reduce are allowed.",
    Rule.DRAWDOWN: "The drawdown has reached its limit: only orders that reduce are allowed.",
    Rule.ORDER_RATE: "Too many orders within a minute.",
    Rule.MODE: "The desk is stopped: at this level the order is not allowed.",
    Rule.LOT: "The quantity is not a whole number of lots.",
    Rule.UNKNOWN_SYMBOL: "The symbol is not in the universe.",
    Rule.ZERO_QUANTITY: "The quantity is zero.",
    Rule.CROSSES_ZERO: "The order would turn the position around, where it may only reduce it.",
    Rule.NOT_COMPUTED: "The order or the book holds numbers that cannot be computed with.",
    Rule.CHILDREN: "The order would take more of its parent than is left of it.",
    Rule.NOT_HOLDABLE: "The symbol is an index: it can be looked at, not bought or sold; trade a fund or a future on it.",
    Rule.TERMS: "The order's terms do not go together.",
    Rule.LIMIT_COLLAR: "The limit or stop price is too far beyond the last good price.",
    Rule.NOT_REPLACEABLE: "The order is not working, or is being changed already: nothing is replaced.",
}
"""One sentence per rule."""

_SHARE = "{:.2%}"
_UNIT: dict[Rule, str] = {
    Rule.SIZE: "{:,.8g} units",
    Rule.NOTIONAL: "{:,.2f} in money",
    Rule.COLLAR: _SHARE,
    Rule.STALE_REFERENCE: "{:,.0f} s old",
    Rule.DUPLICATE: "{:.0f} orders",
    Rule.POSITION: "{:,.8g} units",
    Rule.CONCENTRATION: _SHARE,
    Rule.GROSS: _SHARE,
    Rule.NET: _SHARE,
    Rule.CASH_RESERVE: _SHARE,
    Rule.DAILY_LOSS: _SHARE,
    Rule.DRAWDOWN: _SHARE,
    Rule.ORDER_RATE: "{:.0f} orders",
    Rule.LOT: "{:,.8g} units",
    Rule.CROSSES_ZERO: "{:,.8g} units",
    Rule.CHILDREN: "{:,.8g} scaled units",
    Rule.LIMIT_COLLAR: _SHARE,
}
"""How value and limit of a rule read: shares of equity (COLLAR: of the price), units, money, seconds."""


_FAULTS = frozenset(TermsFault)


def sentence(rule: int, value: float, limit: float) -> str:
    """What a refusal says to the trader, with the figure measured and the figure allowed.

    >>> sentence(Rule.CONCENTRATION, 0.1512, 0.15)
    'Too much of the equity would be in one symbol: 15.12%, limit 15.00%.'
    """
    text = RULE_TEXT[Rule(rule)]
    if rule == Rule.TERMS:
        return FAULT_TEXT[TermsFault(int(value))] if value in _FAULTS else text
    form = _UNIT.get(Rule(rule))
    if form is None or math.isnan(value):
        return text
    measured = form.format(value) if math.isfinite(value) else "not known, as a holding has no price"
    return f"{text.removesuffix('.')}: {measured}, limit {form.format(limit)}."
