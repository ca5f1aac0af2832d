"""Decimal text of an exchange into scaled integers, exactly or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tuiconsole.domain.books import BookScale, Level
from tuiconsole.domain.errors import MalformedBook

MOST_DECIMALS = 18
_LARGEST = 2**62
_REMEMBERED = 50_000
_MOST_DIGITS = 40

Rows = Sequence[tuple[str, str]]
"""Levels as the exchange writes them: price and size."""


def decimals_of(text: str) -> int:
    """Digits after the point.

    >>> decimals_of("61737.63000000"), decimals_of("12")
    (8, 0)
    """
    _, _, fraction = text.partition(".")
    if len(fraction) > MOST_DECIMALS:
        raise MalformedBook(f"A number has {len(fraction)} decimals, expected at most {MOST_DECIMALS}.")
    return len(fraction)


def scaled(text: str, decimals: int) -> int:
    """``text`` in units of ``10**-decimals``; only plain digits with at most one point are numbers here.

    Raises
    ------
    MalformedBook
        Not such a number, negative, too large for int64, or with more decimals than the scale (zeros may be cut).

    Examples
    --------
    >>> scaled("0.00100000", 8), scaled("5", 2), scaled("1.50", 1)
    (100000, 500, 15)
    """
    whole, _, fraction = text.partition(".")
    if len(fraction) != decimals:
        cut = fraction[decimals:]
        if cut.strip("0"):
            raise MalformedBook(f"{_shown(text)} has more than the {decimals} decimals of its book.")
        fraction = fraction[:decimals].ljust(decimals, "0")
    digits = whole + fraction
    if not (digits.isascii() and digits.isdecimal() and whole) or len(digits) > _MOST_DIGITS:
        raise MalformedBook(f"{_shown(text)} is not a plain decimal number.")
    value = int(digits)
    if value >= _LARGEST:
        raise MalformedBook(f"{_shown(text)} is too large for an exact scaled integer.")
    return value


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")


class _Remembered(dict[str, int]):
    """Texts seen before, with their values: most messages repeat prices and sizes."""

    def __init__(self, decimals: int, least: int) -> None:
        super().__init__()
        self._decimals = decimals
        self._least = least

    def __missing__(self, text: str) -> int:
        value = scaled(text, self._decimals)
        if value < self._least:
            raise MalformedBook("A price is 0.")
        if len(self) >= _REMEMBERED:
            self.clear()
        self[text] = value
        return value


class LevelReader:
    """Reads levels of one book at its scale.

    Attributes
    ----------
    price, size
        Read the text of one price, which must be positive, or of one size.
    """

    def __init__(self, scale: BookScale) -> None:
        self.scale = scale
        self._prices = _Remembered(scale.price_decimals, 1)
        self._sizes = _Remembered(scale.size_decimals, 0)
        self.price: Callable[[str], int] = self._prices.__getitem__
        self.size: Callable[[str], int] = self._sizes.__getitem__

    def levels(self, rows: Rows) -> list[Level]:
        """All rows, or :class:`MalformedBook` and none of them."""
        prices, sizes = self._prices, self._sizes
        return [(prices[price], sizes[size]) for price, size in rows]


def scale_of(*sides: Rows) -> BookScale:
    """The most decimals that prices and sizes have here; at least one level must be there.

    >>> scale_of([("0.043150", "0.00000000")])
    BookScale(price_decimals=6, size_decimals=8)
    """
    rows = [row for side in sides for row in side]
    if not rows:
        raise MalformedBook("A book without any level does not tell the scale of its prices.")
    return BookScale(max(decimals_of(price) for price, _ in rows), max(decimals_of(size) for _, size in rows))
