"""Fractionally differenced log prices: stationary, and yet with memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Bank, Feature, Request, rows_at

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel


def weights(order: float, width: int) -> FloatArray:
    """Weights of ``(1 - L)^order`` on the newest, the one before, … ``[width]``.

    Notes
    -----
    ``w[0] = 1``, ``w[k] = -w[k - 1] (order - k + 1) / k``; López de Prado (2018), Advances in Financial Machine
    Learning, sec. 5.4.2.

    >>> weights(0.5, 4).tolist()
    [1.0, -0.5, -0.125, -0.0625]
    """
    steps = np.arange(1.0, width)
    return np.concatenate((np.ones(1), np.cumprod(-(order - steps + 1.0) / steps)))


class FractionalBank(Bank):
    """Weighted sums over the last closes, all of which must be good.

    Log closes are taken from the newest one, so that what the cut-off weights leave of the price's level, which means
    nothing, stays out.
    """

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self.panel_window = self.warmup_bars
        widths = sorted({request.parameters[0] for request in requests})
        self._groups = []
        for width in widths:
            rows = [row for row, request in enumerate(requests) if request.parameters[0] == width]
            orders = [requests[row].parameters[1] / 100.0 for row in rows]
            matrix = np.stack([weights(order, width)[::-1] for order in orders])
            self._groups.append((width, rows_at(rows), np.ascontiguousarray(matrix)))

    def update(self, panel: Panel) -> None:
        """Refresh every row from the newest bars."""
        newest = panel.latest("log_close")
        for width, rows, matrix in self._groups:
            self.values[rows] = matrix @ (panel.window("log_close", width) - newest)

    def state(self) -> dict[str, Any]:
        """Nothing: the panel says it all."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing to continue from."""


FEATURES = (
    Feature(
        family="fractional_difference",
        parameters=("window", "order"),
        minimum=(2, 1),
        formula="sum over k < window of w[k] ln(C[t - k] / C[t]); w[k] = -w[k-1] (d - k + 1) / k, d = order / 100",
        unit="log-return",
        source="Hosking (1981), Biometrika 68(1); López de Prado (2018), sec. 5.5, fixed-width window",
        needs=("close",),
        window_bars=lambda window, order: int(window),
        bank=FractionalBank,
        example=(60, 40),
        listed=tuple((60, order) for order in (20, 30, 40, 50, 60, 70, 80)),
    ),
)
