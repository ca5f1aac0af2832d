"""What a trade costs: commission, half the spread, and square-root impact.

Everything is vectorised over the fills of one batch and leaves as integers. Prices are moved to the adverse
side and rounded to the tick on that side, so rounding never favours the desk.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from tuiconsole.domain.costs import CostPart
from tuiconsole.domain.errors import MoneyOverflow
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.money import INT64_MAX, MONEY_DECIMALS, divide_half_even, to_scaled
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.execution.settings import ExecutionSettings

LARGEST_IMPACT = 0.5
"""Impact never exceeds this share of the price: beyond it the law has no support, and a sale must keep a
price."""

_RATE_STEPS = 10_000
"""Commission rates are exact fractions of a basis point with denominators up to this."""


def square_root_impact(coefficient: float, sigma: FloatArray, participation: FloatArray) -> FloatArray:
    """Impact as a share of the price: ``coefficient * sigma * sqrt(participation)``.

    Parameters
    ----------
    coefficient
        Dimensionless, of order one.
    sigma
        ``[n]``, standard deviation of the log-return over some period, positive.
    participation
        ``[n]``, traded quantity over the market's volume *in the same period as* ``sigma``, non-negative. The
        law does not depend on the period: a day's figures and an hour's give the same answer.

    References
    ----------
    Grinold and Kahn, *Active Portfolio Management*, 2nd ed. (2000), ch. 16; Toth et al., "Anomalous price
    impact and the critical nature of liquidity in financial markets", Phys. Rev. X 1, 021006 (2011), eq. 1.

    Examples
    --------
    >>> (square_root_impact(1.0, np.array([0.02]), np.array([0.01])) * 1e4).tolist()  # basis points
    [20.0]
    """
    impact: FloatArray = coefficient * sigma * np.sqrt(participation)
    return impact


@dataclass(frozen=True, slots=True)
class Priced:
    """What a batch of fills costs, columns ``[n_fills]``.

    Attributes
    ----------
    price
        int64 scaled price, adverse side, on the tick.
    fee
        int64 money, whole currency cents, non-negative.
    costs
        int64 money ``[len(CostPart), n_fills]``, non-negative. What is in the price is together exactly
        ``|price - base price| * |quantity|`` in money, up to one money unit of rounding each; the tick's
        rounding counts as spread.
    """

    price: IntArray
    fee: IntArray
    costs: IntArray


class CostModel:
    """Commission, spread and impact of one venue for one universe.

    Parameters
    ----------
    universe
        Ticks, scales, multipliers and the currencies' smallest units.
    settings
        Rates; see :class:`~tuiconsole.execution.settings.ExecutionSettings`.
    """

    def __init__(self, universe: Universe, settings: ExecutionSettings) -> None:
        exponents = [item.money_exponent for item in universe.instruments]
        multipliers = [item.multiplier for item in universe.instruments]
        pairs = zip(multipliers, exponents, strict=True)
        self._factor = _column([m * 10 ** max(e, 0) for m, e in pairs])
        self._divisor = _column([10 ** max(-e, 0) for e in exponents])
        self._cent = _column(
            [10 ** (MONEY_DECIMALS - item.currency.decimals) for item in universe.instruments]
        )
        self._tick = universe.tick
        self._fixed = to_scaled(Decimal(repr(settings.fixed_usd)), MONEY_DECIMALS)
        self._largest_size = INT64_MAX // int(self._factor.max())
        self._rate = Fraction(settings.proportional_bps).limit_denominator(_RATE_STEPS) / 10_000
        self._unit_tick = bool((universe.tick == 1).all())
        self._half_spread = settings.half_spread_bps / 1e4
        self._coefficient = settings.impact_coefficient

    def price(
        self,
        symbol: IntArray,
        quantity: IntArray,
        base: IntArray,
        participation: FloatArray,
        sigma: FloatArray,
        first: IntArray,
    ) -> Priced:
        """Price a batch of fills.

        Parameters
        ----------
        symbol
            int64 ``[n_fills]`` universe columns.
        quantity
            int64 ``[n_fills]`` signed scaled quantity, never 0.
        base
            int64 ``[n_fills]`` scaled price before costs, positive.
        participation
            float64 ``[n_fills]``, quantity over the volume of one bar, non-negative.
        sigma
            float64 ``[n_fills]``, volatility of one bar, positive.
        first
            int64 ``[n_fills]``, 1 where this is the order's first fill (the fixed commission is due), else 0.

        Raises
        ------
        MoneyOverflow
            A traded value leaves the range of int64.
        """
        side = np.sign(quantity)
        impact = square_root_impact(self._coefficient, sigma, participation)
        reference = base.astype(np.float64)
        slippage = reference * np.minimum(impact, LARGEST_IMPACT)
        impact_units = slippage.astype(np.int64)
        slippage += reference * self._half_spread
        price = self._adverse(base, side, slippage, symbol)
        slipped = np.abs(price - base)
        np.minimum(impact_units, slipped, out=impact_units)
        values = np.stack((price, slipped - impact_units, impact_units))
        notional, spread_cost, impact_cost = self._money(values, side * quantity, symbol)
        fee = self.commission(symbol, notional, first)
        costs = np.zeros((len(CostPart), len(price)), dtype=np.int64)
        costs[CostPart.COMMISSION_FIXED] = first * self._fixed
        costs[CostPart.COMMISSION_PROPORTIONAL] = fee - first * self._fixed
        costs[CostPart.SPREAD], costs[CostPart.TEMPORARY] = spread_cost, impact_cost
        return Priced(price, fee, costs)

    def commission(self, symbol: IntArray, notional: IntArray, first: IntArray) -> IntArray:
        """Fees ``[n_fills]`` of traded values (money, non-negative), half-even to the currency's cents."""
        if not notional.size:
            return notional
        cent, over, under = self._cent[symbol], self._rate.numerator, self._rate.denominator
        if int(notional.max()) * over + self._fixed * under <= INT64_MAX:
            return _divide(notional * over + first * (self._fixed * under), cent * under) * cent
        rows = zip(notional.tolist(), first.tolist(), cent.tolist(), strict=True)
        return _column(
            [divide_half_even(v * over + f * self._fixed * under, c * under) * c for v, f, c in rows]
        )

    def _adverse(self, base: IntArray, side: IntArray, slippage: FloatArray, symbol: IntArray) -> IntArray:
        """Prices moved by ``slippage`` against ``side`` and up to the tick there; at least a tick."""
        tick = 1 if self._unit_tick else self._tick[symbol]
        units = side * np.ceil((side * base + slippage) / tick)
        price: IntArray = np.maximum(units, 1.0).astype(np.int64) * tick
        return price

    def _money(self, price: IntArray, size: IntArray, symbol: IntArray) -> IntArray:
        """Money of prices ``[k, n_fills]`` times sizes ``[n_fills]``."""
        if int(size.max(initial=0)) > self._largest_size:
            raise MoneyOverflow(
                "The size of a trade is too large for exact scaled integers (over 2**63 units)."
            )
        return _scaled_product(price, size * self._factor[symbol], self._divisor[symbol])


def _column(values: list[int]) -> IntArray:
    return np.array(values, dtype=np.int64)


def _divide(numerator: IntArray, denominator: IntArray) -> IntArray:
    """Element-wise :func:`~tuiconsole.domain.money.divide_half_even`."""
    quotient, remainder = np.divmod(numerator, denominator)
    double = 2 * remainder
    up = (double > denominator) | ((double == denominator) & (quotient & 1 == 1))
    rounded: IntArray = quotient + up
    return rounded


def _scaled_product(left: IntArray, right: IntArray, divisor: IntArray) -> IntArray:
    """``left * right / divisor`` of non-negative integers, half-even, exact also beyond int64."""
    if not left.size:
        return left
    if int(left.max()) * int(right.max()) <= INT64_MAX:
        product = left * right
        return product if int(divisor.max()) == 1 else _divide(product, divisor)
    parts = np.broadcast_arrays(left, right, divisor)
    rows = zip(*(part.ravel().tolist() for part in parts), strict=True)
    exact = [divide_half_even(a * b, d) for a, b, d in rows]
    if max(exact) > INT64_MAX:
        raise MoneyOverflow("The value of a trade is too large for exact scaled integers (over 2**63 units).")
    return _column(exact).reshape(left.shape)
