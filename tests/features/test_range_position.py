"""Distances to the extremes and choppiness, written out plainly, on series with gaps."""

from __future__ import annotations

import numpy as np

from tests.features.drive import drive
from tests.features.test_banks import gapped


def test_distances_and_choppiness() -> None:
    series = gapped()
    window = 20
    high_distance, low_distance, choppiness = drive(
        ["high_distance_20", "low_distance_20", "choppiness_20"], series
    ).swapaxes(0, 1)
    checked = 0
    for symbol in range(5):
        last = np.nan
        true_range = np.full(len(series), np.nan)
        for row in range(len(series)):
            high, low, close = (f[row, symbol] for f in (series.high, series.low, series.close))
            if np.isnan(close):
                continue
            true_range[row] = max(high, last) - min(low, last) if not np.isnan(last) else np.nan
            last = close
        for row in range(window - 1, len(series)):
            recent = slice(row - window + 1, row + 1)
            close = series.close[recent, symbol]
            if np.isnan(close[-1]) or np.isfinite(close).sum() < 16:
                assert np.isnan([high_distance[row, symbol], choppiness[row, symbol]]).all()
                continue
            top, bottom = np.nanmax(series.high[recent, symbol]), np.nanmin(series.low[recent, symbol])
            assert np.isclose(high_distance[row, symbol], np.log(close[-1] / top), rtol=1e-12)
            assert np.isclose(low_distance[row, symbol], np.log(close[-1] / bottom), rtol=1e-12)
            mean = np.nanmean(true_range[recent])
            if np.isfinite(true_range[recent]).sum() >= 16 and not np.isnan(true_range[row]):
                expected = 100.0 * np.log10(window * mean / (top - bottom)) / np.log10(window)
                assert np.isclose(choppiness[row, symbol], expected, rtol=1e-9)
                checked += 1
    assert checked > 500
