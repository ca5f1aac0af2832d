"""What a trade costs: commission, half the spread, impact, a capacity penalty and adverse selection.

Everything is vectorised over the fills of one batch and leaves as integers. Prices are moved to the adverse
side and rounded to the tick on that side, so rounding never favours the desk.

With ``p`` the order's quantity over the usual volume of one bar and ``s`` the volatility of one bar, a fill's
price is worse than the reference price by these shares of it::

    spread       half_spread
    temporary    temporary_impact * s * p ** temporary_exponent
    permanent    permanent_impact * s * p / 2  +  what earlier fills still move the price against this one
    capacity     capacity_penalty * stress * s * max(0, p / capacity_free - 1)
    adverse      adverse_selection * s
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from tuiconsole.domain.costs import IMPACT, IN_PRICE, CostPart
from tuiconsole.domain.errors import MoneyOverflow
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.money import INT64_MAX, MONEY_DECIMALS, divide_half_even, to_scaled
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.execution.settings import ExecutionSettings

LARGEST_IMPACT = 0.5
"""All that is not spread never exceeds this share of the price: beyond it the laws have no support, and a sale
must keep a price."""

_RATE_STEPS = 10_000
"""Commission rates are exact fractions of a basis point with denominators up to this."""

_EXACT = float(2**52)
"""Products of whole numbers below this are exact in float64, and so is their quotient rounded half-even."""

_SQUARE_ROOT = 0.5
_ZERO: FloatArray = np.array(0.0)
_HALF: FloatArray = np.array(0.5)
_ONE: FloatArray = np.array(1.0)
_PARTS = len(CostPart)
_FIXED, _PROPORTIONAL, _SPREAD = (
    int(part) for part in (CostPart.COMMISSION_FIXED, CostPart.COMMISSION_PROPORTIONAL, CostPart.SPREAD)
)
_IN_PRICE = slice(int(IN_PRICE.start), int(IN_PRICE.stop))
_IMPACT = slice(int(IMPACT.start), int(IMPACT.stop))
_TEMPORARY, _PERMANENT = int(CostPart.TEMPORARY), int(CostPart.PERMANENT)
_ORDINARY_IMPACT = slice(_TEMPORARY, _PERMANENT + 1)
_ORDINARY = slice(_SPREAD, _PERMANENT + 1)
"""Rows that an order below the free share has, without adverse selection."""


def temporary_impact(
    coefficient: float | FloatArray,
    exponent: float,
    sigma: FloatArray,
    participation: FloatArray,
    out: FloatArray | None = None,
) -> FloatArray:
    """Impact that is gone after the trade, as a share of the price: ``coefficient * sigma * participation ** exponent``.

    Parameters
    ----------
    coefficient
        Dimensionless: 1 or a little less for a whole order under the square-root law; 0.142 in Almgren et al.
    exponent
        0.5 for the square-root law, 1 for Almgren and Chriss, 0.6 for Almgren et al.
    sigma
        ``[n]``, standard deviation of the log-return over some period, positive.
    participation
        ``[n]``, traded quantity over the market's volume *in the same period as* ``sigma``, non-negative. The
        square-root law does not depend on the period: a day's figures and an hour's give the same answer.
    out
        Where the answer goes, if anywhere.

    References
    ----------
    Almgren and Chriss, "Optimal execution of portfolio transactions", J. Risk 3 (2000), eq. 6 and 7; Almgren,
    Thum, Hauptmann and Li, "Direct estimation of equity market impact", Risk 18 (2005), eq. 7 and table 3; Toth et
    al., "Anomalous price impact and the critical nature of liquidity in financial markets", Phys. Rev. X 1, 021006
    (2011), eq. 1; Bouchaud, Farmer and Lillo, "How markets slowly digest changes in supply and demand" (2009).

    Examples
    --------
    >>> (temporary_impact(1.0, 0.5, np.array([0.02]), np.array([0.01])) * 1e4).tolist()  # basis points
    [20.0]
    """
    plain = exponent == _SQUARE_ROOT
    impact = np.sqrt(participation, out=out) if plain else np.power(participation, exponent, out=out)
    impact *= coefficient
    impact *= sigma
    return impact


def permanent_impact(
    coefficient: float | FloatArray, sigma: FloatArray, participation: FloatArray
) -> FloatArray:
    """How far a trade moves the price for later ones, as a share of it: ``coefficient * sigma * participation``.

    Linear, because any other law lets a round trip earn money from its own impact (Huberman and Stanzl, "Price
    manipulation and quasi-arbitrage", Econometrica 72, 2004). Almgren et al. (2005), eq. 6, have 0.314 times the
    fourth root of shares outstanding over daily volume as the coefficient. The trade itself pays half: on its way
    the price moves from nothing to all of it (ibid., eq. 8).

    Examples
    --------
    >>> (permanent_impact(0.1, np.array([0.02]), np.array([0.05])) * 1e4).round(9).tolist()  # basis points
    [1.0]
    """
    impact: FloatArray = participation * coefficient
    impact *= sigma
    return impact


class Priced(NamedTuple):
    """What a batch of fills costs, columns ``[n_fills]``.

    Attributes
    ----------
    price
        int64 scaled price, adverse side, on the tick.
    fee
        int64 money, whole currency cents, non-negative: the two commissions of ``costs``.
    costs
        int64 money ``[len(CostPart), n_fills]``, non-negative; borrow is 0. What the price contains is together
        exactly ``|price - base price| * |quantity|`` in money, rounded half-even where money does not reach so
        far; the tick's rounding counts as spread.
    moved
        float64, share of the price by which the market stands higher (or lower) for later trades.
    """

    price: IntArray
    fee: IntArray
    costs: IntArray
    moved: FloatArray


class CostModel:
    """Commission, spread, impact, capacity and adverse selection of one venue for one universe.

    Parameters
    ----------
    universe
        Ticks, scales, multipliers and the currencies' smallest units.
    settings
        Rates; see :class:`~tuiconsole.execution.settings.ExecutionSettings`.
    """

    def __init__(self, universe: Universe, settings: ExecutionSettings) -> None:
        items = universe.instruments
        self._factor = _constant([item.multiplier * 10 ** max(item.money_exponent, 0) for item in items])
        self._divisor = _constant([10 ** max(-item.money_exponent, 0) for item in items])
        cents = [10 ** (MONEY_DECIMALS - item.currency.decimals) for item in items]
        self._cent = _constant(cents)
        tick = to_scaled(Decimal(repr(settings.tick_usd)), MONEY_DECIMALS)
        scale = [item.price_scale for item in items]
        self._tick = _constant(
            [max(item.tick, tick * s // 10**MONEY_DECIMALS) for item, s in zip(items, scale, strict=True)]
        )
        fixed = to_scaled(Decimal(repr(settings.fixed_usd)), MONEY_DECIMALS)
        self._fixed = _constant([divide_half_even(fixed, cent) * cent for cent in cents])
        self._rate = Fraction(settings.proportional_bps).limit_denominator(_RATE_STEPS) / 10_000
        self._over = float(self._rate.numerator)
        self._cent_per_rate = self._cent * float(self._rate.denominator)
        self._largest = _EXACT / max(1.0, self._over)
        self._plain = bool((self._divisor == 1.0).all())
        self._unit_tick = bool((self._tick == 1.0).all())
        self._half_spread = np.array(settings.half_spread_bps / 1e4)
        self._temporary = np.array(settings.temporary_impact)
        self._exponent = settings.temporary_exponent
        self._permanent = np.array(settings.permanent_impact)
        self._free = settings.capacity_free
        self._capacity = settings.capacity_penalty
        self._adverse = settings.adverse_selection
        self._drifts = settings.adverse_selection > 0.0

    @property
    def ordinary(self) -> bool:
        """Square-root law, no adverse selection, and money that needs no division: all but rare fills are alike."""
        return self._plain and not self._drifts and self._exponent == _SQUARE_ROOT

    @property
    def rates(self) -> tuple[float, float, float, float, float]:
        """Temporary and permanent impact, half spread, commission rate, and the value from which float64 is not exact."""
        rates = (self._temporary, self._permanent, self._half_spread)
        temporary, permanent, half_spread = (float(rate) for rate in rates)
        return temporary, permanent, half_spread, self._over, self._largest

    def terms(self, n_symbols: int) -> list[tuple[float, float, float, float, int]]:
        """Factor, tick, divisor of the commission, cent and fixed commission of each symbol."""
        constants = (self._factor, self._tick, self._cent_per_rate, self._cent, self._fixed)
        columns = [np.broadcast_to(constant, n_symbols).tolist() for constant in constants]
        rows = zip(*columns, strict=True)
        return [(factor, tick, rate, cent, int(fixed)) for factor, tick, rate, cent, fixed in rows]

    def worth(self, symbol: IntArray, price: FloatArray, quantity: IntArray) -> IntArray:
        """Money of whole scaled prices ``[n]`` on signed scaled quantities, int64, rounded down."""
        rows = []
        for i, column in enumerate(symbol.tolist()):
            factor, divisor = (int(c[column] if c.ndim else c) for c in (self._factor, self._divisor))
            rows.append(int(price[i]) * abs(int(quantity[i])) * factor // divisor)
        return np.array(rows, dtype=np.int64)

    def price(
        self,
        symbol: IntArray,
        quantity: IntArray,
        base: FloatArray,
        participation: FloatArray,
        sigma: FloatArray,
        first: IntArray,
        displaced: FloatArray | None = None,
        stress: FloatArray | None = None,
        walking: FloatArray | None = None,
        half_spread: FloatArray | None = None,
    ) -> Priced:
        """Price a batch of fills.

        Parameters
        ----------
        symbol
            int64 ``[n_fills]`` universe columns.
        quantity
            int64 ``[n_fills]`` signed scaled quantity, never 0.
        base
            float64 ``[n_fills]`` scaled price before costs, whole and positive, below 2**53.
        participation
            float64 ``[n_fills]``, quantity over the usual volume of one bar, non-negative.
        sigma
            float64 ``[n_fills]``, volatility of one bar, positive.
        first
            int64 ``[n_fills]``, 1 where this is the order's first fill (the fixed commission is due), else 0.
        displaced
            float64 ``[n_fills]``, share of the price by which the desk's earlier fills still hold the market up (or
            down); None for not at all. Only what is against the order counts: nobody earns from his own impact.
        walking
            float64 ``[n_fills]``, participation of the part beyond the displayed touch, which alone has temporary
            impact; None for all of it.
        half_spread
            float64 ``[n_fills]``, share of the price, where quotes tell it; None for the configured one.
        stress
            float64 ``[n_fills]``, factor of the capacity penalty; None when no order is over the free share.

        Raises
        ------
        MoneyOverflow
            A traded value leaves the range of int64.
        """
        parts: FloatArray = np.zeros((_PARTS, len(symbol)))
        if not len(symbol):
            return Priced(quantity, quantity, parts.astype(np.int64), base)
        size = quantity.astype(np.float64)
        side = np.sign(size)
        size *= side
        temporary, permanent = parts[_TEMPORARY], parts[_PERMANENT]
        swept = participation if walking is None else walking
        temporary_impact(self._temporary, self._exponent, sigma, swept, out=temporary)
        moved = permanent_impact(self._permanent, sigma, participation)
        np.multiply(moved, _HALF, out=permanent)
        moved *= side
        if displaced is not None:
            displaced = displaced * side
            permanent += np.maximum(displaced, _ZERO, out=displaced)
        rare = stress is not None or self._drifts
        impact = parts[_IMPACT if rare else _ORDINARY_IMPACT]
        if stress is not None:
            excess = np.maximum(participation / self._free - 1.0, 0.0)
            parts[CostPart.CAPACITY] = self._capacity * stress * sigma * excess
        if self._drifts:
            parts[CostPart.ADVERSE_SELECTION] = self._adverse * sigma
        total = impact.sum(axis=0) if rare else temporary + permanent
        if total[total.argmax()] > LARGEST_IMPACT:
            impact *= np.minimum(LARGEST_IMPACT / total, 1.0)
            np.minimum(total, LARGEST_IMPACT, out=total)
        total += self._half_spread if half_spread is None else half_spread
        total *= base
        price = self._adverse_price(base, side, total, symbol)
        np.multiply(impact, base, out=impact)
        np.floor(impact, out=impact)
        slipped = np.subtract(price, base, out=total)
        np.abs(slipped, out=slipped)
        told = impact.sum(axis=0) if rare else temporary + permanent
        spread = np.subtract(slipped, told, out=parts[_SPREAD])
        if spread[spread.argmin()] < 0.0:  # a sale at the lowest price there is
            reached = np.minimum(np.cumsum(impact, axis=0), slipped)
            impact[1:] = np.diff(reached, axis=0)
            impact[0] = reached[0]
            np.subtract(slipped, reached[-1], out=spread)
        size *= _at(self._factor, symbol)
        notional = price * size
        if not self._plain or notional[notional.argmax()] >= self._largest:
            return self._priced_exactly(symbol, price, np.abs(quantity), parts, first, moved)
        priced = parts[_IN_PRICE if rare else _ORDINARY]
        np.multiply(priced, size, out=priced)
        return self._priced(symbol, price, parts, first, moved, notional)

    def _adverse_price(
        self, base: FloatArray, side: FloatArray, slippage: FloatArray, symbol: IntArray
    ) -> FloatArray:
        """Prices moved by ``slippage`` against ``side`` and up to the tick there; at least a tick."""
        price: FloatArray = base * side
        price += slippage
        if self._unit_tick:
            np.ceil(price, out=price)
            price *= side
            return np.maximum(price, _ONE, out=price)
        tick = _at(self._tick, symbol)
        price = np.maximum(side * np.ceil(price / tick), 1.0) * tick
        return price

    def _priced(
        self,
        symbol: IntArray,
        price: FloatArray,
        parts: FloatArray,
        first: IntArray,
        moved: FloatArray,
        notional: FloatArray,
    ) -> Priced:
        """Add the commissions to ``parts``, money in float64, which is exact here; ``notional`` is used up."""
        if self._over != 1.0:
            notional *= self._over
        notional /= _at(self._cent_per_rate, symbol)
        np.rint(notional, out=notional)
        np.multiply(notional, _at(self._cent, symbol), out=parts[_PROPORTIONAL])
        parts[_FIXED] = _at(self._fixed, symbol)
        if np.count_nonzero(first) < len(first):
            parts[_FIXED] *= first
        costs = parts.astype(np.int64)
        return Priced(price.astype(np.int64), costs[_FIXED] + costs[_PROPORTIONAL], costs, moved)

    def _priced_exactly(
        self,
        symbol: IntArray,
        price: FloatArray,
        size: IntArray,
        units: FloatArray,
        first: IntArray,
        moved: FloatArray,
    ) -> Priced:
        """The same in Python's integers, for values and units that float64 does not hold."""
        over, under = self._rate.numerator, self._rate.denominator
        scaled = price.astype(np.int64)
        whole = units.astype(np.int64).T.tolist()
        rows: list[list[int]] = []
        for i, column in enumerate(symbol.tolist()):
            factor, divisor, cent, fixed = (
                int(constant[column] if constant.ndim else constant)
                for constant in (self._factor, self._divisor, self._cent, self._fixed)
            )
            worth = int(size[i]) * factor
            value = divide_half_even(int(scaled[i]) * worth, divisor)
            if value > INT64_MAX:
                raise MoneyOverflow(
                    "The value of a trade is too large for exact scaled integers (over 2**63 units)."
                )
            row = [part * worth // divisor for part in whole[i]]
            row[CostPart.COMMISSION_FIXED] = int(first[i]) * fixed
            row[CostPart.COMMISSION_PROPORTIONAL] = divide_half_even(value * over, cent * under) * cent
            slipped = divide_half_even(sum(whole[i]) * worth, divisor)
            row[CostPart.SPREAD] += slipped - sum(row[IN_PRICE])
            rows.append(row)
        costs = np.array(rows, dtype=np.int64).reshape(len(rows), _PARTS).T.copy()
        fee = costs[CostPart.COMMISSION_FIXED] + costs[CostPart.COMMISSION_PROPORTIONAL]
        return Priced(scaled, fee, costs, moved)


def _constant(values: list[int]) -> FloatArray:
    """One whole number for all symbols (no axis), or one for each."""
    return np.array(values[0] if len(set(values)) == 1 else values, dtype=np.float64)


def _at(constant: FloatArray, symbol: IntArray) -> FloatArray:
    return constant[symbol] if constant.ndim else constant
