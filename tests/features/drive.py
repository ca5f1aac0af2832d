"""Seeded series and the one way in which the tests drive features: bar by bar through a panel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from msgspec import structs

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND
from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.context import MACRO_SERIES, QUOTE_FIELDS, BarQuotes
from tuiconsole.domain.market import Bars, Quality, ScreenedBars
from tuiconsole.domain.rng import generator
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.features.catalogue import FEATURES, request
from tuiconsole.features.contract import Request
from tuiconsole.features.feature_set import FeatureSet
from tuiconsole.market.panel import Panel

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"
EXAMPLES = tuple(Request(feature, feature.example).name for feature in FEATURES.values())


FIRST_SESSION = 10_959
"""Monday 2000-01-03, in days since the epoch."""


@dataclass(frozen=True)
class Series:
    """Bars ``[n_bars, n_symbols]``, one a weekday; a NaN close marks what the defence refused.

    Without a volume it is NaN; quotes, macro series and sectors may be absent.
    """

    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray | None = None
    quotes: BarQuotes | None = None
    macro: FloatArray | None = None
    sectors: IntArray | None = None

    def __len__(self) -> int:
        return len(self.close)

    @property
    def prices(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Open, high, low, close."""
        return self.open, self.high, self.low, self.close

    @property
    def shares(self) -> FloatArray:
        """The volume; NaN where there is none."""
        return np.full(self.close.shape, np.nan) if self.volume is None else self.volume

    def bar(self, row: int) -> ScreenedBars:
        """The bar after the defence."""
        close = self.close[row]
        session = FIRST_SESSION + row + 2 * (row // 5)
        ts = session * NANOSECONDS_PER_DAY + 21 * 3600 * NANOSECONDS_PER_SECOND
        if np.isnan(self.high).all() and self.volume is None:
            bars = structs.replace(Bars.close_only(ts, row, close), session=session)
        else:
            ranges = self.open[row], self.high[row], self.low[row]
            bars = Bars(ts, row, *ranges, close, self.shares[row], session)
        if self.macro is not None:
            bars = structs.replace(bars, macro=self.macro[row])
        if self.quotes is not None:
            bars = structs.replace(bars, quotes=_each(self.quotes, lambda _, x: x[row]))
        quality = np.where(np.isnan(close), Quality.MISSING, Quality.GOOD).astype(np.int8)
        return ScreenedBars(bars, close, quality)

    def times(self, factor: float) -> Series:
        """All prices times ``factor``."""
        return self._changed(lambda name, x: x if "volume" in name or "_" in name else factor * x)

    def take(self, columns: Sequence[int]) -> Series:
        """Some of the symbols, in that order."""
        sectors = None if self.sectors is None else self.sectors[list(columns)]
        return replace(self._changed(lambda _, x: x[:, list(columns)]), sectors=sectors)

    def only(self, rows: slice | np.ndarray) -> Series:
        """Some of the bars."""
        macro = None if self.macro is None else self.macro[rows]
        return replace(self._changed(lambda _, x: x[rows]), macro=macro)

    def followed_by(self, other: Series) -> Series:
        """These bars and then those of ``other``, which has the same inputs."""
        macro = (
            None if self.macro is None or other.macro is None else np.concatenate((self.macro, other.macro))
        )

        def joined(name: str, x: FloatArray) -> FloatArray:
            return np.concatenate((x, getattr(other if hasattr(other, name) else other.quotes, name)))

        return replace(self._changed(joined), macro=macro)

    def close_only(self) -> Series:
        """The same closes from a source without ranges, volume and quotes."""
        nothing = np.full(self.close.shape, np.nan)
        return replace(self, open=nothing, high=nothing, low=nothing, volume=None, quotes=None)

    def without(self, gone: np.ndarray) -> Series:
        """The bars where ``gone`` is missing."""
        return self._changed(lambda _, x: np.where(gone, np.nan, x))

    def _changed(self, change: Callable[[str, FloatArray], FloatArray]) -> Series:
        """``change`` of every array over bars and symbols."""
        names = ("open", "high", "low", "close", *(("volume",) if self.volume is not None else ()))
        columns = {name: change(name, getattr(self, name)) for name in names}
        return replace(self, **columns, quotes=None if self.quotes is None else _each(self.quotes, change))


def _each(quotes: BarQuotes, change: Callable[[str, FloatArray], FloatArray]) -> BarQuotes:
    return BarQuotes(*(change(name, getattr(quotes, name)) for name in QUOTE_FIELDS))


def random_walk(n_bars: int, n_symbols: int = 5, seed: int = 7) -> Series:
    """Geometric random walks with a common factor, ranges that hold open and close, and all other inputs."""
    rng = generator(seed, "features")
    shock = rng.normal(0.0, 0.01, (n_bars, n_symbols)) + rng.normal(0.0, 0.01, (n_bars, 1))
    close = 100.0 * np.exp(np.cumsum(shock, axis=0))
    open_ = close * np.exp(rng.normal(0.0, 0.005, close.shape))
    spread = np.exp(np.abs(rng.normal(0.0, 0.005, (2, *close.shape))))
    volume = np.round(1e5 * np.exp(generator(seed, "volume").normal(0.0, 0.5, close.shape)))
    high, low = np.maximum(open_, close) * spread[0], np.minimum(open_, close) / spread[1]
    steps = generator(seed, "macro").normal(0.0, 0.02, (n_bars, len(MACRO_SERIES)))
    macro = np.linspace(2.0, 60.0, len(MACRO_SERIES)) * np.exp(np.cumsum(steps, axis=0))
    sectors = np.arange(n_symbols) % 2
    return Series(open_, high, low, close, volume, _random_quotes(close, seed), macro, sectors)


def _random_quotes(close: FloatArray, seed: int) -> BarQuotes:
    rng = generator(seed, "quotes")
    sizes = np.exp(rng.normal(5.0, 1.0, (6, *close.shape)))
    half = 0.0005 * close * np.exp(rng.normal(0.0, 0.5, close.shape))
    middle = close * np.exp(rng.normal(0.0, 0.0005, close.shape))
    depth = sizes[0] + sizes[2], sizes[1] + sizes[3]
    return BarQuotes(middle - half, middle + half, sizes[0], sizes[1], *depth, sizes[4], sizes[5])


def other_market(n_bars: int, seed: int = 8) -> Series:
    """Bars of another walk, some of which change no price and trade nothing: what a future may bring."""
    series = random_walk(n_bars, seed=seed)
    still = np.zeros(n_bars, dtype=bool)
    still[3::7] = True
    close = series.close.copy()
    close[still] = close[np.flatnonzero(still) - 1]
    high, low = np.maximum(series.high, close), np.minimum(series.low, close)
    volume = np.where(still[:, None], 0.0, series.shares)
    return replace(series, close=close, high=high, low=low, volume=volume)


def drive(names: Sequence[str], series: Series, restart_after: int | None = None) -> FloatArray:
    """Values ``[n_bars, n_features, n_symbols]``; all is saved and loaded after the bar ``restart_after``."""
    n_symbols = series.close.shape[1]
    features = FeatureSet(names, n_symbols)
    panel = Panel(n_symbols, features.panel_window, series.sectors)
    out = np.empty((len(series), len(names), n_symbols))
    for row in range(len(series)):
        panel.push(series.bar(row))
        features.update(panel)
        out[row] = features.values
        if row == restart_after:
            saved = decode_state(encode_state({"features": features.state(), "panel": panel.state()}))
            features = FeatureSet(names, n_symbols)
            panel = Panel(n_symbols, features.panel_window, series.sectors)
            features.restore(saved["features"])
            panel.restore(saved["panel"])
            np.testing.assert_array_equal(features.values, out[row])
    return out


def one(name: str, series: Series) -> FloatArray:
    """Values ``[n_bars, n_symbols]`` of a single feature."""
    return drive([name], series)[:, 0]


def window_bars(name: str) -> int:
    """Bars until the first value, as the catalogue says."""
    return request(name).window_bars
