"""Exact money. The one module that converts between scaled integers, ``Decimal`` and float64.

Prices, quantities and money are scaled integers inside the house; ``Decimal`` is for the edges, float64 for analytics.
Every array product is bounds-checked *before* it is taken, so int64 can never wrap around.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np

from tuiconsole.domain.errors import MoneyOverflow
from tuiconsole.domain.types import FloatArray, IntArray

MONEY_DECIMALS = 8
"""Money is held in units of ``10**-8`` of the currency."""

MONEY_SCALE = 10**MONEY_DECIMALS
INT64_MAX = 2**63 - 1
_INT64_SAFE_FLOAT = float(2**53)


def to_scaled(value: Decimal | str | int, decimals: int) -> int:
    """``value`` as an integer in units of ``10**-decimals``, rounded half-even.

    >>> to_scaled("1.005", 2)
    100
    """
    scaled = Decimal(value).scaleb(decimals)
    if not scaled.is_finite():
        raise MoneyOverflow(f"{value} is not a finite number.")
    return int(scaled.to_integral_value(rounding=ROUND_HALF_EVEN))


def from_scaled(value: int, decimals: int) -> Decimal:
    """The exact ``Decimal`` of a scaled integer.

    >>> from_scaled(12345, 2)
    Decimal('123.45')
    """
    return Decimal(int(value)).scaleb(-decimals)


def to_float(value: int, decimals: int = MONEY_DECIMALS) -> float:
    """A scaled integer as float64, for analytics and screens only."""
    return float(int(value) / 10**decimals)


def floats_to_scaled(values: FloatArray, scale: IntArray) -> IntArray:
    """Round float prices or quantities to scaled integers (half-even); NaN becomes 0.

    Raises :class:`MoneyOverflow` when a scaled value leaves the exactly representable range of float64 (2**53).
    """
    scaled = np.rint(values * scale)
    scaled[np.isnan(scaled)] = 0.0
    if scaled.size:
        _check_exact(float(np.abs(scaled).max()))
    return scaled.astype(np.int64)


def rows_to_scaled(values: FloatArray, scale: IntArray) -> tuple[IntArray, IntArray]:
    """:func:`floats_to_scaled` of ``values`` ``[n, m]`` (n, m > 0), and the least and the greatest of each row ``[n, 2]``."""
    scaled = values * scale
    np.rint(scaled, out=scaled)
    low: FloatArray = scaled.min(axis=1)
    if np.isnan(low).any():
        scaled[np.isnan(scaled)] = 0.0
        low = scaled.min(axis=1)
    high: FloatArray = scaled.max(axis=1)
    _check_exact(max(float(high.max()), -float(low.min())))
    return scaled.astype(np.int64), np.stack((low, high), axis=1).astype(np.int64)


def _check_exact(greatest: float) -> None:
    if greatest >= _INT64_SAFE_FLOAT:
        raise MoneyOverflow("a price or quantity is too large for exact scaled integers (over 2**53 units).")


def checked_product(left: IntArray, right: IntArray) -> IntArray:
    """Element-wise ``left * right`` in int64, or :class:`MoneyOverflow` when any product could leave its range."""
    if left.size and right.size and _magnitude(left) * _magnitude(right) > INT64_MAX:
        wide = np.broadcast_arrays(left, right)
        exact = [a * b for a, b in zip(wide[0].ravel().tolist(), wide[1].ravel().tolist(), strict=True)]
        if any(abs(value) > INT64_MAX for value in exact):
            raise MoneyOverflow(
                "a price times a quantity is too large for exact scaled integers (over 2**63)."
            )
        return np.array(exact, dtype=np.int64).reshape(wide[0].shape)
    return left * right


def _magnitude(values: IntArray) -> int:
    """Largest absolute value as a Python int; ``np.abs`` of the smallest int64 would stay negative."""
    return max(int(values.max()), -int(values.min()))


def divide_half_even(numerator: int, denominator: int) -> int:
    """Integer division rounded half to even; ``denominator`` must be positive.

    >>> divide_half_even(5, 2), divide_half_even(7, 2), divide_half_even(-5, 2)
    (2, 4, -2)
    """
    quotient, remainder = divmod(numerator, denominator)
    double = 2 * remainder
    if double > denominator or (double == denominator and quotient & 1):
        quotient += 1
    return quotient


def notional(price: int, quantity: int, scale_exponent: int) -> int:
    """Money of ``price * quantity``, both scaled, exact or rounded half-even.

    Parameters
    ----------
    scale_exponent
        ``Instrument.money_exponent``: ``MONEY_DECIMALS - price_decimals - quantity_decimals``; may be negative.
    """
    product = price * quantity
    if scale_exponent >= 0:
        return int(product * 10**scale_exponent)
    return divide_half_even(product, 10**-scale_exponent)


def round_to_currency(money: int, currency_decimals: int) -> int:
    """``money`` rounded half-even to the currency's smallest unit, still in money units.

    >>> round_to_currency(1_500_000, 2)
    2000000
    """
    unit: int = 10 ** (MONEY_DECIMALS - currency_decimals)
    return divide_half_even(money, unit) * unit
