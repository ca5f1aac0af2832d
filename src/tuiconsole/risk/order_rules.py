"""The rules that look at one order at a time, as masks over the batch.

Everything a hostile batch may hold is made harmless first: unknown columns point at column 0, quantities
beyond ``SANE`` are clipped, and both are refused by then, so that no later step can overflow or read past an
array.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND
from tuiconsole.domain.events import DeskLevel
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.money import to_float
from tuiconsole.domain.orders import OrderBatch, Purpose
from tuiconsole.domain.types import BoolArray, CodeArray, FloatArray, IntArray
from tuiconsole.portfolio.valuation import SAFE, Valuation
from tuiconsole.risk.examined import Examined
from tuiconsole.risk.rules import NEW_RISK_RULES, ORDER_RULES, Rule
from tuiconsole.risk.settings import PARTS, RiskSettings, parts
from tuiconsole.risk.terms_rules import look_at_exits, look_at_terms, require_terms
from tuiconsole.risk.verdict import Book

SANE = 2**60
"""Quantities and prices (scaled) beyond this are not computed with."""

_SANE_UNSIGNED = np.uint64(SANE)
_RULES = (*ORDER_RULES, *NEW_RISK_RULES)
_CODES: CodeArray = np.array(_RULES, dtype=np.int8)
_FIRST_NEW_RISK = len(ORDER_RULES)
_UNKNOWN, _ZERO, _NOT_COMPUTED, _DUPLICATE, _CROSSES, _MODE, _LOT, _TERMS = range(_FIRST_NEW_RISK)
_INDEX, _MISSING, _STALE, _COLLAR, _SIZE, _NOTIONAL, _POSITION, _NAME, _LIMIT_COLLAR = range(
    _FIRST_NEW_RISK, len(_RULES)
)


class OrderRules:
    """Judges every order by itself.

    Parameters
    ----------
    settings, universe, valuation
        Limits, units and money.

    Attributes
    ----------
    size_max, position_max
        int64 ``[n_symbols]``, largest order and largest position, scaled quantity; 0 for what cannot be held.
    """

    def __init__(self, settings: RiskSettings, universe: Universe, valuation: Valuation) -> None:
        self._n = np.uint64(len(universe))
        self.valuation = valuation
        self.lot = universe.lot
        self._any_lot = bool((universe.lot != 1).any())
        self._scale = universe.quantity_scale
        self._rate = _PerSymbol(valuation.factor_float / valuation.divisor)
        self._factor = _PerSymbol(valuation.factor)
        self._index = None if universe.holdable.all() else ~universe.holdable
        self.size_max = _scaled(settings.order_quantity_max, universe.quantity_scale) * universe.holdable
        self.position_max = (
            _scaled(settings.position_quantity_max, universe.quantity_scale) * universe.holdable
        )
        self._size_max, self._position_max = _PerSymbol(self.size_max), _PerSymbol(self.position_max)
        self._collar = parts(settings.collar)
        self._collar_share = settings.collar
        self._age_ns = round(settings.reference_age_s * NANOSECONDS_PER_SECOND)

    def examine(self, batch: OrderBatch, book: Book, notional_max: int, name_max: int) -> Examined:
        """Run every rule over the batch.

        Parameters
        ----------
        notional_max, name_max
            Largest order, and largest exposure in one symbol, money.
        """
        failed: BoolArray = np.zeros((len(_RULES), len(batch)), dtype=np.bool_)
        rows: list[BoolArray] = list(failed)
        out = Examined()
        out.frees = None
        self._take_in(out, batch, book, rows)
        if batch.terms is not None or book.exits is not None:
            look_at_exits(out, batch, book, rows[_DUPLICATE])
        if book.level != DeskLevel.RUNNING or np.count_nonzero(batch.purpose):
            _mode(out, batch, book, rows)
        if self._any_lot:
            closing = (out.quantity == -out.held) | (out.quantity == -out.room)
            odd = out.quantity % self.lot[out.column] != 0
            np.logical_and(odd, ~closing, out=rows[_LOT])
        if self._index is not None:
            rows[_INDEX][:] = self._index[out.column]
        self._prices(out, batch, book, rows)
        if batch.terms is not None:
            look_at_terms(out, batch, batch.terms, self._collar, rows[_LIMIT_COLLAR])
            np.not_equal(out.fault, 0, out=rows[_TERMS])
        self._sizes(out, rows, notional_max, name_max)
        failed[_FIRST_NEW_RISK:] &= ~out.reducing
        k = len(batch)
        out.rule, out.value, out.limit = np.zeros(k, dtype=np.int8), np.zeros(k), np.zeros(k)
        if np.count_nonzero(failed):
            hit = failed.any(axis=0)
            out.rule[hit] = _CODES[failed.argmax(axis=0)][hit]
            for i in np.flatnonzero(hit).tolist():
                out.value[i], out.limit[i] = self._figures(i, out, batch, book, notional_max, name_max)
        return out

    def fresh(self, decided: int, now: int) -> bool:
        """Whether a decision of ``decided`` (ns UTC) may still become orders at ``now``."""
        return now - self._age_ns <= decided <= now

    def _take_in(self, out: Examined, batch: OrderBatch, book: Book, rows: list[BoolArray]) -> None:
        """Make the columns safe to compute with; find unknown symbols, zeros, repeats and what reduces."""
        symbol = batch.symbol
        np.greater_equal(symbol.view(np.uint64), self._n, out=rows[_UNKNOWN])
        out.column = column = symbol * ~rows[_UNKNOWN]
        out.quantity = quantity = np.minimum(np.maximum(batch.quantity, -SANE), SANE)
        np.not_equal(quantity, batch.quantity, out=rows[_NOT_COMPUTED])
        np.equal(quantity, 0, out=rows[_ZERO])
        if np.count_nonzero(symbol[1:] <= symbol[:-1]):  # ascending batches repeat nothing
            rows[_DUPLICATE][:] = True
            rows[_DUPLICATE][np.unique(symbol, return_index=True)[1]] = False
        position = book.position[column]
        out.held = out.room = position
        if np.count_nonzero(book.pending):
            self._working(out, position, book.pending[column], rows)
        against = -quantity * np.sign(out.room)
        out.reducing = (against > 0) & (against <= np.abs(out.room))

    def _working(self, out: Examined, position: IntArray, pending: IntArray, rows: list[BoolArray]) -> None:
        """Count working orders: as duplicates, as closing part of the position, as exposure."""
        wild = (np.abs(position.astype(np.float64)) > SANE) | (np.abs(pending.astype(np.float64)) > SANE)
        rows[_NOT_COMPUTED] |= wild
        position, pending = position * ~wild, pending * ~wild
        quantity = out.quantity
        rows[_DUPLICATE] |= ((pending > 0) & (quantity > 0)) | ((pending < 0) & (quantity < 0))
        after = position + pending
        turned = (position > 0) & (after < 0) | (position < 0) & (after > 0)
        out.room = np.where(np.abs(after) < np.abs(position), after, position) * ~turned
        out.held = np.where(np.abs(after) > np.abs(position), after, position)

    def _prices(self, out: Examined, batch: OrderBatch, book: Book, rows: list[BoolArray]) -> None:
        """Missing and stale prices, old decisions, references far from the market."""
        price = book.price_scaled[out.column]
        usable = (price - 1).view(np.uint64) < _SANE_UNSIGNED
        tradable = book.tradable[out.column]
        reference = batch.reference_price
        out.good = usable & tradable
        out.price = price = price * usable
        np.less_equal(np.minimum(reference, price), 0, out=rows[_MISSING])
        np.logical_not(tradable, out=rows[_STALE])
        if not self.fresh(batch.ts, book.ts):
            rows[_STALE][:] = True
        away = reference != price
        if np.count_nonzero(away):
            band = price // PARTS * self._collar + price % PARTS * self._collar // PARTS
            np.logical_or(reference > price + band, reference < price - band, out=rows[_COLLAR])

    def _sizes(self, out: Examined, rows: list[BoolArray], notional_max: int, name_max: int) -> None:
        """Quantities and money; money too large to compute with is taken as zero, and the order refused."""
        quantity, held, price, column = out.quantity, out.held, out.price, out.column
        size = np.abs(quantity)
        np.greater(size, self._size_max.at(column), out=rows[_SIZE])
        after = held + quantity
        np.greater(np.abs(after), self._position_max.at(column), out=rows[_POSITION])
        out.huge = None
        estimate = (size + np.abs(held * 1.0)) * (price * self._rate.at(column))
        if float(np.maximum.reduce(estimate)) >= SAFE:
            huge = estimate >= SAFE
            rows[_NOTIONAL] |= size * (price * self._rate.at(column)) >= SAFE
            rows[_NAME] |= huge
            out.huge = huge
            quantity, held, after = quantity * ~huge, held * ~huge, after * ~huge
        value = self.valuation
        if value.exact:
            unit = price * self._factor.at(column)
            out.before, out.after = unit * held, unit * after
            out.money = out.after - out.before
        else:
            out.before, out.after = value.money(price, held, column), value.money(price, after, column)
            out.money = value.money(price, quantity, column)
        rows[_NOTIONAL] |= np.abs(out.money) > notional_max
        rows[_NAME] |= np.abs(out.after) > name_max

    def _figures(
        self, i: int, out: Examined, batch: OrderBatch, book: Book, notional_max: int, name_max: int
    ) -> tuple[float, float]:
        """What the rule that refused order ``i`` measured, and what it allows."""
        column, rule = int(out.column[i]), int(out.rule[i])
        quantity, price, held = int(out.quantity[i]), int(out.price[i]), int(out.held[i])
        unit = float(self._scale[column])
        equity = max(book.equity, 1)
        if rule == Rule.SIZE:
            return abs(quantity) / unit, int(self._size_max.values[column]) / unit
        if rule == Rule.POSITION:
            return abs(held + quantity) / unit, int(self._position_max.values[column]) / unit
        if rule == Rule.NOTIONAL:
            return to_float(abs(self.valuation.one(column, price, quantity))), to_float(notional_max)
        if rule == Rule.CONCENTRATION:
            return abs(self.valuation.one(column, price, held + quantity)) / equity, name_max / equity
        if rule == Rule.TERMS:
            return float(out.fault[i]), math.nan
        if rule == Rule.COLLAR:
            price = int(book.price_scaled[column])
            return abs(int(batch.reference_price[i]) - price) / price, self._collar_share
        if rule == Rule.DUPLICATE:
            return 2.0, 1.0
        if rule == Rule.LOT:
            return abs(quantity) / unit, int(self.lot[column]) / unit
        if rule == Rule.CROSSES_ZERO:
            return abs(quantity) / unit, abs(int(out.room[i])) / unit
        age = book.ts - batch.ts
        if rule == Rule.STALE_REFERENCE and not 0 <= age <= self._age_ns:
            return age / NANOSECONDS_PER_SECOND, self._age_ns / NANOSECONDS_PER_SECOND
        return float("nan"), float("nan")


class _PerSymbol:
    """A figure per symbol that is gathered by column, or one number when all symbols share it."""

    __slots__ = ("_same", "values")

    def __init__(self, values: IntArray | FloatArray) -> None:
        self.values = values
        self._same: Any = values[0] if bool((values == values[0]).all()) else None

    def at(self, column: IntArray) -> Any:
        """The figure of each column ``[k]``, or one for all."""
        return self._same if self._same is not None else self.values[column]


def _mode(out: Examined, batch: OrderBatch, book: Book, rows: list[BoolArray]) -> None:
    """Levels and purposes: what may only reduce, and what may not trade at all."""
    flatten = batch.purpose == Purpose.FLATTEN
    policy = batch.purpose == Purpose.POLICY
    guard = (batch.purpose == Purpose.PROTECTIVE) & (batch.terms is not None)
    barred = ~(flatten | policy | guard) | (~flatten & (book.level >= DeskLevel.HALTED))
    over = (flatten | guard | (book.level >= DeskLevel.PAUSED)) & ~out.reducing & ~barred
    turning = np.sign(out.quantity) == -np.sign(out.room)
    np.logical_or(barred, over & ~turning, out=rows[_MODE])
    np.logical_and(over, turning, out=rows[_CROSSES])


def require_columns(batch: OrderBatch) -> None:
    """ValueError unless the columns of the batch and its terms are arrays ``[k]`` of int64 and int8."""
    shape = batch.number.shape
    int64 = np.dtype(np.int64)
    for column in (batch.number, batch.symbol, batch.quantity, batch.reference_price):
        if column.dtype != int64 or column.shape != shape:
            raise ValueError("the columns of an order batch must be int64 of one length")
    if batch.purpose.dtype != np.int8 or batch.purpose.shape != shape or len(shape) != 1:
        raise ValueError("the purpose of an order batch must be int8 of its length")
    if batch.terms is not None:
        require_terms(batch.terms, shape)


def _scaled(units: float, scale: IntArray) -> IntArray:
    """``units`` in scaled quantities, rounded down, at most :data:`SANE`."""
    return np.array([min(int(units * s), SANE) for s in scale.tolist()], dtype=np.int64)
