"""Money of price times quantity over the symbol axis: exact, in int64 where that is proven to fit.

The proof is one float64 product: when the sum of ``|price * units|`` stays below 2**62 (float64 errs by less
than 2**-40 of it), every int64 product and every partial sum is exact. Otherwise Python's integers do the
work.
"""

from __future__ import annotations

import numpy as np

from tuiconsole.domain.errors import MoneyOverflow
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.money import INT64_MAX, divide_half_even, notional
from tuiconsole.domain.types import BoolArray, FloatArray, IntArray

SAFE = float(2**62)
"""Largest float64 estimate for which an int64 result is surely exact."""


def checked(value: int, what: str) -> int:
    """``value`` when it fits int64, else :class:`MoneyOverflow` naming ``what``."""
    if -INT64_MAX <= value <= INT64_MAX:
        return value
    raise MoneyOverflow(
        f"The {what} would be {value:.3e} units, beyond the 9.2e18 that exact money holds.",
        "Nothing was booked: reduce the quantity, or the decimals of the instrument.",
    )


class Valuation:
    """Turns scaled prices and quantities of a universe into money.

    Attributes
    ----------
    factor
        int64 ``[n_symbols]``: multiplier times the power of ten that lifts the product to money units.
    divisor
        int64 ``[n_symbols]``: power of ten by which the product is divided, half-even; 1 where nothing is.
    exact
        True when no symbol divides, so that sums of products need no rounding.

    Examples
    --------
    >>> import numpy as np
    >>> value = Valuation(Universe.of(["ABC"]))
    >>> value.money(np.array([12_500_000]), np.array([4]))  # 12.50 USD x 4 shares
    array([5000000000])
    """

    def __init__(self, universe: Universe) -> None:
        items = universe.instruments
        self.multiplier: list[int] = [item.multiplier for item in items]
        self.exponent: list[int] = [item.money_exponent for item in items]
        factors = [
            checked(m * 10 ** max(e, 0), "contract multiplier in money units")
            for m, e in zip(self.multiplier, self.exponent, strict=True)
        ]
        divisors = [checked(10 ** max(-e, 0), "price and quantity decimals together") for e in self.exponent]
        self._factors = factors
        self.factor: IntArray = np.array(factors, dtype=np.int64)
        self.divisor: IntArray = np.array(divisors, dtype=np.int64)
        self.factor_float: FloatArray = self.factor.astype(np.float64)
        self.exact = bool((self.divisor == 1).all())

    def one(self, column: int, price: int, quantity: int) -> int:
        """Money of one scaled price and signed quantity in ``column``; a Python int of any size."""
        if self.exponent[column] >= 0:
            return price * quantity * self._factors[column]
        return notional(price, quantity * self.multiplier[column], self.exponent[column])

    def estimate(self, price: IntArray, quantity: IntArray, columns: IntArray | None = None) -> FloatArray:
        """float64 of ``|price * quantity * factor|`` before any division: what bounds checks look at."""
        factor = self.factor_float if columns is None else self.factor_float[columns]
        result: FloatArray = np.abs(price * factor * quantity)
        return result

    def money(self, price: IntArray, quantity: IntArray, columns: IntArray | None = None) -> IntArray:
        """Money of each pair, rounded half-even where the units need it.

        Parameters
        ----------
        price, quantity
            int64 ``[k]`` scaled; signed quantity.
        columns
            int64 ``[k]`` universe columns, or None when ``k`` is the whole universe.

        Returns
        -------
        int64 ``[k]``.

        Raises
        ------
        MoneyOverflow
            When a value does not fit int64.
        """
        estimate = self.estimate(price, quantity, columns)
        if estimate.size and float(np.maximum.reduce(estimate)) >= SAFE:
            return self._exactly(price, quantity, columns)
        factor = self.factor if columns is None else self.factor[columns]
        product: IntArray = price * (quantity * factor)
        if self.exact:
            return product
        return half_even(product, self.divisor if columns is None else self.divisor[columns])

    def _exactly(self, price: IntArray, quantity: IntArray, columns: IntArray | None) -> IntArray:
        index = range(len(price)) if columns is None else columns.tolist()
        triples = zip(index, price.tolist(), quantity.tolist(), strict=True)
        values = [checked(self.one(column, p, q), "value of a position") for column, p, q in triples]
        return np.array(values, dtype=np.int64)


def half_even(numerator: IntArray, denominator: IntArray) -> IntArray:
    """Element-wise int64 division rounded half to even; denominators positive."""
    quotient, remainder = np.divmod(numerator, denominator)
    rest = denominator - remainder  # compares remainder with its complement: doubling it could overflow
    up: BoolArray = (remainder > rest) | ((remainder == rest) & (quotient & 1 == 1))
    result: IntArray = quotient + up
    return result


def split(total: int, part: int, whole: int) -> int:
    """The share ``part / whole`` of ``total``, half-even; the rest is ``total`` minus it.

    >>> split(100, 1, 3)
    33
    """
    return divide_half_even(total * part, whole)
