"""The ordinary order path over many bars, for machine code: fills, ledger, breakers, decision, gate, submission.

It goes on for as long as every step is ordinary, and stops before the first that is not; the desk then takes that step itself,
with all its rules. What happens is what :class:`~tuiconsole.engine.session.Session` would do bar by bar, to the bit.
"""

from __future__ import annotations

from pathlib import Path

from tuiconsole.domain.money import MONEY_SCALE
from tuiconsole.domain.types import BoolArray, CodeArray, FloatArray, IntArray
from tuiconsole.engine.stretch_ends import AFTER_FILLS, AT_BAR, AT_DECISION, DONE
from tuiconsole.execution import compiled_fills, compiled_orders
from tuiconsole.execution.compiled_fills import KEPT, SWEEP_BARS, fade, learn, price_fills
from tuiconsole.execution.compiled_orders import GIVEN, QUANTITY, REFERENCE, SYMBOL, TARGET, want
from tuiconsole.portfolio import compiled_booking
from tuiconsole.portfolio.compiled_booking import CASH, PAID, PROFIT, UNITS, WEIGHT, book_fill, room_for_lots
from tuiconsole.risk import compiled_ordinary
from tuiconsole.risk.compiled_ordinary import FACTOR, LOT, RATE, WINDOW, calm, passes, record, used

(
    BARS,
    BAR_COUNT,
    NUMBER,
    EXECUTION,
    RESTING,
    BOOKED,
    FILLS,
    ORDERS,
    DECISIONS,
    VALUE,
    SESSION,
    BEFORE_BAR,
    LAST_TS,
) = range(13)
"""Entries of the course, int64 ``[13]``: bars gone by, bars of the venue's life, next order and execution number, orders
resting, fills of the newest bar, fills, orders and decisions laid down, market value, session, the bar that ended the session
before (-1: the one before them all, -2: no session ended), and the desk's time."""

COURSE = 13

(
    F_NUMBER,
    F_SYMBOL,
    F_QUANTITY,
    F_PRICE,
    F_FEE,
    F_EXECUTION,
    F_REALISED,
) = range(7)
"""Rows of the fills laid down, int64 ``[7, most]``."""

O_NUMBER, O_COLUMN, O_POSITION, O_TARGET, O_QUANTITY, O_REFERENCE = range(6)
"""Rows of the orders laid down, int64 ``[6, most]``."""

B_EQUITY, B_CASH, B_REALISED, B_FEES, B_FILLS, B_ORDERS = range(6)
"""Rows of what is laid down of every bar, int64 ``[6, n_bars]``; the last two count from the first bar on."""

Bars = tuple[
    IntArray,
    IntArray,
    IntArray,
    IntArray,
    FloatArray,
    IntArray,
    CodeArray,
    FloatArray,
    FloatArray,
    FloatArray,
]
"""``ts, session, month, greatest [n_bars]``, then ``[n_bars, n_symbols]``: price, scaled, quality, the price that orders fill
at, volume, logarithm of the price."""
Wishes = tuple[int, bool, FloatArray, BoolArray, IntArray, FloatArray, FloatArray, FloatArray, BoolArray]
"""The rule, whether quantities are given, what a lot is worth at a price of 1, ``acting, quantity, weight`` (``[n_bars or 1,
n_symbols]``), the weights acted on before and after ``[n_symbols]``, and at which bars to ask."""
Venue = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, BoolArray, IntArray, bool]
"""Told of symbols and settings, sums, logarithms of last prices, displacement, whether there is one, resting orders, and
whether the source tells volumes."""
Money = tuple[IntArray, IntArray, IntArray, IntArray, IntArray, IntArray, IntArray, IntArray]
"""The ledger's table, totals, four columns of lots, the table when the session before ended, and before the newest fills."""
Limits = tuple[IntArray, IntArray, IntArray, IntArray, IntArray]
"""Told of symbols, limits, the breakers' references, the order rate's clock and ring."""
Out = tuple[IntArray, IntArray, IntArray, IntArray, IntArray]
"""What is laid down: bars, fills, their costs ``[most, parts]``, orders, holdings after each bar ``[n_bars, n_symbols]``."""
Scratch = tuple[IntArray, IntArray, FloatArray, IntArray, IntArray, IntArray]
"""Priced fills, their costs and moves, draft and batch, account."""

_SURE = float(2**61)


def run_stretch(
    first: int,
    until: int,
    bars: Bars,
    wishes: Wishes,
    venue: Venue,
    money: Money,
    limits: Limits,
    course: IntArray,
    out: Out,
    scratch: Scratch,
) -> int:
    """Take in bars ``[first, until)``, or as many as are ordinary; where it ended is one of the constants above."""
    room = min(out[1].shape[1], out[3].shape[1]) - out[4].shape[1]
    for bar in range(first, until):
        if bars[0][bar] < course[LAST_TS] or course[FILLS] > room or course[ORDERS] > room:
            return AT_BAR
        if not fill_resting(bar, bars, venue, money, limits[0], course, out, scratch):
            return AT_BAR
        if not see_bar(bar, first, bars, money, limits, course, out):
            return AFTER_FILLS
        if wishes[8][bar] and not decide(bar, bars, wishes, venue, money, limits, course, out, scratch):
            return AT_DECISION
    return DONE


def fill_resting(
    bar: int,
    bars: Bars,
    venue: Venue,
    money: Money,
    told: IntArray,
    course: IntArray,
    out: Out,
    scratch: Scratch,
) -> bool:
    """What rests fills, the venue learns from the bar; False, and nothing else, when a fill is not ordinary."""
    symbols, settings, sums, last, displaced, moving, resting, traded = venue
    table, totals, lot_quantity, lot_cost, lot_first, lot_count, _, table_last = money
    lots, felt = (lot_quantity, lot_cost, lot_first, lot_count), (sums, displaced, moving)
    priced, costs, moved = scratch[0], scratch[1], scratch[2]
    market, count = (bars[7][bar], bars[8][bar], bars[6][bar]), course[RESTING]
    sweeps = (course[BAR_COUNT] + 1) % SWEEP_BARS == 0
    if count:
        if not room_for_lots(lots, resting[1], count):
            return False
        known = (symbols, settings)
        if not price_fills(known, market, felt, resting, count, table[0], sweeps, priced, costs, moved):
            return False
        table_last[:] = table
    fade(felt, settings[KEPT], sweeps)
    fills, fill_costs, at = out[1], out[2], course[FILLS]
    for row in range(count):
        column, quantity, price, fee = resting[1, row], resting[2, row], priced[0, row], priced[1, row]
        factor = told[FACTOR, column]
        realised = book_fill(table, totals, lots, column, quantity, price, fee, factor)
        displaced[column] += moved[row]
        moving[0] = True
        fills[F_NUMBER, at + row], fills[F_SYMBOL, at + row] = resting[0, row], column
        fills[F_QUANTITY, at + row], fills[F_PRICE, at + row] = quantity, price
        fills[F_FEE, at + row], fills[F_EXECUTION, at + row] = fee, course[EXECUTION] + row
        fills[F_REALISED, at + row] = realised
        fill_costs[at + row] = costs[row]
    course[FILLS] += count
    course[EXECUTION] += count
    course[BOOKED], course[RESTING] = count, 0
    course[BAR_COUNT] += 1
    learn(settings, sums, last, bars[9][bar], market, traded)
    return True


def see_bar(
    bar: int, first: int, bars: Bars, money: Money, limits: Limits, course: IntArray, out: Out
) -> bool:
    """Mark the book and let the breakers look; False, and nothing else, when one of them might speak."""
    ts, session, month, greatest, scaled = (
        bars[0][bar],
        bars[1][bar],
        bars[2][bar],
        bars[3][bar],
        bars[5][bar],
    )
    table, totals, table_before, table_last = money[0], money[1], money[6], money[7]
    if float(totals[WEIGHT]) * float(greatest) >= _SURE:
        return False
    value = 0
    for column in range(len(scaled)):
        value += scaled[column] * table[UNITS, column]
    equity = totals[CASH] + value
    if not calm(limits[2], limits[1], session, month, equity):
        return False
    if session != course[SESSION]:
        table_before[:] = table_last if course[BOOKED] else table
        course[BEFORE_BAR] = bar - 1 if bar > first else -1
    course[VALUE], course[SESSION], course[LAST_TS] = value, session, ts
    seen = out[0]
    seen[B_EQUITY, bar], seen[B_CASH, bar] = equity, totals[CASH]
    seen[B_REALISED, bar], seen[B_FEES, bar] = totals[PROFIT], totals[PAID]
    seen[B_FILLS, bar], seen[B_ORDERS, bar] = course[FILLS], course[ORDERS]
    out[4][bar] = table[0]
    course[BARS] += 1
    return True


def decide(
    bar: int,
    bars: Bars,
    wishes: Wishes,
    venue: Venue,
    money: Money,
    limits: Limits,
    course: IntArray,
    out: Out,
    scratch: Scratch,
) -> bool:
    """The decision of a bar, and its orders handed over; False, and nothing else, when the gate must look itself."""
    rule, given, lot_units, acting, quantity, weight, before, after, _ = wishes
    told, allowed, _, clock, sent = limits
    resting, held, batch, account = venue[6], money[0][0], scratch[4], scratch[5]
    orders, seen = out[3], out[0]
    equity = seen[B_EQUITY, bar]
    wished = (
        acting[bar] if rule == GIVEN else acting[0],
        quantity[bar] if given else quantity[0],
        weight[0] if given else weight[bar],
    )
    prices, money_scale = (bars[4][bar], bars[5][bar], bars[6][bar]), float(MONEY_SCALE)
    symbols, worth = (told[LOT], lot_units), float(equity) / money_scale
    wanted = want(rule, given, wished, (before, after), prices, symbols, held, worth, scratch[3], batch)
    if wanted:
        account[0], account[1], account[2] = equity, money[1][CASH], course[VALUE]
        left = allowed[RATE] - used(clock, sent, allowed[WINDOW], bars[0][bar])
        adding = passes(told, allowed, held, batch, wanted, left, account)
        if adding < 0:
            return False
        record(clock, sent, adding)
        at, number = course[ORDERS], course[NUMBER]
        for row in range(wanted):
            column = batch[SYMBOL, row]
            resting[0, row], resting[1, row], resting[2, row] = number + row, column, batch[QUANTITY, row]
            orders[O_NUMBER, at + row], orders[O_COLUMN, at + row] = number + row, column
            orders[O_POSITION, at + row], orders[O_TARGET, at + row] = held[column], batch[TARGET, row]
            orders[O_QUANTITY, at + row] = batch[QUANTITY, row]
            orders[O_REFERENCE, at + row] = batch[REFERENCE, row]
        course[RESTING] = wanted
        course[NUMBER] += wanted
        course[ORDERS] += wanted
        course[DECISIONS] += 1
        seen[B_ORDERS, bar] = course[ORDERS]
    before[:] = after
    return True


PARTS = (
    *compiled_fills.PARTS,
    *compiled_booking.PARTS,
    *compiled_ordinary.PARTS,
    *compiled_orders.PARTS,
    fill_resting,
    see_bar,
    decide,
)
"""Every function that the kernel calls, straight or through another."""

SOURCES = tuple(
    Path(file)
    for file in (
        __file__,
        compiled_fills.__file__,
        compiled_booking.__file__,
        compiled_ordinary.__file__,
        compiled_orders.__file__,
    )
)
"""Every file that the kernel is written in."""
