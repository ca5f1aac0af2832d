"""Seeded series and the one way in which the tests drive features: bar by bar through a panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.market import Bars, Quality, ScreenedBars
from tuiconsole.domain.rng import generator
from tuiconsole.domain.types import FloatArray
from tuiconsole.features.catalogue import FEATURES, request
from tuiconsole.features.contract import Request
from tuiconsole.features.feature_set import FeatureSet
from tuiconsole.market.panel import Panel

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"
EXAMPLES = tuple(Request(feature, feature.example).name for feature in FEATURES.values())


@dataclass(frozen=True)
class Series:
    """Bars ``[n_bars, n_symbols]``; a NaN close marks what the defence refused. Without a volume it is NaN."""

    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray | None = None

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
        bars = Bars(row, row, self.open[row], self.high[row], self.low[row], close, self.shares[row])
        if np.isnan(self.high).all() and self.volume is None:
            bars = Bars.close_only(row, row, close)
        quality = np.where(np.isnan(close), Quality.MISSING, Quality.GOOD).astype(np.int8)
        return ScreenedBars(bars, close, quality)

    def times(self, factor: float) -> Series:
        """All prices times ``factor``."""
        return Series(*(factor * field for field in self.prices), self.volume)

    def take(self, columns: Sequence[int]) -> Series:
        """Some of the symbols, in that order."""
        return Series(*(field[:, list(columns)] for field in (*self.prices, self.shares)))

    def only(self, rows: slice | np.ndarray) -> Series:
        """Some of the bars."""
        return Series(*(field[rows] for field in (*self.prices, self.shares)))

    def followed_by(self, other: Series) -> Series:
        """These bars and then those of ``other``."""
        mine, others = (*self.prices, self.shares), (*other.prices, other.shares)
        return Series(*(np.concatenate(pair) for pair in zip(mine, others, strict=True)))

    def close_only(self) -> Series:
        """The same closes from a source without ranges and volume."""
        nothing = np.full(self.close.shape, np.nan)
        return Series(nothing, nothing, nothing, self.close)

    def without(self, gone: np.ndarray) -> Series:
        """The bars where ``gone`` is missing."""
        return Series(*(np.where(gone, np.nan, field) for field in (*self.prices, self.shares)))


def random_walk(n_bars: int, n_symbols: int = 5, seed: int = 7) -> Series:
    """Geometric random walks with a common factor, ranges that hold open and close, and volume."""
    rng = generator(seed, "features")
    shock = rng.normal(0.0, 0.01, (n_bars, n_symbols)) + rng.normal(0.0, 0.01, (n_bars, 1))
    close = 100.0 * np.exp(np.cumsum(shock, axis=0))
    open_ = close * np.exp(rng.normal(0.0, 0.005, close.shape))
    spread = np.exp(np.abs(rng.normal(0.0, 0.005, (2, *close.shape))))
    volume = np.round(1e5 * np.exp(generator(seed, "volume").normal(0.0, 0.5, close.shape)))
    high, low = np.maximum(open_, close) * spread[0], np.minimum(open_, close) / spread[1]
    return Series(open_, high, low, close, volume)


def drive(names: Sequence[str], series: Series, restart_after: int | None = None) -> FloatArray:
    """Values ``[n_bars, n_features, n_symbols]``; all is saved and loaded after the bar ``restart_after``."""
    n_symbols = series.close.shape[1]
    features = FeatureSet(names, n_symbols)
    panel = Panel(n_symbols, features.panel_window)
    out = np.empty((len(series), len(names), n_symbols))
    for row in range(len(series)):
        panel.push(series.bar(row))
        features.update(panel)
        out[row] = features.values
        if row == restart_after:
            saved = decode_state(encode_state({"features": features.state(), "panel": panel.state()}))
            features = FeatureSet(names, n_symbols)
            panel = Panel(n_symbols, features.panel_window)
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
