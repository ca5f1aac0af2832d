"""Returns over one or more bars, and momentum that leaves out the last bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Bank, Feature, Request, rows_at, rows_of

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel


class LogReturnBank(Bank):
    """Differences of log closes between two past bars; these and the newest bar must have a good close."""

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self._length = self.warmup_bars
        self.panel_window = self._length
        spans = [_span(request) for request in requests]
        skips = [skip for _, skip in spans]
        newest = self._length - 1
        self._from = newest - np.array([long for long, _ in spans], dtype=np.int64)
        self._to = newest - np.array(skips, dtype=np.int64)
        self._past = np.empty_like(self.values)
        skipping = [row for row, skip in enumerate(skips) if skip]
        self._skipping = rows_at(skipping) if skipping else None
        simple = rows_of(requests, "rate_of_change")
        self._simple = rows_at(simple) if simple else None

    def update(self, panel: Panel) -> None:
        """Refresh every row from the newest bar."""
        history = panel.window("log_close", self._length)
        np.take(history, self._to, axis=0, out=self.values, mode="clip")
        np.take(history, self._from, axis=0, out=self._past, mode="clip")
        self.values -= self._past
        if self._skipping is not None:
            self.values[self._skipping] += 0.0 * history[-1]  # NaN where the newest bar is missing
        if self._simple is not None:
            self.values[self._simple] = 100.0 * np.expm1(self.values[self._simple])

    def update_block(self, panel: Panel, bars: int, out: FloatArray) -> None:
        """Every row from the newest bars."""
        history = panel.stretch("log_close", bars, self._length - 1)
        for row, (start, end) in enumerate(zip(self._from.tolist(), self._to.tolist(), strict=True)):
            np.subtract(history[end : end + bars], history[start : start + bars], out=out[:, row])
        if self._skipping is not None:
            out[:, self._skipping] += 0.0 * history[self._length - 1 :, None]
        if self._simple is not None:
            out[:, self._simple] = 100.0 * np.expm1(out[:, self._simple])
        self.values[...] = out[-1]

    def state(self) -> dict[str, Any]:
        """Nothing: the panel says it all."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing to continue from."""


def _span(request: Request) -> tuple[int, int]:
    """How many bars ago the return begins and ends."""
    first, *rest = request.parameters
    if request.feature.family == "lagged_return":
        return first + 1, first
    return first, rest[0] if rest else 0


FEATURES = (
    Feature(
        family="log_return",
        parameters=("bars",),
        minimum=(1,),
        formula="ln(C[t] / C[t - bars])",
        unit="log-return",
        source="Campbell, Lo, MacKinlay (1997), The Econometrics of Financial Markets, eq. 1.4.5",
        needs=("close",),
        window_bars=lambda bars: int(bars) + 1,
        bank=LogReturnBank,
        example=(5,),
        listed=((1,), (2,), (3,), (5,), (10,), (15,), (21,), (42,), (63,), (126,), (252,)),
    ),
    Feature(
        family="lagged_return",
        parameters=("lag",),
        minimum=(1,),
        formula="ln(C[t - lag] / C[t - lag - 1])",
        unit="log-return",
        source="Lo, MacKinlay (1990), Review of Financial Studies 3(2)",
        needs=("close",),
        window_bars=lambda lag: int(lag) + 2,
        bank=LogReturnBank,
        example=(3,),
        listed=((1,), (2,), (3,), (4,), (5,), (10,), (20,)),
    ),
    Feature(
        family="momentum",
        parameters=("long", "skip"),
        minimum=(1, 0),
        formula="ln(C[t - skip] / C[t - long])",
        unit="log-return",
        source="Jegadeesh, Titman (1993), Journal of Finance 48(1); skip as in Carhart (1997)",
        needs=("close",),
        window_bars=lambda long, skip: int(long) + 1,
        bank=LogReturnBank,
        example=(60, 5),
        listed=((63, 5), (126, 21), (252, 21), (252, 63)),
    ),
    Feature(
        family="rate_of_change",
        parameters=("bars",),
        minimum=(1,),
        formula="100 (C[t] / C[t - bars] - 1)",
        unit="percent",
        source="TA-Lib ROC",
        needs=("close",),
        window_bars=lambda bars: int(bars) + 1,
        bank=LogReturnBank,
        example=(10,),
        listed=((10,), (20,)),
    ),
)
