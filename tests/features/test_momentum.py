"""Oscillators and adaptive averages against their definitions, on series with gaps."""

from __future__ import annotations

import numpy as np

from tests.features.drive import drive, one
from tests.features.plain import before, last_seen, over_windows, seeded, thinned

SERIES = thinned()
_, H, L, C = SERIES.prices
MOVE = C - last_seen(C)
W = 14


def close_to(name: str, expected: np.ndarray, rtol: float = 1e-9, atol: float = 1e-11) -> None:
    assert np.isfinite(expected).sum() > 300
    np.testing.assert_allclose(one(name, SERIES), expected, rtol=rtol, atol=atol)


def test_efficiency_and_chande_momentum() -> None:
    def share(rows: np.ndarray, i: int) -> float:
        return float(MOVE[rows, i].sum() / np.abs(MOVE[rows, i]).sum())

    net = over_windows(np.isfinite(MOVE), W, share, start=1)
    close_to(f"efficiency_ratio_{W}", np.abs(net))
    close_to(f"cmo_{W}", 100.0 * net, atol=1e-9)


def test_kaufmans_average_with_gaps() -> None:
    ratio = one("efficiency_ratio_10", SERIES)
    previous = last_seen(C)
    for symbol in range(5):
        kama, found = np.nan, one("kama_10", SERIES)[:, symbol]
        for row in range(len(C)):
            if np.isnan(ratio[row, symbol]):
                assert np.isnan(found[row])
                continue
            kama = previous[row, symbol] if np.isnan(kama) else kama
            kama += (ratio[row, symbol] * (2 / 3 - 2 / 31) + 2 / 31) ** 2 * (C[row, symbol] - kama)
            assert np.isclose(found[row], kama, rtol=1e-9)


def test_vortex() -> None:
    last_close, last_high, last_low = before(C), before(H), before(L)
    true_range = np.maximum(H, last_close) - np.minimum(L, last_close)
    present = np.isfinite(true_range)
    for family, moves in (("vortex_plus", np.abs(H - last_low)), ("vortex_minus", np.abs(L - last_high))):
        expected = over_windows(
            present, W, lambda rows, i, moves=moves: moves[rows, i].sum() / true_range[rows, i].sum(), start=1
        )
        close_to(f"{family}_{W}", expected)


def test_true_strength() -> None:
    def twice(values: np.ndarray) -> np.ndarray:
        return seeded(seeded(values, 25, 2.0 / 26.0), 13, 2.0 / 14.0)

    close_to("tsi_25_13", 100.0 * twice(MOVE) / twice(np.abs(MOVE)))


def test_commodity_channel_with_gaps() -> None:
    typical = (H + L + C) / 3.0

    def channel(rows: np.ndarray, i: int) -> float:
        recent = typical[rows, i]
        return float((recent[-1] - recent.mean()) / (0.015 * np.abs(recent - recent.mean()).mean()))

    close_to("cci_20", over_windows(np.isfinite(typical), 20, channel), atol=1e-8)


def test_envelopes() -> None:
    names = ["keltner_position_20", "bull_power_20", "bear_power_20", "ema_20", "atr_20"]
    keltner, bull, bear, middle, unit = drive(names, SERIES).swapaxes(0, 1)
    for found, price in ((keltner, C), (bull, H), (bear, L)):
        np.testing.assert_allclose(found, (price - middle) / unit, rtol=1e-8, atol=1e-10)


def test_coppock_and_awesome() -> None:
    change = 100.0 * (C / before(C, 14) - 1.0) + 100.0 * (C / before(C, 11) - 1.0)
    expected = sum((10 - lag) * (before(change, lag) if lag else change) for lag in range(10)) / 55.0
    np.testing.assert_allclose(one("coppock_14_11_10", SERIES), expected, rtol=1e-9, atol=1e-9)
    middle = 0.5 * (H + L)
    means = [
        over_windows(np.isfinite(middle), window, lambda rows, i: middle[rows, i].mean())
        for window in (5, 34)
    ]
    close_to("awesome_oscillator_5_34", (means[0] - means[1]) / C)
