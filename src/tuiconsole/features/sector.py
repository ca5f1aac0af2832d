"""What the sector does, and what a symbol does beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Bank, Feature, Request, distinct, routes
from tuiconsole.features.summed import above

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_LEAST_VARIANCE = 1e-24


class SectorBank(Bank):
    """Equal-weighted mean and deviation of the returns in each symbol's sector; NaN where the sector is unknown."""

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self._bars = distinct(requests)
        self.panel_window = self._bars[-1] + 1
        self._lags = np.array([self._bars[-1] - bars for bars in self._bars], dtype=np.int64)
        self._routes = routes(requests)
        self._members: FloatArray | None = None

    def update(self, panel: Panel) -> None:
        """Refresh every row from the newest bar."""
        if self._members is None:
            self._members = _membership(panel)
        members = self._members
        past = panel.window("log_close", self.panel_window).take(self._lags, axis=0)
        returns = panel.latest("log_close") - past
        seen = np.isfinite(returns)
        filled = np.where(seen, returns, 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            count = seen @ members
            mean = (filled @ members) / count
            codes = panel.sectors
            own_mean = mean[:, codes]
            apart = returns - own_mean
            self._put("sector_return", np.where(np.isnan(apart), np.nan, own_mean))
            self._put("sector_relative_return", apart)
            if "sector_score" in self._routes:
                squares = np.where(np.isfinite(apart), apart * apart, 0.0) @ members
                deviation = np.sqrt(above(squares / count, _LEAST_VARIANCE))
                self._put("sector_score", apart / deviation[:, codes])

    def _put(self, family: str, results: FloatArray) -> None:
        rows = self._routes.get(family)
        if rows is not None:
            self.values[rows[0]] = results[rows[1]]

    def state(self) -> dict[str, Any]:
        """Nothing: the panel says it all."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing to continue from."""


def _membership(panel: Panel) -> FloatArray:
    """One column per sector and an empty last one, where the code -1 points: ``[n_symbols, n_sectors + 1]``."""
    codes = panel.sectors
    members = np.zeros((panel.n_symbols, int(codes.max()) + 2))
    known = np.flatnonzero(codes >= 0)
    members[known, codes[known]] = 1.0
    return members


def _entry(family: str, formula: str, unit: str, source: str) -> Feature:
    return Feature(
        family=family,
        parameters=("bars",),
        minimum=(1,),
        formula=formula,
        unit=unit,
        source=source,
        needs=("close", "sector"),
        window_bars=lambda bars: int(bars) + 1,
        bank=SectorBank,
        example=(21,),
        listed=((1,), (5,), (21,), (63,), (252,)),
    )


_MOSKOWITZ = "Moskowitz, Grinblatt (1999), Journal of Finance 54(4)"

FEATURES = (
    _entry(
        "sector_return",
        "s = mean of ln(C[t] / C[t - bars]) over the symbol's sector",
        "log-return",
        _MOSKOWITZ,
    ),
    _entry("sector_relative_return", "ln(C[t] / C[t - bars]) - s", "log-return", _MOSKOWITZ),
    _entry(
        "sector_score",
        "(ln(C[t] / C[t - bars]) - s) / standard deviation (ddof 0) within the sector",
        "standard deviations",
        "Avellaneda, Lee (2010), Quantitative Finance 10(7)",
    ),
)
