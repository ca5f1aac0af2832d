"""A base for banks whose features follow from sums over sliding windows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import BoolArray, FloatArray
from tuiconsole.features.contract import Bank, Request, distinct, routes
from tuiconsole.features.rolling_sums import RollingSums

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

STANDSTILL = 1e-20
"""Variance of one-bar log-returns below which nothing moves."""


class SummedBank(Bank):
    """Fill one row of channels per bar, sum it over every window asked for, and turn sums into features.

    The first parameter of every request is its window. Channel 0 is the presence of an observation.

    Attributes
    ----------
    windows
        Different windows of the requests, ascending.
    row
        float64 ``[channels, n_symbols]``, filled by :meth:`fill`.
    """

    def __init__(
        self, requests: Sequence[Request], n_symbols: int, bars_per_year: float, channels: int
    ) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self.windows = distinct(requests)
        self.row: FloatArray = np.zeros((channels, n_symbols))
        self._sums = RollingSums(self.windows, channels, n_symbols)
        self._routes = routes(requests)
        self._means: FloatArray = np.empty((channels - 1, len(self.windows), n_symbols))
        self._bars_needed = np.array([request.window_bars for request in requests], dtype=np.int64)

    @abstractmethod
    def fill(self, panel: Panel) -> BoolArray | None:
        """Write :attr:`row` from the newest bar; where it holds an observation, or None before there can be one."""

    @abstractmethod
    def refresh(self, count: FloatArray, sums: FloatArray) -> None:
        """Write the values.

        Parameters
        ----------
        count
            ``[n_windows, n_symbols]`` observations; NaN where a window speaks of nothing.
        sums
            ``[n_windows, channels, n_symbols]``.
        """

    def update(self, panel: Panel) -> None:
        """Take in the newest bar."""
        with np.errstate(invalid="ignore", divide="ignore"):
            present = self.fill(panel)
            if present is None:
                return
            self._sums.push(self.row)
            self.refresh(self._sums.observations(present), self._sums.sums)
        if panel.count < self.warmup_bars:
            self.values[self._bars_needed > panel.count] = np.nan

    def means(self, count: FloatArray, sums: FloatArray) -> FloatArray:
        """``sums / count`` of all channels but the presence, channels first and contiguous: ``[channels - 1, …]``.

        The array is the bank's own, overwritten by the next call.
        """
        return np.divide(sums.swapaxes(0, 1)[1:], count, out=self._means)

    def wants(self, *families: str) -> bool:
        """Whether any of ``families`` was asked for."""
        return any(family in self._routes for family in families)

    def put(self, family: str, results: FloatArray) -> None:
        """Write ``results`` ``[n_windows, n_symbols]`` to the rows of ``family``, if it was asked for."""
        rows = self._routes.get(family)
        if rows is not None:
            self.values[rows[0]] = results[rows[1]]

    def state(self) -> dict[str, Any]:
        """The sums."""
        return {"sums": self._sums.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._sums.restore(state["sums"])


def one_bar_return(panel: Panel) -> FloatArray:
    """The newest one-bar log-return ``[n_symbols]``; NaN where either close is missing."""
    change: FloatArray = panel.latest("log_close") - panel.ago("log_close", 1)
    return change


def above(values: FloatArray, floor: float | FloatArray) -> FloatArray:
    """``values`` with NaN written where they are at most ``floor``: a divisor that makes no infinities; in place."""
    np.copyto(values, np.nan, where=values <= floor)
    return values


def window_and(more: int) -> Any:
    """Warm-up of a feature whose first parameter is its window: that many bars and ``more``."""
    return lambda window, *_: int(window) + more
