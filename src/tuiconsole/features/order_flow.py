"""Order flow and liquidity over several bars of quotes. NaN without quotes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.features.compiled import CompiledBank, Windows, observe_windows, slide
from tuiconsole.features.contract import Feature
from tuiconsole.features.rolling_sums import PRESENCE
from tuiconsole.features.summed import window_and

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

(
    _SPREAD,
    _SPREAD2,
    _EFFECTIVE,
    _LEANING,
    _FLOW,
    _DEPTH,
    _SIGNED,
    _VOLUME,
    _RETURN,
    _MILLIONS,
    _MILLIONS2,
    _CROSS,
) = range(7, 19)
"""Numbers after the presences: spread and its square; effective spread; imbalance at the touch; order flow and size at
the touch; signed and whole volume; return, signed volume in millions, its square, and their product."""
_OF_SPREAD, _OF_EFFECTIVE, _OF_LEANING, _OF_FLOW, _OF_VOLUME, _OF_RETURN = range(1, 7)
"""Channels of the presences of these six groups of numbers; a group is there when all of its numbers are."""
_MILLION = 1e6
_INPUTS = ("log_close", "close", "bid", "ask", "bid_size", "ask_size", "buy_volume", "sell_volume")


def _advance(
    inputs: tuple[FloatArray, ...],
    windows: Windows,
    count: int,
    plan: IntArray,
    scale: float,
    extra: FloatArray,
    out: FloatArray,
) -> None:
    _, row, sums, observed, lengths, _ = windows
    log_close, close, bid, ask, bid_size, ask_size, buys, sells = inputs
    for t in range(len(out)):
        _fill_quotes(close[t + 1], bid[t + 1], ask[t + 1], bid_size[t + 1], ask_size[t + 1], row)
        _fill_flow(
            bid[t],
            ask[t],
            bid_size[t],
            ask_size[t],
            bid[t + 1],
            ask[t + 1],
            bid_size[t + 1],
            ask_size[t + 1],
            row,
        )
        _fill_volumes(log_close[t], log_close[t + 1], buys[t + 1], sells[t + 1], row)
        slide(windows, count + t)
        observe_windows(windows, count + t + 1, 0, 0)
        for k in range(len(plan)):
            family, w = plan[k, 0], plan[k, 1]
            least = PRESENCE * lengths[w] - 1e-9
            if family < 4:
                _of_spreads(family, row, sums[w], observed[0, w], least, out[t, k])
            else:
                _of_flows(family, sums[w], observed[0, w], least, out[t, k])


def _fill_quotes(
    close: FloatArray,
    bid: FloatArray,
    ask: FloatArray,
    bid_size: FloatArray,
    ask_size: FloatArray,
    row: FloatArray,
) -> None:
    for s in range(len(close)):
        here = np.isfinite(close[s])
        row[0, s] = 1.0 if here else 0.0
        good = (bid[s] > 0.0) & (ask[s] >= bid[s]) & here
        middle = 0.5 * (bid[s] + ask[s]) if good else np.nan
        spread = (ask[s] - bid[s]) / middle
        seen = np.isfinite(spread)
        row[_OF_SPREAD, s] = 1.0 if seen else 0.0
        row[_SPREAD, s] = spread if seen else 0.0
        row[_SPREAD2, s] = spread * spread if seen else 0.0
        effective = 2.0 * abs(close[s] - middle) / middle
        seen = np.isfinite(effective)
        row[_OF_EFFECTIVE, s] = 1.0 if seen else 0.0
        row[_EFFECTIVE, s] = effective if seen else 0.0
        total = bid_size[s] + ask_size[s]
        leaning = (bid_size[s] - ask_size[s]) / (total if total > 0.0 else np.nan) + 0.0 * middle
        seen = np.isfinite(leaning)
        row[_OF_LEANING, s] = 1.0 if seen else 0.0
        row[_LEANING, s] = leaning if seen else 0.0


def _fill_flow(
    bid_before: FloatArray,
    ask_before: FloatArray,
    bid_size_before: FloatArray,
    ask_size_before: FloatArray,
    bid: FloatArray,
    ask: FloatArray,
    bid_size: FloatArray,
    ask_size: FloatArray,
    row: FloatArray,
) -> None:
    """Order-flow imbalance of the newest quotes against those before.

    References
    ----------
    Cont, Kukanov, Stoikov (2014), Journal of Financial Econometrics 12(1), eq. 4, between ends of bars.
    """
    for s in range(len(bid)):
        bought = (bid_size[s] if bid[s] >= bid_before[s] else 0.0) - (
            bid_size_before[s] if bid[s] <= bid_before[s] else 0.0
        )
        sold = (ask_size[s] if ask[s] <= ask_before[s] else 0.0) - (
            ask_size_before[s] if ask[s] >= ask_before[s] else 0.0
        )
        known = 0.0 * (bid[s] + bid_before[s] + ask[s] + ask_before[s])
        sizes = 0.0 * (bid_size_before[s] + ask_size_before[s])
        flow, depth = bought - sold + known + sizes, 0.5 * (bid_size[s] + ask_size[s])
        seen = np.isfinite(flow + depth) & (row[0, s] > 0.0)
        row[_OF_FLOW, s] = 1.0 if seen else 0.0
        row[_FLOW, s] = flow if seen else 0.0
        row[_DEPTH, s] = depth if seen else 0.0


def _fill_volumes(
    close_before: FloatArray, close: FloatArray, buys: FloatArray, sells: FloatArray, row: FloatArray
) -> None:
    for s in range(len(buys)):
        signed, volume, change = buys[s] - sells[s], buys[s] + sells[s], close[s] - close_before[s]
        seen = np.isfinite(volume) & (row[0, s] > 0.0)
        row[_OF_VOLUME, s] = 1.0 if seen else 0.0
        row[_SIGNED, s] = signed if seen else 0.0
        row[_VOLUME, s] = volume if seen else 0.0
        millions = signed / _MILLION
        seen = np.isfinite(change + millions)
        row[_OF_RETURN, s] = 1.0 if seen else 0.0
        row[_RETURN, s] = change if seen else 0.0
        row[_MILLIONS, s] = millions if seen else 0.0
        row[_MILLIONS2, s] = millions * millions if seen else 0.0
        row[_CROSS, s] = change * millions if seen else 0.0


def _of_spreads(
    family: int, row: FloatArray, sums: FloatArray, count: FloatArray, least: float, out: FloatArray
) -> None:
    if family == 1:
        seen, total, square, here, newest = (
            sums[_OF_SPREAD],
            sums[_SPREAD],
            sums[_SPREAD2],
            row[_OF_SPREAD],
            row[_SPREAD],
        )
        for s in range(len(out)):
            pairs = _pairs(seen[s], least, count[s])
            mean = total[s] / pairs
            variance = square[s] / pairs - mean * mean
            distance = (newest[s] if here[s] > 0.0 else np.nan) - mean
            out[s] = distance / np.sqrt(variance if variance > 1e-20 else np.nan)
    else:
        presence = _OF_SPREAD if family == 0 else (_OF_EFFECTIVE if family == 2 else _OF_LEANING)
        number = _SPREAD if family == 0 else (_EFFECTIVE if family == 2 else _LEANING)
        seen, total = sums[presence], sums[number]
        for s in range(len(out)):
            out[s] = total[s] / _pairs(seen[s], least, count[s])


def _of_flows(family: int, sums: FloatArray, count: FloatArray, least: float, out: FloatArray) -> None:
    if family == 6:
        seen, change, millions, square, cross = (
            sums[_OF_RETURN],
            sums[_RETURN],
            sums[_MILLIONS],
            sums[_MILLIONS2],
            sums[_CROSS],
        )
        for s in range(len(out)):
            pairs = _pairs(seen[s], least, count[s])
            mean, power = millions[s] / pairs, square[s] / pairs
            variance, floor = power - mean * mean, 1e-12 * (1e-300 if power < 1e-300 else power)
            covariance = cross[s] / pairs - change[s] / pairs * mean
            out[s] = covariance / (variance if variance > floor else np.nan)
    else:
        seen, part, whole = (
            sums[_OF_FLOW if family == 4 else _OF_VOLUME],
            sums[_FLOW if family == 4 else _SIGNED],
            sums[_DEPTH if family == 4 else _VOLUME],
        )
        for s in range(len(out)):
            total = whole[s] + 0.0 * _pairs(seen[s], least, count[s])
            out[s] = part[s] / (total if total > 0.0 else np.nan)


def _pairs(seen: float, least: float, count: float) -> float:
    return (seen if seen >= least else np.nan) + 0.0 * count


class OrderFlowBank(CompiledBank):
    """Averages of spreads and imbalances, and sums of signed flow, each over the bars that have its columns."""

    panel_window = 2
    first_bar = 0
    channels = 19
    families: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "quoted_spread_mean": (_OF_SPREAD, _SPREAD),
        "quoted_spread_score": (_OF_SPREAD, _SPREAD, _SPREAD2),
        "effective_spread_mean": (_OF_EFFECTIVE, _EFFECTIVE),
        "touch_imbalance_mean": (_OF_LEANING, _LEANING),
        "order_flow_imbalance": (_OF_FLOW, _FLOW, _DEPTH),
        "trade_imbalance": (_OF_VOLUME, _SIGNED, _VOLUME),
        "kyle_lambda": (_OF_RETURN, _RETURN, _MILLIONS, _MILLIONS2, _CROSS),
    }
    kernel = staticmethod(_advance)
    parts = (_fill_quotes, _fill_flow, _fill_volumes, _of_spreads, _of_flows, _pairs)

    def inputs(self, panel: Panel, bars: int) -> tuple[FloatArray, ...]:
        """Log closes and quotes, one bar more than asked for."""
        return tuple(panel.stretch(name, bars, 1) for name in _INPUTS)


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
