"""Exponential averages of the close and what is built from them: DEMA, TEMA, TRIX, MACD, PPO."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.chained_average import ChainedAverage
from tuiconsole.features.contract import Bank, Feature, Request, Rows, rows_at, rows_of

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_Formula = Callable[..., FloatArray]


class _Places(dict[Any, int]):
    """Where each different average stands."""

    def of(self, key: Any) -> int:
        return self.setdefault(key, len(self))


class ExponentialBank(Bank):
    """Three stages of averages: of the close, of the first stage or of a difference in it, and of the second.

    Every average is held over gaps. Families share what they have in common: the 26-bar average of the MACD is
    the one behind ``ema_distance_26`` too.
    """

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self._first_at, self._line_at, self._second_at, self._third_at = (_Places() for _ in range(4))
        self._plan: list[tuple[Rows, _Formula, list[Rows]]] = []
        for family in dict.fromkeys(request.feature.family for request in requests):
            rows = rows_of(requests, family)
            formula, places = self._family(family, [requests[row].parameters for row in rows])
            self._plan.append((rows_at(rows), formula, [rows_at(column) for column in places]))
        self._first = _averages([period for period, _ in self._first_at], n_symbols, list(self._first_at))
        self._second = _averages([period for *_, period in self._second_at], n_symbols)
        self._third = _averages([period for _, period in self._third_at], n_symbols)
        self._line_fast = np.array([fast for _, fast, _ in self._line_at], dtype=np.int64)
        self._line_slow = np.array([slow for *_, slow in self._line_at], dtype=np.int64)
        self._line_percent = np.array([kind == "ppo" for kind, *_ in self._line_at], dtype=np.bool_)
        n_first = len(self._first_at)
        self._of_second = np.array(
            [source + (n_first if kind == "line" else 0) for kind, source, _ in self._second_at],
            dtype=np.int64,
        )
        self._of_third = np.array([source for source, _ in self._third_at], dtype=np.int64)
        self._previous: FloatArray = np.full((len(self._third_at), n_symbols), np.nan)
        self._close = self._averaged = self._twice = self._thrice = self._lines = self._change = self.values

    def _family(self, family: str, wanted: list[tuple[int, ...]]) -> tuple[_Formula, list[list[int]]]:
        """Its formula and, for each of the formula's arguments, the places of the averages of all its rows."""
        if family in ("ema_distance", "ema_ratio"):
            formula = self._ema_distance if family == "ema_distance" else self._ema_ratio
            return formula, [
                [self._first_at.of((period, 0)) for period in column] for column in zip(*wanted, strict=True)
            ]
        if family.startswith(("dema", "tema", "trix")):
            once = [self._first_at.of((period, 0)) for (period,) in wanted]
            twice = [self._second_at.of(("average", at, p)) for at, (p,) in zip(once, wanted, strict=True)]
            if family.startswith("dema"):
                return {"dema": self._dema, "dema_distance": self._dema_distance}[family], [once, twice]
            thrice = [self._third_at.of((at, p)) for at, (p,) in zip(twice, wanted, strict=True)]
            if family == "trix":
                return self._trix, [thrice]
            return {"tema": self._tema, "tema_distance": self._tema_distance}[family], [once, twice, thrice]
        kind, _, part = family.partition("_")
        lines = [self._line(kind, fast, slow) for fast, slow, *_ in wanted]
        if not part:
            return self._of_line, [lines]
        signals = [self._second_at.of(("line", at, w[2])) for at, w in zip(lines, wanted, strict=True)]
        return (self._signal, [signals]) if part == "signal" else (self._histogram, [lines, signals])

    def _line(self, kind: str, fast: int, slow: int) -> int:
        skip = slow - fast if kind == "macd" else 0  # TA-Lib seeds the MACD's averages at the same bar
        return self._line_at.of((kind, self._first_at.of((fast, skip)), self._first_at.of((slow, 0))))

    def update(self, panel: Panel) -> None:
        """Take in the newest close."""
        close = self._close = panel.latest("close")
        first = self._averaged = self._first.update(close, np.isfinite(close))
        if self._line_at:
            slow = first[self._line_slow]
            self._lines = first[self._line_fast] - slow
            self._lines[self._line_percent] *= 100.0 / slow[self._line_percent]
        if self._second_at:
            sources = np.concatenate((first, self._lines)) if self._line_at else first
            sources = sources[self._of_second]
            self._twice = self._second.update(sources, np.isfinite(sources))
        if self._third_at:
            sources = self._twice[self._of_third]
            self._thrice = self._third.update(sources, np.isfinite(sources))
            self._change = self._thrice / self._previous
            np.copyto(self._previous, self._thrice, where=np.isfinite(self._thrice))
        for rows, formula, places in self._plan:
            self.values[rows] = formula(*places)

    def _ema_distance(self, period: Rows) -> FloatArray:
        return self._close / self._averaged[period] - 1.0

    def _ema_ratio(self, fast: Rows, slow: Rows) -> FloatArray:
        return self._averaged[fast] / self._averaged[slow] - 1.0

    def _dema(self, once: Rows, twice: Rows) -> FloatArray:
        return 2.0 * self._averaged[once] - self._twice[twice]

    def _dema_distance(self, once: Rows, twice: Rows) -> FloatArray:
        return self._close / self._dema(once, twice) - 1.0

    def _tema(self, once: Rows, twice: Rows, thrice: Rows) -> FloatArray:
        return 3.0 * (self._averaged[once] - self._twice[twice]) + self._thrice[thrice]

    def _tema_distance(self, once: Rows, twice: Rows, thrice: Rows) -> FloatArray:
        return self._close / self._tema(once, twice, thrice) - 1.0

    def _trix(self, thrice: Rows) -> FloatArray:
        return 100.0 * (self._change[thrice] - 1.0)

    def _of_line(self, line: Rows) -> FloatArray:
        return self._lines[line]

    def _signal(self, signal: Rows) -> FloatArray:
        return self._twice[signal]

    def _histogram(self, line: Rows, signal: Rows) -> FloatArray:
        return self._lines[line] - self._twice[signal]

    def state(self) -> dict[str, Any]:
        """The averages of all stages."""
        return {
            "first": self._first.state(),
            "second": self._second.state(),
            "third": self._third.state(),
            "previous": self._previous.copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._first.restore(state["first"])
        self._second.restore(state["second"])
        self._third.restore(state["third"])
        self._previous[...] = state["previous"]


def _averages(
    periods: list[int], n_symbols: int, skipping: list[tuple[int, int]] | None = None
) -> ChainedAverage:
    weights = [2.0 / (period + 1.0) for period in periods]
    skips = [skip for _, skip in skipping] if skipping is not None else None
    return ChainedAverage(periods, weights, n_symbols, skips)


_MURPHY = "Murphy (1999), Technical Analysis of the Financial Markets, ch. 9; TA-Lib EMA"
_MULLOY = "Mulloy (1994), Technical Analysis of Stocks & Commodities 12(1, 2); TA-Lib "
_APPEL = "Appel (2005), Technical Analysis: Power Tools for Active Investors, ch. 6; TA-Lib "
_PERIODS = ((10,), (20,), (50,))


def _entry(
    family: str,
    parameters: tuple[str, ...],
    formula: str,
    unit: str,
    source: str,
    window_bars: Callable[..., int],
    listed: tuple[tuple[int, ...], ...],
) -> Feature:
    return Feature(
        family=family,
        parameters=parameters,
        minimum={"period": (2,), "fast": (2, 3, 2)}[parameters[0]][: len(parameters)],
        formula=formula,
        unit=unit,
        source=source,
        needs=("close",),
        window_bars=window_bars,
        bank=ExponentialBank,
        example={1: (10,), 2: (12, 26), 3: (12, 26, 9)}[len(parameters)],
        listed=listed,
    )


_ONE, _TWO, _THREE = ("period",), ("fast", "slow"), ("fast", "slow", "signal")
_LINES = ((12, 26), (5, 35))
_SIGNALS = ((12, 26, 9), (5, 35, 5))


def _twice(period: int) -> int:
    return 2 * period - 1


def _thrice(period: int) -> int:
    return 3 * period - 2


def _slow(fast: int, slow: int, signal: int = 1) -> int:
    return slow + signal - 1


FEATURES = (
    _entry(
        "ema_distance",
        _ONE,
        "C[t] / ema(period) - 1",
        "fraction",
        _MURPHY,
        int,
        ((5,), (10,), (20,), (50,), (100,), (200,)),
    ),
    _entry(
        "ema_ratio",
        _TWO,
        "ema(fast) / ema(slow) - 1",
        "fraction",
        _MURPHY,
        _slow,
        ((8, 21), (20, 50), (50, 200)),
    ),
    _entry("dema", _ONE, "2 ema - ema of ema", "currency", _MULLOY + "DEMA", _twice, ((20,),)),
    _entry("dema_distance", _ONE, "C[t] / dema(period) - 1", "fraction", _MULLOY + "DEMA", _twice, _PERIODS),
    _entry(
        "tema",
        _ONE,
        "3 ema - 3 ema of ema + ema of ema of ema",
        "currency",
        _MULLOY + "TEMA",
        _thrice,
        ((20,),),
    ),
    _entry("tema_distance", _ONE, "C[t] / tema(period) - 1", "fraction", _MULLOY + "TEMA", _thrice, _PERIODS),
    _entry(
        "trix",
        _ONE,
        "100 (E[t] / E[t - 1] - 1), E = ema of ema of ema",
        "percent",
        "Hutson (1983), Technical Analysis of Stocks & Commodities 1(5); TA-Lib TRIX",
        lambda period: 3 * period - 1,
        ((15,), (30,)),
    ),
    _entry(
        "macd",
        _TWO,
        "ema(fast) - ema(slow), both seeded so that they begin at bar slow",
        "currency",
        _APPEL + "MACD",
        _slow,
        _LINES[:1],
    ),
    _entry("macd_signal", _THREE, "ema(signal) of macd", "currency", _APPEL + "MACD", _slow, _SIGNALS[:1]),
    _entry("macd_histogram", _THREE, "macd - macd_signal", "currency", _APPEL + "MACD", _slow, _SIGNALS[:1]),
    _entry("ppo", _TWO, "100 (ema(fast) / ema(slow) - 1)", "percent", _APPEL + "PPO", _slow, _LINES),
    _entry("ppo_signal", _THREE, "ema(signal) of ppo", "percent", _APPEL + "PPO", _slow, _SIGNALS),
    _entry("ppo_histogram", _THREE, "ppo - ppo_signal", "percent", _APPEL + "PPO", _slow, _SIGNALS),
)
