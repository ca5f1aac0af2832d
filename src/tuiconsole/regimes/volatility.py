"""Volatility regime: low, medium or high, by fixed levels and by the market's own history."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tuiconsole.domain.machine_code import Kernel, machine_code
from tuiconsole.domain.types import FloatArray
from tuiconsole.regimes.compiled_volatility import volatility_of
from tuiconsole.regimes.logistic import logistic
from tuiconsole.regimes.settings import RegimeSettings

_NO_OPINION = (1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0)
_SMALLEST = 1e-8
"""Annualised volatility that stands for none, so that its logarithm exists."""


class VolatilityRegime:
    """Exponentially weighted volatility of the market, its rank in its own history, and what both say.

    Below the low level volatility is low, above the high level it is high, whatever the history; between the
    levels the history decides: low below the low rank, high above the high rank, else medium. With ``L`` the
    logistic function, ``v`` the logarithm of annualised volatility, ``u`` its rank, ``c`` = min(1, history /
    minimum)::

        above = L((v - ln high_level) / level_width)      below = L((ln low_level - v) / level_width)
        rare  = c L((u - high_rank) / rank_width)         calm  = c L((low_rank - u) / rank_width)
        high   = above + (1 - above) (1 - below) rare
        low    = (1 - high) (below + (1 - below) (1 - above) calm)
        medium = 1 - low - high

    The variance is that of RiskMetrics (1996, Technical Document, eq. 5.3), mean zero, divided by the sum of
    its weights so that early values are unbiased.

    Attributes
    ----------
    volatility
        Annualised fraction; NaN until warm.
    probabilities
        Low, medium, high; one third each until warm.
    """

    def __init__(self, settings: RegimeSettings, bars_per_year: float) -> None:
        self._settings = settings
        self._bars_per_year = bars_per_year
        self._decay = 0.5 ** (1.0 / settings.volatility_half_life_bars)
        self._constants = (
            settings.volatility_level_width,
            settings.history_high_rank,
            settings.history_low_rank,
            settings.history_rank_width,
            float(settings.history_minimum_bars),
        )
        self._low = math.log(settings.volatility_low_level)
        self._high = math.log(settings.volatility_high_level)
        levels = (self._low, self._high, settings.volatility_level_width)
        self._rules = (self._decay, bars_per_year, _SMALLEST, *levels, *self._constants[1:])
        self._kernel: Kernel | None = None
        self._variance = 0.0
        self._weight = 0.0
        self._bars = 0
        self._history: FloatArray = np.full(settings.history_bars, np.nan)
        self._stored = 0
        self._ordered: list[float] | None = None
        self.volatility = math.nan
        self.probabilities: tuple[float, float, float] = _NO_OPINION

    def update(self, market_return: float) -> None:
        """Take in one log-return of the market."""
        rest = 1.0 - self._decay
        self._variance = self._decay * self._variance + rest * market_return * market_return
        self._weight = self._decay * self._weight + rest
        self._bars += 1
        if self._bars < self._settings.volatility_warmup_bars:
            return
        self.volatility = math.sqrt(self._variance / self._weight * self._bars_per_year)
        level = math.log(max(self.volatility, _SMALLEST))
        rank = self._rank(level)
        self._history[self._stored % len(self._history)] = level
        self._stored += 1
        self._ordered = None
        self.probabilities = self._judge(level, rank)

    def use_machine_code(self) -> None:
        """Have :meth:`update_block` done by a kernel, with the same bits."""
        sources = tuple(Path(__file__).with_name(name) for name in ("compiled_volatility.py", "logistic.py"))
        self._kernel = machine_code(volatility_of, (logistic,), sources, "Regimes in machine code")

    def update_block(self, market_returns: FloatArray) -> FloatArray:
        """Take in log-returns ``[bars]`` of the market, bit for bit as :meth:`update`.

        Returns
        -------
        float64 ``[bars, 3]``: the probabilities after each.
        """
        found: FloatArray = np.empty((1 + len(market_returns), 3))
        found[0] = self.probabilities
        if self._kernel is None:
            self._one_by_one(market_returns.tolist(), found)
        else:
            running = (self._variance, self._weight, self.volatility, self._bars, self._stored)
            rules, warmup_bars = self._rules, self._settings.volatility_warmup_bars
            after = self._kernel(market_returns, self._history, running, rules, warmup_bars, found)
            self._variance, self._weight, self.volatility, self._bars, self._stored = after
            self._ordered = None
        low, medium, high = found[-1].tolist()
        self.probabilities = (low, medium, high)
        return found[1:]

    def _one_by_one(self, market_returns: list[float], found: FloatArray) -> None:
        """Take in the returns; ``found`` ``[1 + bars, 3]`` gets the probabilities after each."""
        levels = self._levels(market_returns)
        warming = len(market_returns) - len(levels)
        found[1 : 1 + warming] = found[0]
        size, history, judged = len(self._history), self._history, []
        if self._ordered is None:
            self._ordered = sorted(history[: min(self._stored, size)].tolist())
        ordered = self._ordered
        for level in levels:
            rank = 0.5
            if ordered:
                rank = 0.5 * (bisect_left(ordered, level) + bisect_right(ordered, level)) / len(ordered)
            slot = self._stored % size
            if self._stored >= size:
                del ordered[bisect_left(ordered, history.item(slot))]
            insort(ordered, level)
            history[slot] = level
            self._stored += 1
            judged.append(self._judge(level, rank))
        if judged:
            found[1 + warming :] = judged

    def _levels(self, market_returns: list[float]) -> list[float]:
        """Logarithms of volatility after each return, without those that come before the warm-up is over."""
        rest, levels = 1.0 - self._decay, []
        for market_return in market_returns:
            self._variance = self._decay * self._variance + rest * market_return * market_return
            self._weight = self._decay * self._weight + rest
            self._bars += 1
            if self._bars >= self._settings.volatility_warmup_bars:
                self.volatility = math.sqrt(self._variance / self._weight * self._bars_per_year)
                levels.append(math.log(max(self.volatility, _SMALLEST)))
        return levels

    def _rank(self, level: float) -> float:
        """Share of the history below ``level``, ties counted half; NaN entries are on neither side."""
        stored = min(self._stored, len(self._history))
        if not stored:
            return 0.5
        below = int(np.count_nonzero(self._history < level))
        upto = int(np.count_nonzero(self._history <= level))
        return 0.5 * (below + upto) / stored

    def _judge(self, level: float, rank: float) -> tuple[float, float, float]:
        level_width, high_rank, low_rank, rank_width, minimum_bars = self._constants
        trust = min(1.0, (self._stored - 1) / minimum_bars)
        above = logistic((level - self._high) / level_width)
        below = logistic((self._low - level) / level_width)
        rare = trust * logistic((rank - high_rank) / rank_width)
        calm = trust * logistic((low_rank - rank) / rank_width)
        high = above + (1.0 - above) * (1.0 - below) * rare
        low = (1.0 - high) * (below + (1.0 - below) * (1.0 - above) * calm)
        return low, max(0.0, 1.0 - low - high), high

    def state(self) -> dict[str, Any]:
        """Variance, its weight, counts, history and the current answer; copies."""
        return {
            "variance": self._variance,
            "weight": self._weight,
            "bars": self._bars,
            "history": self._history.copy(),
            "stored": self._stored,
            "volatility": self.volatility,
            "probabilities": list(self.probabilities),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`, bit for bit."""
        self._variance = float(state["variance"])
        self._weight = float(state["weight"])
        self._bars = int(state["bars"])
        self._history[...] = state["history"]
        self._stored = int(state["stored"])
        self._ordered = None
        self.volatility = float(state["volatility"])
        low, medium, high = state["probabilities"]
        self.probabilities = (float(low), float(medium), float(high))
