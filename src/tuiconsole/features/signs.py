"""Signs and shapes of moves: how often up, how long in a row, and how disordered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.features.compiled import CompiledBank, Windows, observe_windows, slide
from tuiconsole.features.contract import Bank, Feature, Request
from tuiconsole.features.summed import one_bar_return, window_and

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_SEXTILES = (-0.9674, -0.4307, 0.0, 0.4307, 0.9674)
"""Limits of six equally likely bins of a standard normal."""
_LOG_2, _LOG_6 = log(2.0), log(6.0)
_SIGN, _UP, _DOWN, _TURN, _ORDER = range(5)
"""Channels; after the last one, a presence, come six for the orders of three closes."""
_BIN = 11
"""The last presence, and then the six bins."""
_SCALE_BARS = 20


def _advance(
    inputs: tuple[FloatArray, FloatArray, FloatArray],
    windows: Windows,
    count: int,
    plan: IntArray,
    scale: float,
    extra: FloatArray,
    out: FloatArray,
) -> None:
    closes, log_closes, table = inputs
    _, row, sums, observed, _, _ = windows
    before = len(closes) - len(out)
    for t in range(len(out)):
        now = before + t
        _fill_signs(log_closes[now - 2], log_closes[now - 1], log_closes[now], row)
        _fill_orders(closes[now - 2], closes[now - 1], closes[now], row)
        _fill_bins(log_closes, now, row)
        slide(windows, count + t)
        observe_windows(windows, count + t + 1, 0, _SIGN)
        observe_windows(windows, count + t + 1, 1, _ORDER)
        observe_windows(windows, count + t + 1, 2, _BIN)
        for k in range(len(plan)):
            family, w = plan[k, 0], plan[k, 1]
            if family < 3:
                _of_signs(family, sums[w], observed[0, w], table, out[t, k])
            else:
                first = _ORDER if family == 3 else _BIN
                _entropy(sums[w, first + 1 : first + 7], observed[family - 2, w], table, out[t, k])


def _fill_signs(third: FloatArray, second: FloatArray, newest: FloatArray, row: FloatArray) -> None:
    """Presence, up, down, and whether the sign differs from the previous bar's."""
    for s in range(len(newest)):
        change, last = newest[s] - second[s], second[s] - third[s]
        row[_SIGN, s] = 1.0 if np.isfinite(change) else 0.0
        row[_UP, s] = 1.0 if change > 0.0 else 0.0
        row[_DOWN, s] = 1.0 if change < 0.0 else 0.0
        row[_TURN, s] = 1.0 if change * last < 0.0 else 0.0


def _fill_orders(first: FloatArray, second: FloatArray, third: FloatArray, row: FloatArray) -> None:
    """Presence and one mark for the order of the last three closes; ties count as rises."""
    for s in range(len(third)):
        here = np.isfinite(first[s] + second[s] + third[s])
        row[_ORDER, s] = 1.0 if here else 0.0
        rise, last, whole = first[s] <= second[s], second[s] <= third[s], first[s] <= third[s]
        row[_ORDER + 1, s] = 1.0 if here & (not rise) & (not last) else 0.0
        row[_ORDER + 2, s] = 1.0 if here & (not rise) & last & (not whole) else 0.0
        row[_ORDER + 3, s] = 1.0 if here & (not rise) & last & whole else 0.0
        row[_ORDER + 4, s] = 1.0 if here & rise & (not last) & (not whole) else 0.0
        row[_ORDER + 5, s] = 1.0 if here & rise & (not last) & whole else 0.0
        row[_ORDER + 6, s] = 1.0 if here & rise & last else 0.0


def _fill_bins(closes: FloatArray, now: int, row: FloatArray) -> None:
    """Presence and one mark for the bin of the newest return, scaled by the returns before it."""
    seen, total = row[_BIN], row[_BIN + 1]
    for s in range(closes.shape[1]):
        seen[s], total[s] = 0.0, 0.0
    for bar in range(now - _SCALE_BARS, now):
        newer, older = closes[bar], closes[bar - 1]
        for s in range(closes.shape[1]):
            change = newer[s] - older[s]
            here = np.isfinite(change)
            seen[s] += 1.0 if here else 0.0
            total[s] += change * change if here else 0.0
    for s in range(closes.shape[1]):
        scale = np.sqrt(total[s] / (seen[s] if seen[s] >= 0.8 * _SCALE_BARS else np.nan))
        scaled = (closes[now, s] - closes[now - 1, s]) / scale
        here = np.isfinite(scaled)
        row[_BIN, s] = 1.0 if here else 0.0
        for place in range(6):
            above = place == 0 or scaled >= _SEXTILES[max(place - 1, 0)]
            below = place == 5 or scaled < _SEXTILES[min(place, 4)]
            row[_BIN + 1 + place, s] = 1.0 if here & above & below else 0.0


def _of_signs(family: int, sums: FloatArray, counts: FloatArray, table: FloatArray, out: FloatArray) -> None:
    """Shares, entropy of the signs, and the runs test."""
    ups, downs, turns = sums[_UP], sums[_DOWN], sums[_TURN]
    for s in range(len(out)):
        up, down, count = ups[s], downs[s], counts[s]
        if family == 0:
            out[s] = up / count
        elif family == 1:
            spread = table[int(up)] + table[int(down)] + table[int(sums[_SIGN, s] - up - down)]
            entropy = (np.log(count) - spread / count) / _LOG_2
            out[s] = 0.0 if entropy < 0.0 else entropy
        else:
            moving, double = up + down, 2.0 * up * down
            variance = double * (double - moving) / (moving * moving * (moving - 1.0))
            score = (turns[s] - double / moving) / np.sqrt(variance if variance > 1e-9 else np.nan)
            out[s] = score + 0.0 * count


def _entropy(counts: FloatArray, total: FloatArray, table: FloatArray, out: FloatArray) -> None:
    """Entropy of six counts as a part of that of equal shares."""
    for s in range(len(out)):
        spread = 0.0
        for place in range(6):
            spread += table[int(counts[place, s])]
        entropy = (np.log(total[s]) - spread / total[s]) / _LOG_6
        out[s] = 0.0 if entropy < 0.0 else entropy


class SignsBank(CompiledBank):
    """Counts of ups, downs and turns; of the six orders of three closes; of returns in six bins.

    Bins are scaled by the root mean square of the returns before. Entropies come from a table of ``k ln k``.
    """

    panel_window = _SCALE_BARS + 2
    channels = 18
    presences = (_SIGN, _ORDER, _BIN)
    families: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "up_share": (_UP,),
        "sign_entropy": (_UP, _DOWN),
        "runs_score": (_UP, _DOWN, _TURN),
        "permutation_entropy": tuple(range(_ORDER + 1, _ORDER + 7)),
        "bin_entropy": tuple(range(_BIN + 1, _BIN + 7)),
    }
    kernel = staticmethod(_advance)
    parts = (_fill_signs, _fill_orders, _fill_bins, _of_signs, _entropy)

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        counts = np.arange(self.windows[-1] + 1, dtype=np.float64)
        self._table: FloatArray = counts * np.log(np.maximum(counts, 1.0))

    def inputs(self, panel: Panel, bars: int) -> tuple[FloatArray, ...]:
        """Closes and log closes, as far back as bins look; and the table."""
        before = self.panel_window - 1
        return panel.stretch("close", bars, before), panel.stretch("log_close", bars, before), self._table


class RunBank(Bank):
    """The present run of moves of one sign; a missing bar or a standing price ends it."""

    panel_window = 2

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self._length: FloatArray = np.zeros(n_symbols)
        self._sum: FloatArray = np.zeros(n_symbols)
        self._families = [request.feature.family for request in requests]

    def update(self, panel: Panel) -> None:
        """Lengthen or begin the run."""
        if panel.count < 2:
            return
        change = one_bar_return(panel)
        sign = np.sign(change)
        goes_on = sign * self._length > 0.0
        moved = np.where(np.isfinite(change), change, 0.0)
        self._sum[...] = np.where(goes_on, self._sum, 0.0) + moved
        self._length[...] = np.where(goes_on, self._length, 0.0) + np.where(np.isfinite(sign), sign, 0.0)
        missing = np.isnan(change)
        for row, family in enumerate(self._families):
            found = self._length if family == "run_length" else self._sum
            self.values[row] = np.where(missing, np.nan, found)

    def state(self) -> dict[str, Any]:
        """Length and return of the runs."""
        return {"length": self._length.copy(), "sum": self._sum.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._length[...] = state["length"]
        self._sum[...] = state["sum"]


_SHANNON = "Shannon (1948), Bell System Technical Journal 27"

FEATURES = (
    Feature(
        family="up_share",
        parameters=("window",),
        minimum=(2,),
        formula="share of the last window one-bar returns that are above zero",
        unit="0 to 1",
        source="Kaufman (2013), Trading Systems and Methods, ch. 2",
        needs=("close",),
        window_bars=window_and(1),
        bank=SignsBank,
        example=(20,),
        listed=((20,), (60,), (252,)),
    ),
    Feature(
        family="runs_score",
        parameters=("window",),
        minimum=(10,),
        formula="(changes of sign - expected) / their deviation over the last window returns; below 0: trends; NaN "
        "where the price stood still",
        unit="standard deviations",
        source="Wald, Wolfowitz (1940), Annals of Mathematical Statistics 11(2)",
        needs=("close",),
        window_bars=window_and(1),
        bank=SignsBank,
        example=(60,),
        listed=((20,), (60,), (252,)),
    ),
    Feature(
        family="sign_entropy",
        parameters=("window",),
        minimum=(2,),
        formula="-sum p ln p / ln 2 of the shares p of ups, downs and standstills in the last window returns",
        unit="0 to 1.58 bits",
        source=_SHANNON,
        needs=("close",),
        window_bars=window_and(1),
        bank=SignsBank,
        example=(60,),
        listed=((20,), (60,), (252,)),
    ),
    Feature(
        family="permutation_entropy",
        parameters=("window",),
        minimum=(10,),
        formula="-sum p ln p / ln 6 of the shares p of the six orders of three closes in a row, last window of them",
        unit="0 to 1",
        source="Bandt, Pompe (2002), Physical Review Letters 88(17)",
        needs=("close",),
        window_bars=window_and(2),
        bank=SignsBank,
        example=(60,),
        listed=((60,), (252,)),
    ),
    Feature(
        family="bin_entropy",
        parameters=("window",),
        minimum=(10,),
        formula="-sum p ln p / ln 6 of the shares p of six bins, equally likely if normal, of the last window "
        "returns over the root mean square of the 20 before; NaN where the price stood still",
        unit="0 to 1",
        source=_SHANNON,
        needs=("close",),
        window_bars=window_and(_SCALE_BARS + 1),
        bank=SignsBank,
        example=(60,),
        listed=((60,), (252,)),
    ),
    Feature(
        family="run_length",
        parameters=(),
        minimum=(),
        formula="bars in a row with returns of the newest sign, negative when falling",
        unit="bars",
        source="Kaufman (2013), Trading Systems and Methods, ch. 2",
        needs=("close",),
        window_bars=lambda: 2,
        bank=RunBank,
        example=(),
    ),
    Feature(
        family="run_return",
        parameters=(),
        minimum=(),
        formula="sum of the log-returns of the present run",
        unit="log-return",
        source="Kaufman (2013), Trading Systems and Methods, ch. 2",
        needs=("close",),
        window_bars=lambda: 2,
        bank=RunBank,
        example=(),
    ),
)
