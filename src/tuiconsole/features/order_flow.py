"""Order flow and liquidity over several bars of quotes. NaN without quotes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.context import QUOTE_FIELDS
from tuiconsole.domain.types import BoolArray, FloatArray
from tuiconsole.features.contract import Feature, Request
from tuiconsole.features.quotes import imbalance, touch
from tuiconsole.features.rolling_sums import PRESENCE
from tuiconsole.features.summed import SummedBank, above, one_bar_return, window_and

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_SPREAD, _EFFECTIVE, _LEANING, _FLOW, _TRADES, _IMPACT = (
    slice(1, 4),
    slice(4, 6),
    slice(6, 8),
    slice(8, 11),
    slice(11, 14),
    slice(14, 19),
)
_MILLION = 1e6


class OrderFlowBank(SummedBank):
    """Averages of spreads and imbalances, and sums of signed flow, each over the bars that have its columns."""

    panel_window = 2

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year, 19)
        self._begun = False
        self._enough: FloatArray = PRESENCE * np.array(self.windows, dtype=np.float64)[:, None] - 1e-9

    def fill(self, panel: Panel) -> BoolArray | None:
        """What the newest bar adds to every group: its presence, then its numbers."""
        self._begun = self._begun or any(not np.isnan(panel.latest(name)).all() for name in QUOTE_FIELDS)
        if not self._begun:
            return None
        row = self.row
        close = panel.latest("close")
        present = np.isfinite(close)
        row[0] = present
        bid, ask, middle = touch(panel)
        spread = (ask - bid) / middle
        _group(row[_SPREAD], present, spread, spread * spread)
        _group(row[_EFFECTIVE], present, 2.0 * np.abs(close - middle) / middle)
        bid_size, ask_size = panel.latest("bid_size"), panel.latest("ask_size")
        _group(row[_LEANING], present, imbalance(bid_size, ask_size) + 0.0 * middle)
        buys, sells = panel.latest("buy_volume"), panel.latest("sell_volume")
        _group(row[_TRADES], present, buys - sells, buys + sells)
        if panel.count > 1:
            _group(row[_FLOW], present, order_flow(panel), 0.5 * (bid_size + ask_size))
            signed = (buys - sells) / _MILLION
            change = one_bar_return(panel)
            _group(row[_IMPACT], present, change, signed, signed * signed, change * signed)
        return present

    def refresh(self, count: FloatArray, sums: FloatArray) -> None:
        """Means, ratios of sums, and a slope."""
        shown = 0.0 * count
        spread = self._group_means(sums[:, _SPREAD])
        self.put("quoted_spread_mean", spread[0] + shown)
        deviation = np.sqrt(above(spread[1] - spread[0] * spread[0], 1e-20))
        newest = np.where(self.row[1] > 0.0, self.row[2], np.nan)
        self.put("quoted_spread_score", (newest - spread[0]) / deviation + shown)
        self.put("effective_spread_mean", self._group_means(sums[:, _EFFECTIVE])[0] + shown)
        self.put("touch_imbalance_mean", self._group_means(sums[:, _LEANING])[0] + shown)
        flow, depth = self._group_means(sums[:, _FLOW])
        self.put("order_flow_imbalance", flow / above(depth, 0.0) + shown)
        signed, volume = self._group_means(sums[:, _TRADES])
        self.put("trade_imbalance", signed / above(volume, 0.0) + shown)
        if self.wants("kyle_lambda"):
            change, signed, square, cross = self._group_means(sums[:, _IMPACT])
            variance = square - signed * signed
            slope = (cross - change * signed) / above(variance, 1e-12 * np.maximum(square, 1e-300))
            self.put("kyle_lambda", slope + shown)

    def state(self) -> dict[str, Any]:
        """The sums, and whether any quote has come yet."""
        return super().state() | {"begun": self._begun}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        super().restore(state)
        self._begun = bool(state["begun"])

    def _group_means(self, group: FloatArray) -> FloatArray:
        """Means of a group's numbers ``[numbers, n_windows, n_symbols]``; NaN where too few bars have it."""
        pairs = np.where(group[:, 0] >= self._enough, group[:, 0], np.nan)
        return np.moveaxis(group[:, 1:], 1, 0) / pairs


def order_flow(panel: Panel) -> FloatArray:
    """Order-flow imbalance of the newest bar's quotes against those of the bar before: shares, ``[n_symbols]``.

    References
    ----------
    Cont, Kukanov, Stoikov (2014), Journal of Financial Econometrics 12(1), eq. 4, between ends of bars.
    """
    bid, bid_before = panel.latest("bid"), panel.ago("bid", 1)
    ask, ask_before = panel.latest("ask"), panel.ago("ask", 1)
    demand = panel.latest("bid_size") * (bid >= bid_before) - panel.ago("bid_size", 1) * (bid <= bid_before)
    supply = panel.latest("ask_size") * (ask <= ask_before) - panel.ago("ask_size", 1) * (ask >= ask_before)
    known = 0.0 * (bid + bid_before + ask + ask_before)
    flow: FloatArray = demand - supply + known
    return flow


def _group(out: FloatArray, present: BoolArray, *numbers: FloatArray) -> None:
    """Presence of all ``numbers`` and the numbers, 0 where any is missing."""
    seen = present.copy()
    for number in numbers:
        seen &= np.isfinite(number)
    out[0] = seen
    for at, number in enumerate(numbers, start=1):
        out[at] = np.where(seen, number, 0.0)


def _entry(
    family: str,
    formula: str,
    unit: str,
    source: str,
    needs: Sequence[str],
    listed: Sequence[int],
    more: int = 0,
    least: int = 1,
) -> Feature:
    return Feature(
        family=family,
        parameters=("window",),
        minimum=(least,),
        formula=formula,
        unit=unit,
        source=source,
        needs=("close", *needs),
        window_bars=window_and(more),
        bank=OrderFlowBank,
        example=(20,),
        listed=tuple((window,) for window in listed),
    )


_TOUCH = ("bid", "ask")
_SIZES = ("bid_size", "ask_size")
_VOLUMES = ("buy_volume", "sell_volume")
_HARRIS = "Harris (2003), Trading and Exchanges, ch. 21"

FEATURES = (
    _entry(
        "quoted_spread_mean",
        "mean of quoted_spread over the last window bars",
        "fraction of the mid",
        _HARRIS,
        _TOUCH,
        (5, 20, 60),
    ),
    _entry(
        "quoted_spread_score",
        "z-score (ddof 0) of quoted_spread within the last window bars",
        "standard deviations",
        _HARRIS,
        _TOUCH,
        (20, 60),
        least=2,
    ),
    _entry(
        "effective_spread_mean",
        "mean of effective_spread over the last window bars",
        "fraction of the mid",
        "Huang, Stoll (1996), Journal of Financial Economics 41(3)",
        _TOUCH,
        (5, 20, 60),
    ),
    _entry(
        "touch_imbalance_mean",
        "mean of touch_imbalance over the last window bars",
        "-1 to 1",
        "Cartea, Jaimungal, Penalva (2015), Algorithmic and High-Frequency Trading, ch. 12",
        (*_TOUCH, *_SIZES),
        (5, 20),
    ),
    _entry(
        "order_flow_imbalance",
        "sum of e over the last window bars / sum of (bid size + ask size) / 2; e = what the bid gained minus what "
        "the ask gained between ends of bars",
        "none",
        "Cont, Kukanov, Stoikov (2014), Journal of Financial Econometrics 12(1), eq. 4",
        (*_TOUCH, *_SIZES),
        (1, 5, 20, 60),
        1,
    ),
    _entry(
        "trade_imbalance",
        "sum of (buy volume - sell volume) / sum of both over the last window bars",
        "-1 to 1",
        "Lee, Ready (1991), Journal of Finance 46(2); Chordia, Roll, Subrahmanyam (2002), JFE 65(1)",
        _VOLUMES,
        (1, 5, 20, 60),
    ),
    _entry(
        "kyle_lambda",
        "slope of one-bar log-returns on (buy volume - sell volume) / 10^6 over the last window bars",
        "log-return per million shares",
        "Kyle (1985), Econometrica 53(6); Hasbrouck (2009), Journal of Finance 64(3)",
        _VOLUMES,
        (60,),
        1,
        5,
    ),
)
