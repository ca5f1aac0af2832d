"""Macro and cross-asset series as released: levels, spreads, changes, z-scores. NaN unless a source is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import log, nan
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.context import MACRO_SERIES
from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Bank, Feature, Request
from tuiconsole.features.rolling_sums import RollingSums, observe

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_LEAST_VARIANCE = 1e-12
_Row = Mapping[str, float]


def _log(series: str) -> Callable[[_Row], float]:
    def logarithm(row: _Row) -> float:
        value = row[series]
        return log(value) if value > 0.0 else nan

    return logarithm


def _level(series: str) -> Callable[[_Row], float]:
    return lambda row: row[series]


_SUBJECTS: dict[str, tuple[Callable[[_Row], float], str, str, tuple[str, ...]]] = {
    "vix": (_level("vix"), "VIX", "volatility points", ("vix",)),
    "yield_3m": (_level("yield_3m"), "3-month yield", "percent", ("yield_3m",)),
    "yield_2y": (_level("yield_2y"), "2-year yield", "percent", ("yield_2y",)),
    "yield_10y": (_level("yield_10y"), "10-year yield", "percent", ("yield_10y",)),
    "yield_real": (_level("yield_real_10y"), "10-year real yield", "percent", ("yield_real_10y",)),
    "yield_slope": (
        lambda row: row["yield_10y"] - row["yield_2y"],
        "10-year minus 2-year yield",
        "percent",
        ("yield_2y", "yield_10y"),
    ),
    "yield_slope_short": (
        lambda row: row["yield_10y"] - row["yield_3m"],
        "10-year minus 3-month yield",
        "percent",
        ("yield_3m", "yield_10y"),
    ),
    "yield_slope_long": (
        lambda row: row["yield_30y"] - row["yield_5y"],
        "30-year minus 5-year yield",
        "percent",
        ("yield_5y", "yield_30y"),
    ),
    "yield_curvature": (
        lambda row: 2.0 * row["yield_5y"] - row["yield_2y"] - row["yield_10y"],
        "twice the 5-year yield minus the 2-year and the 10-year",
        "percent",
        ("yield_2y", "yield_5y", "yield_10y"),
    ),
    "breakeven": (
        lambda row: row["yield_10y"] - row["yield_real_10y"],
        "10-year yield minus 10-year real yield",
        "percent",
        ("yield_10y", "yield_real_10y"),
    ),
    "credit_spread": (_level("credit_spread"), "high-yield credit spread", "percent", ("credit_spread",)),
    "quality_spread": (
        lambda row: row["yield_baa"] - row["yield_aaa"],
        "BAA minus AAA corporate yield",
        "percent",
        ("yield_aaa", "yield_baa"),
    ),
    "unemployment": (_level("unemployment"), "unemployment rate", "percent", ("unemployment",)),
    "economic_surprise": (
        _level("economic_surprise"),
        "economic surprise index",
        "standard deviations",
        ("economic_surprise",),
    ),
    "oil": (_log("oil"), "ln of oil", "log-return", ("oil",)),
    "gold": (_log("gold"), "ln of gold", "log-return", ("gold",)),
    "dollar": (_log("dollar"), "ln of the dollar index", "log-return", ("dollar",)),
    "equity_index": (_log("equity_index"), "ln of the equity index", "log-return", ("equity_index",)),
    "consumer_prices": (_log("consumer_prices"), "ln of consumer prices", "log-return", ("consumer_prices",)),
    "money_supply": (_log("money_supply"), "ln of the money supply", "log-return", ("money_supply",)),
}
"""Subject → (number from the macro row, words, unit, series it needs)."""
_NAMES = tuple(_SUBJECTS)


class MacroBank(Bank):
    """Numbers that are the same for every symbol; shown where its close is good."""

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        kinds = [_kind(request) for request in requests]
        self._lags = np.array([bars if kind == "change" else 0 for kind, _, bars in kinds], dtype=np.int64)
        self._columns = np.array([_NAMES.index(subject) for _, subject, _ in kinds], dtype=np.int64)
        self._changes = np.array([kind == "change" for kind, _, _ in kinds])
        self._size = int(self._lags.max()) + 1
        self._ring: FloatArray = np.full((self._size, len(_NAMES)), np.nan)
        windows = sorted({bars for kind, _, bars in kinds if kind == "score"})
        self._sums = RollingSums(windows, 3, len(_NAMES)) if windows else None
        self._base: FloatArray = np.full(len(_NAMES), np.nan)
        self._row: FloatArray = np.zeros((3, len(_NAMES)))
        self._scores = [
            (row, windows.index(bars), _NAMES.index(subject))
            for row, (kind, subject, bars) in enumerate(kinds)
            if kind == "score"
        ]
        self._score_at = np.array(self._scores, dtype=np.int64).reshape(-1, 3).T
        self._bar = 0

    def update(self, panel: Panel) -> None:
        """Read what had been released by the newest bar."""
        released = panel.macro(1)[0]
        if not self._bar and np.isnan(released).all():
            return
        known = dict(zip(MACRO_SERIES, released.tolist(), strict=True))
        now = np.array([number(known) for number, *_ in _SUBJECTS.values()])
        slot = self._bar % self._size
        self._ring[slot] = now
        past = self._ring[(slot - self._lags) % self._size, self._columns]
        column = now[self._columns] - np.where(self._changes, past, 0.0)
        if self._sums is not None:
            self._score(self._sums, now, column)
        self._bar += 1
        np.add(column[:, None], 0.0 * panel.latest("close"), out=self.values)

    def _score(self, sums: RollingSums, now: FloatArray, column: FloatArray) -> None:
        np.copyto(self._base, now, where=np.isnan(self._base))
        row = self._row
        present = observe(now - self._base, row[0], row[1])
        np.multiply(row[1], row[1], out=row[2])
        sums.push(row)
        mean = sums.sums[:, 1:] / sums.observations(present)[:, None]
        variance = mean[:, 1] - mean[:, 0] * mean[:, 0]
        deviation = np.sqrt(np.where(variance > _LEAST_VARIANCE, variance, np.nan))
        score = (row[1] - mean[:, 0]) / deviation
        rows, windows, subjects = self._score_at
        column[rows] = score[windows, subjects]

    def state(self) -> dict[str, Any]:
        """Past numbers and sums."""
        return {
            "ring": self._ring.copy(),
            "base": self._base.copy(),
            "sums": None if self._sums is None else self._sums.state(),
            "bar": self._bar,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._ring[...] = state["ring"]
        self._base[...] = state["base"]
        if self._sums is not None:
            self._sums.restore(state["sums"])
        self._bar = int(state["bar"])


def _kind(request: Request) -> tuple[str, str, int]:
    """What is done (level, change or score), with which subject, over how many bars."""
    family = request.feature.family
    for ending in ("change", "score"):
        if family.endswith(f"_{ending}"):
            return ending, family.removesuffix(f"_{ending}").removeprefix("macro_"), request.parameters[0]
    return "level", family.removeprefix("macro_"), 0


_LEVELS = tuple(subject for subject, (_, _, unit, _) in _SUBJECTS.items() if unit != "log-return")
_CHANGES: dict[str, tuple[int, ...]] = {
    "vix": (1, 5, 21),
    "yield_3m": (63,),
    "yield_2y": (21,),
    "yield_10y": (5, 21, 63),
    "yield_real": (21,),
    "yield_slope": (21, 63),
    "breakeven": (21,),
    "credit_spread": (5, 21, 63),
    "quality_spread": (21,),
    "unemployment": (252,),
    "economic_surprise": (21,),
    "oil": (1, 5, 21, 63),
    "gold": (1, 5, 21, 63),
    "dollar": (1, 5, 21, 63),
    "equity_index": (1, 5, 21),
    "consumer_prices": (252,),
    "money_supply": (252,),
}
_SCORES: dict[str, tuple[int, ...]] = {
    "vix": (60, 252),
    "yield_10y": (252,),
    "yield_slope": (252,),
    "credit_spread": (60, 252),
    "oil": (60, 252),
    "gold": (252,),
    "dollar": (60, 252),
}
_CAMPBELL = "Chen, Roll, Ross (1986), Journal of Business 59(3); Welch, Goyal (2008), Review of Financial Studies 21(4)"


def _entries() -> list[Feature]:
    found = [
        _entry(f"macro_{subject}", (), f"{_SUBJECTS[subject][1]} as released", subject, ((),))
        for subject in _LEVELS
    ]
    for subject, bars in _CHANGES.items():
        formula = f"x[t] - x[t - bars] of x = {_SUBJECTS[subject][1]} as released"
        found.append(
            _entry(f"macro_{subject}_change", ("bars",), formula, subject, tuple((b,) for b in bars))
        )
    for subject, windows in _SCORES.items():
        formula = f"z-score (ddof 0) within the last window bars of {_SUBJECTS[subject][1]} as released"
        listed = tuple((window,) for window in windows)
        found.append(_entry(f"macro_{subject}_score", ("window",), formula, subject, listed))
    return found


def _entry(
    family: str, parameters: tuple[str, ...], formula: str, subject: str, listed: tuple[tuple[int, ...], ...]
) -> Feature:
    scored = parameters == ("window",)
    return Feature(
        family=family,
        parameters=parameters,
        minimum=(2,) if scored else (1,) * len(parameters),
        formula=formula,
        unit="standard deviations" if scored else _SUBJECTS[subject][2],
        source=_CAMPBELL,
        needs=("close", *_SUBJECTS[subject][3]),
        window_bars=int if scored else (lambda *bars: 1 + sum(bars)),
        bank=MacroBank,
        example=() if not parameters else (20,),
        listed=listed,
    )


FEATURES = (*_entries(),)
