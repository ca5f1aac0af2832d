"""The ledger: cash per currency, FIFO lots with integer cost, realised and unrealised profit, fees, borrow.

After every event, as integers and without tolerance::

    cash + sum(market_value)                                 = equity
    capital + realised + unrealised_total - fees - borrow    = equity

Each fill's notional is rounded half-even once. When a fill closes part of a lot or crosses zero, integers are
split half-even and the other part is the remainder, so no unit of money is made or lost.
"""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

import numpy as np

from tuiconsole.domain.events import Charges, Fills
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.money import INT64_MAX
from tuiconsole.domain.types import IntArray
from tuiconsole.portfolio.booking import Entry, Lots
from tuiconsole.portfolio.lent import LARGEST_POSITION, LentLedger, LotRing
from tuiconsole.portfolio.valuation import SAFE, Valuation, checked

_COLUMNS = ("quantity", "cost", "realised_by_symbol", "fees_by_symbol")
_QUANTITY, _COST = 0, 1
"""Rows of the table of columns; a fifth is the quantity in money units at a scaled price of 1."""

_FEW_COLUMNS = 8

_STORED = (*_COLUMNS, "borrow_by_symbol", "market_value")


def _frozen(array: IntArray) -> IntArray:
    array.flags.writeable = False
    return array


class Profit(NamedTuple):
    """What every symbol has earned up to one moment: worked out when asked for, from arrays that never change."""

    valuation: Valuation
    mark: IntArray
    table: IntArray
    borrow: IntArray

    def by_symbol(self) -> IntArray:
        """int64 ``[n_symbols]``: realised and unrealised profit less fees and borrow, money."""
        quantity, cost, realised, fees, _ = self.table
        value = self.valuation.money(self.mark, quantity)
        return _frozen(realised + (value - cost) - (fees + self.borrow))


class Ledger:
    """Books fills and marks positions. Every array it shows is read-only and never changes afterwards.

    Parameters
    ----------
    universe
        Instruments; all in one currency, the base.
    capital
        Opening cash, money units.

    Attributes
    ----------
    balances
        Cash per currency code, money.
    quantity
        int64 ``[n_symbols]`` signed scaled quantity held.
    cost
        int64 ``[n_symbols]`` signed total cost of the open lots, money; negative for shorts.
    realised_by_symbol, fees_by_symbol
        int64 ``[n_symbols]`` money since the start; profit is before fees.
    borrow, borrow_by_symbol
        What holding shorts has cost since the start, money; the second int64 ``[n_symbols]``.

    Examples
    --------
    >>> from tuiconsole.domain.money import MONEY_SCALE
    >>> ledger = Ledger(Universe.of(["ABC"]), 1000 * MONEY_SCALE)
    >>> ledger.equity == ledger.cash == 1000 * MONEY_SCALE
    True
    """

    def __init__(self, universe: Universe, capital: int) -> None:
        n = len(universe)
        self.base = universe.instruments[0].currency.code
        self.capital = checked(capital, "capital")
        self.valuation = Valuation(universe)
        self.balances: dict[str, int] = {self.base: capital}
        self._set_table(np.zeros((len(_COLUMNS) + 1, n), dtype=np.int64))
        self.borrow_by_symbol: IntArray = _frozen(np.zeros(n, dtype=np.int64))
        self.realised = 0
        self.fees = 0
        self.borrow = 0
        self._price_scale: list[int] = universe.price_scale.tolist()
        self._quantity_scale: list[int] = universe.quantity_scale.tolist()
        self._queues: list[Lots] = [deque() for _ in range(n)]
        self._ring: LotRing | None = None
        self._mark: IntArray = np.zeros(n, dtype=np.int64)
        self._cost_total = 0
        self._value_total = 0
        self._factor: list[int] = self.valuation.factor.tolist()
        self._weight = 0
        self._direction = 0
        self._greatest = 0
        self._values: IntArray | None = None

    # ---- totals --------------------------------------------------------------------------------------------

    @property
    def cash(self) -> int:
        """Cash of the base currency, money."""
        return self.balances[self.base]

    @property
    def equity(self) -> int:
        """Cash and the market value of everything held, money."""
        return self.balances[self.base] + self._value_total

    @property
    def unrealised_total(self) -> int:
        """Market value less cost of everything held, money."""
        return self._value_total - self._cost_total

    @property
    def market_value(self) -> IntArray:
        """int64 ``[n_symbols]`` signed value at the mark, money; worked out when first asked for after a change.

        A position that was never marked counts at the price of its last fill.
        """
        if self._values is None:
            sure = self.valuation.exact and self._weight * self._greatest < SAFE
            values = self._mark * self._units if sure else self.valuation.money(self._mark, self.quantity)
            self._values = _frozen(values)
        return self._values

    def profit(self) -> Profit:
        """Profit of every symbol since the start, after costs, as it stands now."""
        return Profit(self.valuation, self._mark, self._table, self.borrow_by_symbol)

    def values_over(self, price_scaled: IntArray) -> list[int] | None:
        """Market value of what is held now at consecutive prices ``[n_bars, n_symbols]``, money.

        None where it cannot be had so simply: a price is missing, or a value needs rounding or more than int64.
        """
        if not self.valuation.exact or int(price_scaled.min()) <= 0:
            return None
        if self._weight * int(price_scaled.max()) >= SAFE:
            return None
        totals: list[int] = (price_scaled @ self._units).tolist()
        return totals

    def exposure(self, price_scaled: IntArray) -> tuple[int, int] | None:
        """:attr:`gross` and :attr:`net` at these prices where they are known without a sum, else None.

        They are when the positions stand marked at this very array and none of them is short.
        """
        if price_scaled is not self._mark or self._direction != self._weight:
            return None
        return self._value_total, self._value_total

    @property
    def unrealised(self) -> IntArray:
        """int64 ``[n_symbols]``: market value less cost, money."""
        return _frozen(self.market_value - self.cost)

    @property
    def gross(self) -> int:
        """Sum of absolute market values, money."""
        return sum(map(abs, self.market_value.tolist()))

    @property
    def net(self) -> int:
        """Sum of signed market values, money."""
        return self._value_total

    def average_price(self, column: int) -> float:
        """Cost per unit held, in currency units per point; NaN when flat. Derived, for screens only."""
        quantity = int(self.quantity[column])
        if quantity == 0:
            return float("nan")
        value = self.valuation
        # one scaled unit of quantity at a scaled price of 1 is worth multiplier * 10**exponent money units
        exponent = value.exponent[column]
        cost, units = int(self.cost[column]), quantity * value.multiplier[column]
        scaled = cost / (units * 10**exponent) if exponent >= 0 else cost * 10**-exponent / units
        return float(scaled / self._price_scale[column])

    def lots(self, column: int) -> tuple[tuple[int, int], ...]:
        """Open lots of one symbol, oldest first: ``(signed scaled quantity, signed cost in money)``."""
        return tuple(self._lots[column])

    # ---- events --------------------------------------------------------------------------------------------

    def mark(
        self, price_scaled: IntArray, bounds: tuple[int, int] | None = None, total: int | None = None
    ) -> None:
        """Value every position at new prices.

        Parameters
        ----------
        price_scaled
            int64 ``[n_symbols]`` scaled; 0 (or less) = none yet, which keeps the mark there was. Copied unless it
            is read-only.
        bounds
            The least and the greatest of them where they are known.
        total
            What :meth:`values_over` said of these prices and the same holdings, if it was asked.

        Raises
        ------
        MoneyOverflow
            When a value or the equity does not fit int64; nothing is changed.
        """
        least, greatest = bounds or (int(price_scaled.min()), int(price_scaled.max()))
        if least <= 0:
            price = np.where(price_scaled > 0, price_scaled, self._mark)
            greatest = int(price.max())
        else:
            price = price_scaled.copy() if price_scaled.flags.writeable else price_scaled
        values: IntArray | None = None
        if total is not None:
            pass
        elif self.valuation.exact and self._weight * greatest < SAFE:
            total = int(self._units @ price)
        else:
            values = _frozen(self.valuation.money(price, self.quantity))
            total = sum(values.tolist())
        checked(self.cash + total, "equity")
        self._values, self._greatest = values, greatest
        self._value_total = total
        self._mark = price

    def apply(self, fills: Fills) -> IntArray:
        """Book executions in their order.

        Returns
        -------
        int64 ``[n_fills]``: money realised by each (price profit, before fees).

        Raises
        ------
        MoneyOverflow
            When a figure does not fit int64; nothing of the whole batch is booked.
        DeskError
            When a fill names no instrument, no quantity or no positive price; nothing is booked.
        """
        entry = Entry(self.valuation, self._lots, self._table, (self.cash, self.realised, self.fees))
        rows = zip(
            fills.symbol.tolist(),
            fills.quantity.tolist(),
            fills.price.tolist(),
            fills.fee.tolist(),
            strict=True,
        )
        realised = [entry.book(column, quantity, price, fee) for column, quantity, price, fee in rows]
        if realised:
            self._commit(entry)
        return np.array(realised, dtype=np.int64)

    def charge(self, charges: Charges) -> None:
        """Pay what holding costs.

        Raises
        ------
        MoneyOverflow
            When cash or the total does not fit int64; nothing is paid.
        """
        total = sum(charges.amount.tolist())
        checked(self.cash - total, "cash")
        checked(self.equity - total, "equity")
        borrow = checked(self.borrow + total, "borrow")
        by_symbol = self.borrow_by_symbol.copy()
        np.add.at(by_symbol, charges.symbol, charges.amount)
        self.balances[self.base] -= total
        self.borrow, self.borrow_by_symbol = borrow, _frozen(by_symbol)

    def correct_cash(self, amount: int) -> None:
        """Add ``amount`` of money, which may be negative: what a broker has that the desk did not know of.

        Raises
        ------
        MoneyOverflow
            When cash or equity does not fit int64; nothing changes.
        """
        checked(self.cash + amount, "cash")
        checked(self.equity + amount, "equity")
        self.balances[self.base] += amount

    def _commit(self, entry: Entry) -> None:
        """Check every figure of ``entry``, then make it the state of the ledger."""
        value_total, cost_total = self._value_total, self._cost_total
        weight, direction = self._weight, self._direction
        unmarked: dict[int, int] = {}
        units: dict[int, int] = {}
        one, mark_of = self.valuation.one, self._mark.item
        for column, new in entry.figures.items():
            old, mark, factor = entry.before[column], mark_of(column), self._factor[column]
            value_total -= one(column, mark, old[_QUANTITY])
            if mark <= 0:
                mark = unmarked[column] = entry.last_price[column]
            value_total += checked(one(column, mark, new[_QUANTITY]), "value of a position")
            cost_total += new[_COST] - old[_COST]
            units[column] = new[_QUANTITY] * factor
            weight += abs(units[column]) - abs(old[_QUANTITY] * factor)
            direction += units[column] - old[_QUANTITY] * factor
            if max(*new, units[column]) > INT64_MAX or min(*new, units[column]) < -INT64_MAX:
                checked(max(*new, units[column], key=abs), "cost, profit or size of a position")
        checked(entry.cash, "cash")
        checked(entry.cash + value_total, "equity")
        checked(entry.realised, "realised profit")
        checked(entry.fees, "fees")
        checked(cost_total, "cost of all positions")
        self._set_table(self._changed(entry, units))
        if unmarked:
            self._mark = self._mark.copy()
            self._mark[list(unmarked)] = list(unmarked.values())
        for column, lots in entry.lots.items():
            self._lots[column] = lots
        self._weight, self._direction, self._values = weight, direction, None
        self._value_total, self._cost_total = value_total, cost_total
        self.balances[self.base] = entry.cash
        self.realised, self.fees = entry.realised, entry.fees

    def _changed(self, entry: Entry, units: dict[int, int]) -> IntArray:
        """The table after ``entry``; single elements are cheaper to set than a few columns at once."""
        table = self._table.copy()
        if len(units) > _FEW_COLUMNS:
            rows = [(*entry.figures[column], size) for column, size in units.items()]
            table[:, list(units)] = np.array(rows, dtype=np.int64).T
            return table
        for column, size in units.items():
            quantity, cost, realised, fees = entry.figures[column]
            table[0, column], table[1, column], table[2, column] = quantity, cost, realised
            table[3, column], table[4, column] = fees, size
        return table

    def _set_table(self, table: IntArray) -> None:
        table.flags.writeable = False
        self._table = table
        self.quantity, self.cost, self.realised_by_symbol, self.fees_by_symbol, self._units = table

    # ---- lending -------------------------------------------------------------------------------------------

    def lend(self) -> LentLedger | None:
        """Everything a kernel needs to book fills in the ledger's place; None while a position is short or needs rounding.

        See :mod:`tuiconsole.portfolio.compiled_booking`.
        """
        if not self.valuation.exact or self._direction != self._weight:
            return None
        if int(self.quantity.max()) >= LARGEST_POSITION:
            return None
        ring = LotRing.of(self._lots) if self._ring is None or self._ring.full else self._ring
        totals = np.array([self.cash, self.realised, self.fees, self._weight], dtype=np.int64)
        return LentLedger(self._table.copy(), totals, ring)

    def take_back(self, lent: LentLedger, mark: IntArray | None, greatest: int) -> None:
        """Go on from what a kernel made of :meth:`lend`.

        Parameters
        ----------
        mark
            Prices of the last bar it saw ``[n_symbols]``, read-only, and the greatest of them; None when it saw none.
        """
        self._set_table(lent.table)
        cash, self.realised, self.fees, weight = lent.totals.tolist()
        self.balances[self.base] = cash
        self._weight = self._direction = weight
        self._ring, self._values = lent.ring, None
        if mark is not None:
            self._mark, self._greatest = mark, greatest
        self._cost_total = int(self.cost.sum())
        self._value_total = int(self._units @ self._mark)

    @property
    def marked(self) -> IntArray:
        """int64 ``[n_symbols]``: prices that positions are marked at, scaled; read only."""
        return self._mark

    @property
    def _lots(self) -> list[Lots]:
        """Open lots of every symbol; taken out of the ring that a kernel left, when it left one."""
        if self._ring is not None:
            self._queues, self._ring = self._ring.queues(), None
        return self._queues

    # ---- state ---------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything needed to go on, as an encodable value."""
        flat = [lot for lots in self._lots for lot in lots]
        return {
            "balances": dict(self.balances),
            "realised": self.realised,
            "fees": self.fees,
            "borrow": self.borrow,
            "columns": {name: getattr(self, name).copy() for name in _STORED},
            "mark": self._mark.copy(),
            "lot_count": np.array([len(lots) for lots in self._lots], dtype=np.int64),
            "lot_quantity": np.array([lot[0] for lot in flat], dtype=np.int64),
            "lot_cost": np.array([lot[1] for lot in flat], dtype=np.int64),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self.balances = dict(state["balances"])
        self.realised, self.fees, self.borrow = state["realised"], state["fees"], state["borrow"]
        quantity = state["columns"]["quantity"]
        kept = [state["columns"][name] for name in _COLUMNS]
        self._set_table(np.stack((*kept, quantity * self.valuation.factor)))
        self.borrow_by_symbol = _frozen(state["columns"]["borrow_by_symbol"].copy())
        self._values = _frozen(state["columns"]["market_value"].copy())
        self._mark = state["mark"].copy()
        flat = iter(zip(state["lot_quantity"].tolist(), state["lot_cost"].tolist(), strict=True))
        self._ring = None
        self._queues = [deque(next(flat) for _ in range(count)) for count in state["lot_count"].tolist()]
        self._cost_total = sum(self.cost.tolist())
        self._value_total = sum(self.market_value.tolist())
        units: list[int] = self._units.tolist()
        self._weight, self._direction = sum(map(abs, units)), sum(units)
