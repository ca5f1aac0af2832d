"""The displayed book: spread, touch and depth as they were quoted at the end of the bar before a fill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tuiconsole.domain.context import BarQuotes
from tuiconsole.domain.types import FloatArray, IntArray

_SIDES = ("bid", "ask", "bid_size", "ask_size", "bid_depth", "ask_depth")


class DisplayedBook:
    """The newest quotes, and what an order that meets them is offered.

    An order that fills at a bar's open meets the book that was displayed when the bar before ended; the quotes of
    its own bar come after it.
    """

    def __init__(self) -> None:
        self._quotes: dict[str, FloatArray] = {}

    def __bool__(self) -> bool:
        """Whether there are quotes at all."""
        return bool(self._quotes)

    def update(self, quotes: BarQuotes | None) -> None:
        """Take in a bar's quotes; a bar without any leaves no book."""
        self._quotes = {} if quotes is None else {name: getattr(quotes, name) for name in _SIDES}

    def quotes(self, symbol: int) -> tuple[float, float]:
        """Bid and ask of one symbol, currency units; NaN where nothing is quoted."""
        if not self._quotes:
            return float("nan"), float("nan")
        return float(self._quotes["bid"][symbol]), float(self._quotes["ask"][symbol])

    def half_spread(self, symbol: IntArray, otherwise: float) -> FloatArray:
        """Half the quoted spread as a share of the midpoint; ``otherwise`` where it is not quoted or crossed."""
        bid, ask = self._quotes["bid"][symbol], self._quotes["ask"][symbol]
        quoted = (bid > 0.0) & (ask > bid) & np.isfinite(ask)
        half: FloatArray = np.full(len(symbol), otherwise)
        return np.divide(ask - bid, ask + bid, out=half, where=quoted)

    def depth(self, symbol: IntArray, quantity: IntArray) -> FloatArray:
        """Shares displayed on the side that each order takes from, over all levels told; infinite without any."""
        touch = self.touch(symbol, quantity)
        return self._side("depth", symbol, quantity, np.where(touch > 0.0, touch, np.inf))

    def touch(self, symbol: IntArray, quantity: IntArray) -> FloatArray:
        """Shares displayed at the best price on that side; 0 where nothing is told."""
        return self._side("size", symbol, quantity, np.zeros(len(symbol)))

    def _side(self, what: str, symbol: IntArray, quantity: IntArray, otherwise: FloatArray) -> FloatArray:
        ask, bid = self._quotes[f"ask_{what}"][symbol], self._quotes[f"bid_{what}"][symbol]
        told = np.where(quantity > 0, ask, bid)
        return np.where(told >= 0.0, told, otherwise)

    def state(self) -> dict[str, Any]:
        """The quotes, copied."""
        return {name: values.copy() for name, values in self._quotes.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._quotes = {name: values.copy() for name, values in state.items()}
