"""The short proof that an ordinary batch passes every rule of the gate, for kernels.

The proof is that of :class:`~tuiconsole.risk.ordinary.OrdinaryBatch`, in int64 with every product bounded before. It never
refuses: where it cannot prove, the gate itself decides. Breakers likewise: what comes near a limit is left to them.
"""

from __future__ import annotations

from tuiconsole.domain.types import IntArray
from tuiconsole.risk.settings import PARTS as MILLION

LOT, SIZE_MAX, POSITION_MAX, FACTOR = range(4)
"""Rows of what is told of every symbol, int64 ``[4, n_symbols]``."""

NAME, SHARE, NOTIONAL, GROSS, NET, RESERVE, RATE, WINDOW, LOSS, SESSION, MONTH, PEAK = range(12)
"""Entries of the limits, int64 ``[12]``: shares in millionths, the largest order in money, orders in a window of ns, and the
breakers' falls in millionths."""

START, SESSION_PEAK, MONTH_PEAK, ALL_PEAK, LAST, SESSION_KEY, MONTH_KEY = range(7)
"""Entries of the breakers' references, int64 ``[7]``."""

SYMBOL, QUANTITY, REFERENCE = range(3)
"""Rows of a batch, int64 ``[3, most]``."""

SENT_NOW, SENT_FIRST, SENT_COUNT, SENT_TOTAL = range(4)
"""Entries of the order rate's clock, int64 ``[4]``: time, place of the oldest, entries, orders."""

_SURE = float(2**61)
_EXACT = float(2**53)
_LARGEST_POSITION = 2**31
_MARGIN = 1e-9


def share_of(equity: int, parts: int) -> int:
    """``parts`` millionths of a non-negative ``equity``, rounded down."""
    return parts * (equity // MILLION) + (parts * (equity % MILLION)) // MILLION


def share_above(equity: int, parts: int) -> int:
    """``parts`` millionths of a non-negative ``equity``, rounded up."""
    return parts * (equity // MILLION) + (parts * (equity % MILLION) + MILLION - 1) // MILLION


def is_near(reference: int, equity: int, limit: int) -> bool:
    """Whether the fall from ``reference`` is, or to rounding might be, ``limit`` millionths of it."""
    fall, allowed = float(reference - equity) * MILLION, float(limit) * float(reference)
    return fall >= allowed - _MARGIN * abs(allowed)


def calm(references: IntArray, limits: IntArray, session: int, month: int, equity: int) -> bool:
    """Take in the equity at a bar; False, and nothing else, when a breaker might speak."""
    if not 0 < equity < _EXACT:
        return False
    start, session_peak = references[START], references[SESSION_PEAK]
    month_peak, peak = references[MONTH_PEAK], references[ALL_PEAK]
    if session != references[SESSION_KEY]:
        start = session_peak = references[LAST]
    if month != references[MONTH_KEY]:
        month_peak = references[LAST]
    session_peak, month_peak, peak = max(session_peak, equity), max(month_peak, equity), max(peak, equity)
    if (
        is_near(start, equity, limits[LOSS])
        or is_near(session_peak, equity, limits[SESSION])
        or is_near(month_peak, equity, limits[MONTH])
        or is_near(peak, equity, limits[PEAK])
    ):
        return False
    references[START], references[SESSION_PEAK] = start, session_peak
    references[MONTH_PEAK], references[ALL_PEAK] = month_peak, peak
    references[LAST], references[SESSION_KEY], references[MONTH_KEY] = equity, session, month
    return True


def used(clock: IntArray, sent: IntArray, window: int, ts: int) -> int:
    """Orders in the window that ends at ``ts``; ``sent`` ``[2, most]`` is a ring of times and counts."""
    most = sent.shape[1]
    clock[SENT_NOW] = max(clock[SENT_NOW], ts)
    while clock[SENT_COUNT] and sent[0, clock[SENT_FIRST]] <= clock[SENT_NOW] - window:
        clock[SENT_TOTAL] -= sent[1, clock[SENT_FIRST]]
        clock[SENT_FIRST] = (clock[SENT_FIRST] + 1) % most
        clock[SENT_COUNT] -= 1
    return int(clock[SENT_TOTAL])


def record(clock: IntArray, sent: IntArray, count: int) -> None:
    """``count`` orders went out now; the ring has room for one entry a bar."""
    if count:
        place = (clock[SENT_FIRST] + clock[SENT_COUNT]) % sent.shape[1]
        sent[0, place], sent[1, place] = clock[SENT_NOW], count
        clock[SENT_COUNT] += 1
        clock[SENT_TOTAL] += count


def passes(
    symbols: IntArray,
    limits: IntArray,
    held: IntArray,
    batch: IntArray,
    count: int,
    room: int,
    account: IntArray,
) -> int:
    """Orders that add risk when all ``count`` orders of ``batch`` surely pass every rule, else -1.

    Nothing is short and nothing else is working; every symbol is tradable and named once.

    Parameters
    ----------
    room
        Orders that add risk that may still go out within this minute.
    account
        int64 ``[3]``: equity, cash and the value of what is held, money.
    """
    equity, cash, gross = account[0], account[1], account[2]
    net = gross
    name_max = share_of(equity, limits[NAME])
    notional_max = min(limits[NOTIONAL], share_of(equity, limits[SHARE]))
    adding = 0
    for row in range(count):
        column, quantity, price = batch[SYMBOL, row], batch[QUANTITY, row], batch[REFERENCE, row]
        size, position = abs(quantity), held[column]
        closing = quantity == -position
        if price <= 0 or (quantity % symbols[LOT, column] != 0 and not closing):
            return -1
        if (float(size) + float(abs(position))) * float(price) * float(symbols[FACTOR, column]) >= _SURE:
            return -1
        unit = price * symbols[FACTOR, column]
        before, after, money = unit * position, unit * (position + quantity), unit * quantity
        if quantity < 0 < position and size <= position:
            gross, net, cash = gross + abs(after) - abs(before), net + money, cash - money
            continue
        if (
            size > symbols[SIZE_MAX, column]
            or abs(position + quantity) > symbols[POSITION_MAX, column]
            or abs(position + quantity) >= _LARGEST_POSITION
            or abs(money) > notional_max
            or abs(after) > name_max
        ):
            return -1
        adding += 1
    if not adding:
        return 0
    if adding > room:
        return -1
    gross_max, net_max = share_of(equity, limits[GROSS]), share_of(equity, limits[NET])
    cash_min = share_above(equity, limits[RESERVE])
    if gross > gross_max or abs(net) > net_max or cash < cash_min:
        return -1
    for row in range(count):
        column, quantity, price = batch[SYMBOL, row], batch[QUANTITY, row], batch[REFERENCE, row]
        position = held[column]
        if quantity < 0 < position and -quantity <= position:
            continue
        unit = price * symbols[FACTOR, column]
        money = unit * quantity
        gross += abs(unit * (position + quantity)) - abs(unit * position)
        net += money
        cash -= max(money, 0)
        if gross > gross_max or abs(net) > net_max or cash < cash_min:
            return -1
    return adding


PARTS = (share_of, share_above, is_near, calm, used, record, passes)
"""What a kernel that uses this file calls."""

__all__ = ["PARTS", "calm", "passes", "record", "used"]
