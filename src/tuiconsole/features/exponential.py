"""Exponential averages of the close and what is built from them: DEMA, TEMA, TRIX, MACD, PPO."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.features.compiled import CompiledBank, Windows
from tuiconsole.features.contract import Feature, Request

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

_FAMILIES = {
    "ema_distance": 0,
    "ema_ratio": 1,
    "dema": 2,
    "dema_distance": 3,
    "tema": 4,
    "tema_distance": 5,
    "trix": 6,
    "macd": 7,
    "ppo": 7,
    "macd_signal": 8,
    "ppo_signal": 8,
    "macd_histogram": 9,
    "ppo_histogram": 9,
}
"""Numbers of the families; those of one number are computed alike."""
_CLOSE = -1
"""The source of an average of the close."""
_AVERAGE, _DIFFERENCE, _PERCENT = range(3)
"""Kinds of nodes: an average of another node, the difference of two, and that in percent of the second."""


def _advance(
    inputs: tuple[FloatArray, IntArray, IntArray],
    windows: Windows,
    count: int,
    plan: IntArray,
    scale: float,
    extra: FloatArray,
    out: FloatArray,
) -> None:
    """``extra`` holds of every node its value, its average, its count of observations, and its last finite value."""
    closes, nodes, rows = inputs
    for t in range(len(out)):
        for m in range(len(nodes)):
            kind, source, other, _ = nodes[m]
            state = extra[4 * m : 4 * m + 4]
            if kind == _AVERAGE:
                _average(closes[t] if source == _CLOSE else extra[4 * source], nodes[m], state)
            else:
                _line(kind, extra[4 * source], extra[4 * other], state[0])
        for k in range(len(rows)):
            family, a, b, c = rows[k]
            first, second, third = extra[4 * a], extra[4 * b], extra[4 * c]
            if family == 6:
                _change(extra[4 * a : 4 * a + 4], out[t, k])
            elif family < 6:
                _of_close(family, closes[t], first, second, third, out[t, k])
            else:
                for s in range(len(first)):
                    out[t, k, s] = first[s] - second[s] if family == 9 else first[s]
        for m in range(len(nodes)):
            for s in range(extra.shape[1]):
                extra[4 * m + 3, s] = extra[4 * m, s] if np.isfinite(extra[4 * m, s]) else extra[4 * m + 3, s]


def _average(source: FloatArray, node: IntArray, state: FloatArray) -> None:
    """An exponential average held over gaps, begun with the mean of its first ``period`` observations after a skip."""
    period, skip = node[2], node[3]
    weight = 2.0 / (period + 1.0)
    value, average, counts = state[0], state[1], state[2]
    for s in range(len(source)):
        x, here = source[s], np.isfinite(source[s])
        count = counts[s] + (1.0 if here else 0.0)
        if here & (count > skip):
            if count > skip + period:
                average[s] += weight * (x - average[s])
            else:
                average[s] += x
                average[s] = average[s] / period if count == skip + period else average[s]
        counts[s] = count
        value[s] = average[s] if here & (count >= skip + period) else np.nan


def _line(kind: int, fast: FloatArray, slow: FloatArray, value: FloatArray) -> None:
    for s in range(len(value)):
        difference = fast[s] - slow[s]
        value[s] = difference * (100.0 / slow[s]) if kind == _PERCENT else difference


def _change(state: FloatArray, out: FloatArray) -> None:
    newest, before = state[0], state[3]
    for s in range(len(out)):
        out[s] = 100.0 * (newest[s] / before[s] - 1.0)


def _of_close(
    family: int, close: FloatArray, once: FloatArray, twice: FloatArray, thrice: FloatArray, out: FloatArray
) -> None:
    for s in range(len(out)):
        if family == 0:
            out[s] = close[s] / once[s] - 1.0
        elif family == 1:
            out[s] = once[s] / twice[s] - 1.0
        elif family < 4:
            double = 2.0 * once[s] - twice[s]
            out[s] = double if family == 2 else close[s] / double - 1.0
        else:
            triple = 3.0 * (once[s] - twice[s]) + thrice[s]
            out[s] = triple if family == 4 else close[s] / triple - 1.0


class _Nodes(dict[tuple[int, int, int, int], int]):
    """Where each different node stands; a node's sources stand before it."""

    def of(self, kind: int, source: int, other: int, skip: int = 0) -> int:
        return self.setdefault((kind, source, other, skip), len(self))

    def averages(self, period: int, times: int) -> list[int]:
        """The average of the close, the average of that, and so on."""
        found = [_CLOSE]
        for _ in range(times):
            found.append(self.of(_AVERAGE, found[-1], period))
        return found[1:]

    def row(self, request: Request) -> list[int]:
        """The nodes that a row reads."""
        family, parameters = request.feature.family, request.parameters
        if family in ("ema_distance", "ema_ratio"):
            return [node for period in parameters for node in self.averages(period, 1)]
        if family.startswith("dema"):
            return self.averages(parameters[0], 2)
        if family.startswith("tema"):
            return self.averages(parameters[0], 3)
        if family == "trix":
            return self.averages(parameters[0], 3)[2:]
        fast, slow, *signal = parameters
        kind, _, part = family.partition("_")
        skip = slow - fast if kind == "macd" else 0  # TA-Lib seeds the MACD's averages at the same bar
        first = self.of(_AVERAGE, _CLOSE, fast, skip)
        line = self.of(_DIFFERENCE if kind == "macd" else _PERCENT, first, self.of(_AVERAGE, _CLOSE, slow))
        if not part:
            return [line]
        averaged = self.of(_AVERAGE, line, signal[0])
        return [averaged] if part == "signal" else [line, averaged]


class ExponentialBank(CompiledBank):
    """Averages of the close, of averages and of differences between them.

    Every average is held over gaps. Families share what they have in common: the 26-bar average of the MACD is
    the one behind ``ema_distance_26`` too.
    """

    first_bar = 0
    channels = 1
    families: ClassVar[Mapping[str, tuple[int, ...]]] = dict.fromkeys(_FAMILIES, ())
    kernel = staticmethod(_advance)
    parts = (_average, _line, _change, _of_close)

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        nodes = _Nodes()
        reads = [nodes.row(request) for request in requests]
        rows = [
            (_FAMILIES[request.feature.family], *(*read, read[-1], read[-1])[:3])
            for request, read in zip(requests, reads, strict=True)
        ]
        self._nodes: IntArray = np.array(list(nodes), dtype=np.int64)
        self._rows: IntArray = np.array(rows, dtype=np.int64)
        self.n_extra = 4 * len(nodes)
        super().__init__(requests, n_symbols, bars_per_year)
        self.extra[1::4] = self.extra[2::4] = 0.0

    def windows_of(self, request: Request) -> tuple[int, ...]:
        """No parameter is a window."""
        return (1,)

    def inputs(self, panel: Panel, bars: int) -> tuple[FloatArray | IntArray, ...]:
        """Closes, nodes, and what the rows read of them."""
        return panel.stretch("close", bars), self._nodes, self._rows


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
