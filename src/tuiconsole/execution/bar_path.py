"""Where in a bar an order with terms trades, if anywhere: the pessimistic path where the order of prices is unknown.

A bar tells its open, high, low and close, and not which of high and low came first. What is certain comes first: the
open. Between open and close a stop is taken to be reached before a limit. An order that came into the market within
the bar is stopped by the whole range, and has its limit reached only by the close. Prices are scaled and whole.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

from tuiconsole.domain.order_terms import TRAIL_PARTS, OrderType, Peg, TrailUnit
from tuiconsole.execution.working_order import WorkingOrder


class Moment(enum.IntEnum):
    """Moments of a bar in their order."""

    OPEN = 0
    STOPS = 1
    LIMITS = 2
    CLOSE = 3


class PricePath(NamedTuple):
    """Scaled prices of one symbol's bar; all alike where the source knows closes alone.

    ``close_only`` says so, and ``begins`` that the bar is the first of its session.
    """

    open: int
    high: int
    low: int
    close: int
    close_only: bool
    begins: bool


class Touch(NamedTuple):
    """A price at which an order may trade. Where ``resting``, it waited there: it pays neither spread nor impact."""

    price: int
    resting: bool


def reached_stop(order: WorkingOrder, path: PricePath, moment: Moment) -> int:
    """The scaled price at which a stop price is reached in this moment, 0 where it is not.

    A gap is met at the open. Later the stop price itself is met; a trailing stop that only its own bar's extreme moved
    so far is met at the close.
    """
    side, level = order.side, order.level
    if moment == Moment.OPEN:
        return path.open if side * (path.open - level) >= 0 and not order.within_bar else 0
    if moment == Moment.STOPS:
        extreme = path.high if side > 0 else path.low
        return level if side * (extreme - level) >= 0 else 0
    if moment == Moment.CLOSE and order.terms.type == OrderType.TRAILING_STOP:
        return path.close if side * (path.close - level) >= 0 else 0
    return 0


def trail(order: WorkingOrder, path: PricePath) -> None:
    """Move a trailing stop by the bar's best price; it never moves away from the market."""
    best = path.low if order.side > 0 else path.high
    if order.within_bar:
        best = path.close
    moved = trailed(order.terms.trail, order.terms.trail_unit, best, order.side)
    order.level = min(order.level, moved) if order.side > 0 else max(order.level, moved)


def trailed(distance: int, unit: int, price: int, side: int) -> int:
    """The stop price that lies ``distance`` behind ``price``: above it for a purchase (side 1), below it for a sale."""
    offset = price * distance // TRAIL_PARTS if unit == TrailUnit.PERCENT else distance
    return max(price + side * offset, 1)


def limit_touch(
    order: WorkingOrder, limit: int, path: PricePath, moment: Moment, touching: bool
) -> Touch | None:
    """Where an order with ``limit`` may trade in this moment, before it is known what a market order would pay.

    Parameters
    ----------
    touching
        A resting order fills as soon as the price touches its limit; otherwise the price must go beyond.
    """
    side = order.side
    if moment == Moment.OPEN:
        if side * (limit - path.open) < 0 or order.within_bar:
            return None
        if path.close_only or order.fresh:
            return Touch(path.open, False)
        worst = min(limit, path.high) if side > 0 else max(limit, path.low)
        return Touch(path.open if path.begins else worst, True)
    if moment == Moment.LIMITS and not order.within_bar:
        return _rested(side, limit, path.low if side > 0 else path.high, path, touching)
    if moment == Moment.CLOSE and order.within_bar:
        return _rested(side, limit, path.close, path, touching)
    return None


def _rested(side: int, limit: int, extreme: int, path: PricePath, touching: bool) -> Touch | None:
    """At its limit where ``extreme`` reached it; a limit that lies outside the whole bar at the bar's worst price."""
    beyond = side * (limit - extreme)
    if beyond < 0 or (beyond == 0 and not touching):
        return None
    return Touch(min(limit, path.high) if side > 0 else max(limit, path.low), True)


def pegged_price(order: WorkingOrder, bid: float, ask: float, tick: int) -> int:
    """The scaled price that a pegged order stands at, on the tick behind it; 0 where the quote is missing or crossed.

    Parameters
    ----------
    bid, ask
        Scaled quotes at the end of the bar before; NaN where missing.
    """
    if not 0.0 < bid <= ask < float("inf"):
        return 0
    side, peg = order.side, order.terms.peg
    own, other = (bid, ask) if side > 0 else (ask, bid)
    at = {Peg.PRIMARY: own, Peg.MARKET: other, Peg.MID: (bid + ask) / 2.0}[Peg(peg)]
    price = at - side * order.terms.peg_offset
    whole = int(price // tick) if side > 0 else -int(-price // tick)
    found = max(whole, 1) * tick
    cap = order.terms.limit
    return found if not cap else (min(found, cap) if side > 0 else max(found, cap))
