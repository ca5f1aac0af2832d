"""What is known beside the bars: macro series as released, and quotes at the end of a bar.

A macro value belongs to the moment at which it was *released*, never to the month it speaks of: whoever fills these
columns joins them as of the bar's own time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tuiconsole.domain.types import FloatArray, IntArray

MACRO_SERIES = (
    "vix",
    "yield_3m",
    "yield_2y",
    "yield_5y",
    "yield_10y",
    "yield_30y",
    "yield_real_10y",
    "yield_aaa",
    "yield_baa",
    "credit_spread",
    "oil",
    "gold",
    "dollar",
    "equity_index",
    "consumer_prices",
    "unemployment",
    "money_supply",
    "economic_surprise",
)
"""Names of the macro series, in the order of every ``[n_series]`` axis.

Yields, credit spread (high yield over government) and unemployment are in percent, VIX in annual volatility points,
oil, gold, dollar index, equity index and money supply in their own currency or index units, consumer prices as an
index level, economic surprise in standard deviations.
"""

QUOTE_FIELDS = (
    "bid",
    "ask",
    "bid_size",
    "ask_size",
    "bid_depth",
    "ask_depth",
    "buy_volume",
    "sell_volume",
)
"""Columns of a bar's quotes: the touch at its end in currency units and shares, the sizes summed over the visible
levels of the book, and the volume that buyers and sellers started during the bar."""


class PointInTime(Protocol):
    """A source of macro series that answers with what had been released, and with nothing later."""

    def as_of(self, ts: IntArray) -> FloatArray:
        """Values known at each moment.

        Parameters
        ----------
        ts
            int64 ``[n]``, ns UTC.

        Returns
        -------
        float64 ``[n, len(MACRO_SERIES)]``: of each series the value of its last release at or before ``ts``; NaN
        before its first release and where the source does not have it.
        """
        ...


@dataclass(frozen=True, slots=True)
class BarQuotes:
    """Quotes and signed volume of one bar; each float64 ``[n_symbols]``, NaN where unknown.

    Attributes
    ----------
    bid, ask, bid_size, ask_size
        The touch when the bar ended.
    bid_depth, ask_depth
        Sizes summed over the visible levels.
    buy_volume, sell_volume
        Volume traded at the ask and at the bid during the bar.
    """

    bid: FloatArray
    ask: FloatArray
    bid_size: FloatArray
    ask_size: FloatArray
    bid_depth: FloatArray
    ask_depth: FloatArray
    buy_volume: FloatArray
    sell_volume: FloatArray
