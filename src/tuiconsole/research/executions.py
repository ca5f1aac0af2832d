"""From the journal's rows to a table of executions: decisions and fills put together, orders of one parent as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from tuiconsole.analytics.executions import BENCHMARKS, ExecutionTable, volume_weighted_price
from tuiconsole.analytics.shortfall import EFFECTS, Intent, Part, base_money, shortfall
from tuiconsole.domain.costs import CostPart
from tuiconsole.domain.instruments import Instrument
from tuiconsole.domain.money import MONEY_SCALE
from tuiconsole.domain.orders import OrderEvent, Purpose
from tuiconsole.domain.parents import ParentEvent
from tuiconsole.domain.records import Filled
from tuiconsole.domain.types import FloatArray
from tuiconsole.engine.order_rows import OrderRows
from tuiconsole.market.tape import Tape
from tuiconsole.research.whole_fills import WholeFills, whole_fills

_ENDS = (OrderEvent.CANCELED, OrderEvent.EXPIRED, OrderEvent.REJECTED, OrderEvent.WITHHELD)
_OPEN = 2**62


@dataclass(slots=True)
class _Sent:
    """One order, or one parent with all its children."""

    order: int
    parent: int
    ts: int
    bar: int
    symbol: int
    quantity: int
    reference: int
    parts: list[Part] = field(default_factory=list)
    last: int = 0
    ended: int = _OPEN
    exit: bool = False
    """It waits for a price that may never come: nothing is missed without it, and it is measured from where it was met."""


class _Row(NamedTuple):
    """One line of the table before it is turned into columns."""

    sent: _Sent
    filled: int
    average: float
    effects: tuple[int, ...]
    benchmarks: tuple[float, ...]


def executions(rows: OrderRows, filled: tuple[Filled, ...], tape: Tape, last_bar: int) -> ExecutionTable:
    """The executions of a finished backtest.

    Parameters
    ----------
    rows
        What was decided, worked and ended, as it was journalled.
    last_bar
        Tape position of the last bar traded. What was neither filled nor ended by then is valued at its price.
    """
    whole = None if rows.parented else whole_fills(rows.decided, filled, tape)
    done = frozenset[int]() if whole is None else frozenset(whole.order.tolist())
    found = _sent(rows, done)
    made: list[_Row] = []
    if found:
        _book(found, filled, tape)
        close = _known(tape.close)
        unique = {id(sent): sent for sent in found.values()}
        sent = [each for each in unique.values() if each.parts or not each.exit]
        made = [_row(each, tape, close, last_bar) for each in sent]
    table = _table(made, tape)
    return table if whole is None else _joined(_of_whole(whole, tape), table)


def _sent(rows: OrderRows, done: frozenset[int]) -> dict[int, _Sent]:
    """Who each order number belongs to, but for those that are ``done``."""
    parents: dict[int, _Sent] = {}
    for record in rows.parented:
        columns = (
            record.number,
            record.event,
            record.symbol,
            record.quantity,
            record.taken,
            record.reference_price,
        )
        for number, event, symbol, quantity, taken, reference in zip(
            *(c.tolist() for c in columns), strict=True
        ):
            if event == ParentEvent.OPENED:
                parents[number] = _Sent(0, number, record.ts, record.bar_seq, symbol, quantity, reference)
            elif event in (ParentEvent.AMENDED, ParentEvent.DONE):
                # a parent that a later decision made smaller has lost no opportunity
                parents[number].quantity = quantity if event == ParentEvent.AMENDED else taken
                parents[number].reference = reference
            if event > ParentEvent.AMENDED:
                parents[number].ended = record.ts
    of = {n: p for r in rows.sliced for n, p in zip(r.number.tolist(), r.parent.tolist(), strict=True) if n}
    found: dict[int, _Sent] = {}
    for decided in rows.decided:
        bar, ts = decided.bar, decided.ts
        orders = (decided.number, decided.symbol, decided.quantity, decided.reference_price, decided.purpose)
        for number, symbol, quantity, reference, purpose in zip(*(c.tolist() for c in orders), strict=True):
            if not number or number in done:
                continue
            whole = parents.get(of.get(number, 0))
            if whole is None:
                waits = purpose == Purpose.PROTECTIVE
                whole = _Sent(number, 0, ts, bar, symbol, quantity, reference, exit=waits)
            whole.order = whole.order or number
            found[number] = whole
    for update in rows.updated:
        for number, event in zip(update.number.tolist(), update.event.tolist(), strict=True):
            if event in _ENDS and number in found and not found[number].parent:
                found[number].ended = update.ts
    return found


def _book(found: Mapping[int, _Sent], filled: tuple[Filled, ...], tape: Tape) -> None:
    for record in filled:
        columns = (record.number, record.price, record.quantity, record.fee)
        bar = int(np.searchsorted(tape.ts, record.ts))
        for row, (number, price, quantity, fee) in enumerate(
            zip(*(c.tolist() for c in columns), strict=True)
        ):
            sent, costs = found.get(number), record.costs[:, row].tolist()
            if sent is None:
                continue
            spread, permanent = costs[CostPart.SPREAD], costs[CostPart.PERMANENT]
            rest = sum(costs[CostPart.SPREAD : CostPart.BORROW]) - spread - permanent
            sent.parts.append(Part(price, quantity, fee, spread, rest, permanent))
            sent.last = max(sent.last, bar)


def _row(sent: _Sent, tape: Tape, close: FloatArray, last_bar: int) -> _Row:
    item = tape.universe.instruments[sent.symbol]
    filled = sum(part.quantity for part in sent.parts)
    quantity = sent.quantity
    if sent.exit:
        met = base_money(sent.parts[0], Intent(1, 0, 0, item.money_exponent, item.multiplier))
        unit = item.multiplier * Fraction(10) ** item.money_exponent
        quantity, sent.reference = filled, round(met / unit / sent.parts[0].quantity)
        sent.bar = sent.last - 1
    if abs(filled) > abs(quantity):
        quantity = filled
    end = last_bar if sent.ended == _OPEN else min(last_bar, int(np.searchsorted(tape.ts, sent.ended)))
    final = close[end, sent.symbol] * item.price_scale
    price = round(float(final)) if np.isfinite(final) else sent.reference
    intent = Intent(quantity, sent.reference, price, item.money_exponent, item.multiplier)
    sent.quantity = quantity
    if not sent.parts:
        nothing = float("nan")
        return _Row(sent, 0, nothing, shortfall(intent, ()), (nothing,) * len(BENCHMARKS))
    paid = sum(part.price * part.quantity for part in sent.parts)
    average = paid / filled / item.price_scale if filled else float("nan")
    return _Row(sent, filled, average, shortfall(intent, sent.parts), _benchmarks(sent, intent, item, tape))


def _benchmarks(sent: _Sent, intent: Intent, item: Instrument, tape: Tape) -> tuple[float, ...]:
    """Over the bars after the decision up to that of the last fill."""
    first = sent.parts[0]
    arrival = base_money(first, intent) * 10.0**-item.money_exponent / first.quantity / item.price_scale
    bars, column = slice(min(sent.bar + 1, sent.last), sent.last + 1), sent.symbol
    close = tape.close[bars, column]
    ranges = [None if x is None else x[bars, column] for x in (tape.high, tape.low, tape.volume)]
    known = close[np.isfinite(close)]
    mean = float(known.mean()) if len(known) else float("nan")
    return (
        arrival / item.multiplier,
        volume_weighted_price(close, *ranges),
        mean,
        float(close[-1]) if len(close) else float("nan"),
    )


def _known(close: FloatArray) -> FloatArray:
    """Closes with every gap filled by the one before it."""
    rows = np.where(np.isfinite(close), np.arange(len(close))[:, None], 0)
    return np.take_along_axis(close, np.maximum.accumulate(rows, axis=0), axis=0)


def _table(made: list[_Row], tape: Tape) -> ExecutionTable:
    universe = tape.universe
    sent = [row.sent for row in made]

    def ints(values: list[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array(values, dtype=np.int64)

    symbol = ints([s.symbol for s in sent])
    scale, price_scale = universe.quantity_scale[symbol], universe.price_scale[symbol]
    quantity = ints([s.quantity for s in sent]) / scale
    reference = ints([s.reference for s in sent]) / price_scale
    multiplier = np.array([item.multiplier for item in universe.instruments])[symbol]
    effects = np.array([row.effects for row in made], dtype=np.float64).reshape(-1, len(EFFECTS)).T
    prices = np.array([row.benchmarks for row in made], dtype=np.float64).reshape(-1, len(BENCHMARKS)).T
    return ExecutionTable(
        ts=ints([s.ts for s in sent]),
        symbol=symbol,
        order=ints([s.order for s in sent]),
        parent=ints([s.parent for s in sent]),
        quantity=quantity,
        filled=ints([row.filled for row in made]) / scale,
        value=quantity * reference * multiplier,
        decision_price=reference,
        average_price=np.array([row.average for row in made], dtype=np.float64),
        effects=dict(zip(EFFECTS, effects / MONEY_SCALE, strict=True)),
        benchmarks=dict(zip(BENCHMARKS, prices, strict=True)),
    )


def _of_whole(whole: WholeFills, tape: Tape) -> ExecutionTable:
    universe, symbol = tape.universe, whole.symbol
    scale, price_scale = universe.quantity_scale[symbol], universe.price_scale[symbol]
    multiplier = np.array([item.multiplier for item in universe.instruments])[symbol]
    quantity, reference = whole.quantity / scale, whole.reference / price_scale
    prices = (whole.arrival, whole.vwap, whole.close, whole.close)
    return ExecutionTable(
        ts=whole.ts,
        symbol=symbol,
        order=whole.order,
        parent=np.zeros(len(symbol), dtype=np.int64),
        quantity=quantity,
        filled=quantity,
        value=quantity * reference * multiplier,
        decision_price=reference,
        average_price=whole.price / price_scale,
        effects=dict(zip(EFFECTS, whole.effects / MONEY_SCALE, strict=True)),
        benchmarks=dict(zip(BENCHMARKS, prices, strict=True)),
    )


def _joined(left: ExecutionTable, right: ExecutionTable) -> ExecutionTable:
    """Both tables as one, by order number."""
    by = np.argsort(np.concatenate((left.order, right.order)), kind="stable")

    def one(a: Any, b: Any) -> Any:
        return np.concatenate((a, b))[by]

    nested = ("effects", "benchmarks")
    plain = {
        f.name: one(getattr(left, f.name), getattr(right, f.name))
        for f in fields(left)
        if f.name not in nested
    }
    for name in nested:
        ours, theirs = getattr(left, name), getattr(right, name)
        plain[name] = {key: one(ours[key], theirs[key]) for key in ours}
    return ExecutionTable(**plain)
