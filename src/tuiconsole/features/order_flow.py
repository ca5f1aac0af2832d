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

_SIZES_OF_GROUPS = (2, 1, 1, 2, 2, 4)
"""Numbers of each group: spread and its square; effective spread; imbalance at the touch; order flow and size at the
touch; signed and whole volume; return, signed volume in millions, its square, and their product."""
_STARTS = np.cumsum((0, *_SIZES_OF_GROUPS[:-1]))
_GROUP_OF = np.repeat(np.arange(len(_SIZES_OF_GROUPS)), _SIZES_OF_GROUPS)
_PRESENCES = slice(1, 1 + len(_SIZES_OF_GROUPS))
_NUMBERS = slice(_PRESENCES.stop, _PRESENCES.stop + sum(_SIZES_OF_GROUPS))
_MILLION = 1e6


class OrderFlowBank(SummedBank):
    """Averages of spreads and imbalances, and sums of signed flow, each over the bars that have its columns."""

    panel_window = 2

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year, _NUMBERS.stop)
        self._numbers: FloatArray = np.zeros((sum(_SIZES_OF_GROUPS), n_symbols))
        self._begun = False
        self._enough: FloatArray = PRESENCE * np.array(self.windows, dtype=np.float64)[:, None] - 1e-9

    def fill(self, panel: Panel) -> BoolArray | None:
        """What the newest bar adds to every group: its presence, then its numbers."""
        self._begun = self._begun or any(not np.isnan(panel.latest(name)).all() for name in QUOTE_FIELDS)
        if not self._begun:
            return None
        numbers = self._numbers
        close = panel.latest("close")
        present: BoolArray = np.isfinite(close)
        bid, ask, middle = touch(panel)
        bid_size, ask_size = panel.latest("bid_size"), panel.latest("ask_size")
        buys, sells = panel.latest("buy_volume"), panel.latest("sell_volume")
        signed = buys - sells
        np.divide(ask - bid, middle, out=numbers[0])
        np.multiply(numbers[0], numbers[0], out=numbers[1])
        np.divide(2.0 * np.abs(close - middle), middle, out=numbers[2])
        np.add(imbalance(bid_size, ask_size), 0.0 * middle, out=numbers[3])
        numbers[4] = order_flow(panel) if panel.count > 1 else np.nan
        np.multiply(0.5, bid_size + ask_size, out=numbers[5])
        numbers[6] = signed
        np.add(buys, sells, out=numbers[7])
        numbers[8] = one_bar_return(panel) if panel.count > 1 else np.nan
        np.divide(signed, _MILLION, out=numbers[9])
        np.multiply(numbers[9], numbers[9], out=numbers[10])
        np.multiply(numbers[8], numbers[9], out=numbers[11])
        numbers += 0.0 * close
        seen = np.isfinite(numbers)
        groups = np.logical_and.reduceat(seen, _STARTS, axis=0)
        self.row[0] = present
        self.row[_PRESENCES] = groups
        self.row[_NUMBERS] = np.where(groups[_GROUP_OF], numbers, 0.0)
        return present

    def refresh(self, count: FloatArray, sums: FloatArray) -> None:
        """Means, ratios of sums, and a slope."""
        channels = sums.swapaxes(0, 1)
        pairs = channels[_PRESENCES].copy()
        pairs[pairs < self._enough] = np.nan
        pairs += 0.0 * count
        spread, square, effective, leaning, flow, depth, signed, volume, change, million, million2, cross = (
            channels[_NUMBERS] / pairs[_GROUP_OF]
        )
        self.put("quoted_spread_mean", spread)
        if self.wants("quoted_spread_score"):
            newest = np.where(self.row[1] > 0.0, self.row[7], np.nan)
            self.put(
                "quoted_spread_score", (newest - spread) / np.sqrt(above(square - spread * spread, 1e-20))
            )
        self.put("effective_spread_mean", effective)
        self.put("touch_imbalance_mean", leaning)
        self.put("order_flow_imbalance", flow / above(depth, 0.0))
        self.put("trade_imbalance", signed / above(volume, 0.0))
        if self.wants("kyle_lambda"):
            variance = above(million2 - million * million, 1e-12 * np.maximum(million2, 1e-300))
            self.put("kyle_lambda", (cross - change * million) / variance)

    def state(self) -> dict[str, Any]:
        """The sums, and whether any quote has come yet."""
        return super().state() | {"begun": self._begun}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        super().restore(state)
        self._begun = bool(state["begun"])


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
