"""Signs and shapes of moves: how often up, how long in a row, and how disordered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import BoolArray, FloatArray, IntArray
from tuiconsole.features.contract import Bank, Feature, Request
from tuiconsole.features.rolling_sums import observe
from tuiconsole.features.summed import SummedBank, above, one_bar_return, window_and

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_SEXTILES = np.array([-0.9674, -0.4307, 0.0, 0.4307, 0.9674])
"""Limits of six equally likely bins of a standard normal."""
_SCALE_BARS = 20


class SignsBank(SummedBank):
    """Counts of ups, downs and runs."""

    panel_window = 3

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year, 4)
        self._entropies = _Entropies(self.windows[-1])

    def fill(self, panel: Panel) -> BoolArray | None:
        """Presence, up, down, and whether the sign differs from the previous bar's."""
        if panel.count < 2:
            return None
        row = self.row
        change = one_bar_return(panel)
        present = np.isfinite(change)
        row[0] = present
        row[1] = change > 0.0
        row[2] = change < 0.0
        before = panel.ago("log_close", 1) - panel.ago("log_close", 2)
        row[3] = change * before < 0.0
        return present

    def refresh(self, count: FloatArray, sums: FloatArray) -> None:
        """Shares, entropy of the signs, and the runs test."""
        seen, up, down, changes = sums.swapaxes(0, 1).copy()
        if self.wants("up_share"):
            self.put("up_share", up / count)
        if self.wants("sign_entropy"):
            counts = np.stack((up, down, seen - up - down), axis=1)
            self.put("sign_entropy", self._entropies.of(counts, count, 2.0))
        if self.wants("runs_score"):
            moving = up + down
            double = 2.0 * up * down
            expected = double / moving
            variance = above(double * (double - moving) / (moving * moving * (moving - 1.0)), 1e-9)
            score = (changes - expected) / np.sqrt(variance)
            self.put("runs_score", score + 0.0 * count)


class OrdinalBank(SummedBank):
    """Counts of the six orders in which three closes can stand."""

    panel_window = 3

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year, 7)
        self._entropies = _Entropies(self.windows[-1])
        self._codes: IntArray = np.arange(6)[:, None]

    def fill(self, panel: Panel) -> BoolArray | None:
        """Presence and one mark for the pattern of the last three closes; ties count as rises."""
        if panel.count < 3:
            return None
        first, second, third = panel.window("close", 3)
        present: BoolArray = np.isfinite(first + second + third)
        code = 4 * (first <= second) + 2 * (second <= third) + (first <= third)
        pattern = _PATTERN_OF[code]
        self.row[0] = present
        np.multiply(pattern == self._codes, present, out=self.row[1:])
        return present

    def refresh(self, count: FloatArray, sums: FloatArray) -> None:
        """Entropy of the patterns."""
        self.put("permutation_entropy", self._entropies.of(sums[:, 1:], count, 6.0))


_PATTERN_OF = np.array([0, 0, 1, 2, 3, 4, 0, 5], dtype=np.int64)
"""Comparisons of three closes as a number → one of the six patterns; two of the eight numbers cannot be."""


class BinsBank(SummedBank):
    """Counts of returns in six bins, scaled by the root mean square of the returns before."""

    panel_window = _SCALE_BARS + 2

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year, 7)
        self._entropies = _Entropies(self.windows[-1])
        self._codes: IntArray = np.arange(6)[:, None]
        self._squares: FloatArray = np.zeros((_SCALE_BARS, 2, n_symbols))
        self._bar = 0

    def fill(self, panel: Panel) -> BoolArray | None:
        """Presence and one mark for the bin of the newest return."""
        if panel.count < 2:
            return None
        change = one_bar_return(panel)
        seen, total = self._squares.sum(axis=0)
        enough = seen >= 0.8 * _SCALE_BARS
        scaled = change / np.sqrt(total / np.where(enough, seen, np.nan))
        slot = self._squares[self._bar % _SCALE_BARS]
        observe(change * change, slot[0], slot[1])
        self._bar += 1
        if self._bar <= _SCALE_BARS:
            return None
        present: BoolArray = np.isfinite(scaled)
        place = np.searchsorted(_SEXTILES, scaled, side="right")
        self.row[0] = present
        np.multiply(place == self._codes, present, out=self.row[1:])
        return present

    def refresh(self, count: FloatArray, sums: FloatArray) -> None:
        """Entropy of the bins."""
        self.put("bin_entropy", self._entropies.of(sums[:, 1:], count, 6.0))

    def state(self) -> dict[str, Any]:
        """The sums, and the squares that scale the next return."""
        return super().state() | {"squares": self._squares.copy(), "bar": self._bar}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        super().restore(state)
        self._squares[...] = state["squares"]
        self._bar = int(state["bar"])


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


class _Entropies:
    """Shannon entropies of counts up to ``most``, from a table of ``k ln k``."""

    def __init__(self, most: int) -> None:
        counts = np.arange(most + 1, dtype=np.float64)
        self._table: FloatArray = counts * np.log(np.maximum(counts, 1.0))

    def of(self, counts: FloatArray, total: FloatArray, states: float) -> FloatArray:
        """Entropy of ``counts`` ``[n_windows, k, n_symbols]`` as a part of that of ``states`` equal shares."""
        spread = self._table.take(counts.astype(np.int64)).sum(axis=1)
        entropy: FloatArray = (np.log(total) - spread / total) / log(states)
        return np.maximum(entropy, 0.0)


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
        bank=OrdinalBank,
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
        bank=BinsBank,
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
        listed=((),),
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
        listed=((),),
    ),
)
