"""A base for banks whose features are dear and slow: computed every few bars and held in between."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import BoolArray, FloatArray
from tuiconsole.features.contract import Bank, Request, distinct, rows_at
from tuiconsole.features.rolling_sums import PRESENCE, RollingSums

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel


class HeldBank(Bank):
    """Every window is computed from the panel a few times in its bars, and at once when a symbol ripens.

    Between refreshes a value is held; it is shown only while the newest return is good and at least 80 % of the
    window's returns are. The first parameter of every request is its window. Windows are refreshed on different
    bars, so that no bar pays for all.
    """

    refreshes = 12
    """How often a window is computed while it passes once."""

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self._windows = distinct(requests)
        self.panel_window = self._windows[-1] + 1
        self._presence = RollingSums(self._windows, 1, n_symbols)
        self._row: FloatArray = np.zeros((1, n_symbols))
        members = {
            window: [row for row, request in enumerate(requests) if request.parameters[0] == window]
            for window in self._windows
        }
        self._members = [
            (window, members[window], rows_at(members[window]), [requests[row] for row in members[window]])
            for window in self._windows
        ]
        self._held: FloatArray = np.full((len(requests), n_symbols), np.nan)
        self._ripe: BoolArray = np.zeros((len(self._windows), n_symbols), dtype=np.bool_)

    @abstractmethod
    def compute(self, returns: FloatArray, requests: Sequence[Request], enough: BoolArray) -> FloatArray:
        """Values of one window.

        Parameters
        ----------
        returns
            ``[window, n_symbols]`` one-bar log-returns, oldest first, NaN where missing; a copy.
        requests
            The rows wanted, all of this window.
        enough
            bool ``[n_symbols]``: at least 80 % of the returns are good.

        Returns
        -------
        float64 ``[len(requests), n_symbols]``; what stands where ``enough`` is False is not shown.
        """

    def update(self, panel: Panel) -> None:
        """Take in the newest return, and refresh what is due."""
        if panel.count < 2:
            return
        present = np.isfinite(panel.latest("log_close") - panel.ago("log_close", 1))
        self._row[0] = present
        self._presence.push(self._row)
        for index, (window, rows, at, requests) in enumerate(self._members):
            if panel.count <= window:
                continue
            enough = self._presence.sums[index, 0] >= PRESENCE * window
            fresh = np.count_nonzero(enough > self._ripe[index]) > 0
            if fresh or (panel.count - window - 1) % max(1, window // self.refreshes) == 0:
                returns = np.diff(panel.window("log_close", window + 1), axis=0)
                with np.errstate(invalid="ignore", divide="ignore"):
                    self._held[rows] = self.compute(returns, requests, enough)
            self._ripe[index] = enough
            shown = enough & present
            if np.count_nonzero(shown) == shown.size:
                self.values[at] = self._held[at]
            else:
                self.values[at] = np.where(shown, self._held[at], np.nan)

    def state(self) -> dict[str, Any]:
        """What is held, and the counts that say when it may be shown."""
        return {"presence": self._presence.state(), "held": self._held.copy(), "ripe": self._ripe.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._presence.restore(state["presence"])
        self._held[...] = state["held"]
        self._ripe[...] = state["ripe"]


def centred(returns: FloatArray) -> tuple[FloatArray, Any]:
    """Distances of ``returns`` ``[bars, n_symbols]`` to each symbol's mean, 0 where missing, and how many are not."""
    seen = np.isfinite(returns)
    if np.count_nonzero(seen) == seen.size:
        return returns - returns.sum(axis=0) / len(returns), float(len(returns))
    count = seen.sum(axis=0)
    mean = np.where(seen, returns, 0.0).sum(axis=0) / count
    return np.where(seen, returns - mean, 0.0), count
