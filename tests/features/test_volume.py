"""Volume, flow and liquidity against their definitions, on series with gaps and bars without trades."""

from __future__ import annotations

import numpy as np
import pytest

from tests.features.drive import one, random_walk
from tests.features.plain import BARS, before, last_seen, over_windows, seeded, thinned

SERIES = thinned()
_, H, L, C = SERIES.prices
V = SERIES.shares
LV = np.log(np.where(V > 0.0, V, np.nan))
R = np.log(C) - before(np.log(C))
HERE = np.isfinite(V)
W = 20


def close_to(name: str, expected: np.ndarray, rtol: float = 1e-9, atol: float = 1e-11) -> None:
    assert np.isfinite(expected).sum() > 200
    np.testing.assert_allclose(one(name, SERIES), expected, rtol=rtol, atol=atol)


def mean_of(values: np.ndarray, window: int = W, present: np.ndarray = HERE, start: int = 0) -> np.ndarray:
    return over_windows(present, window, lambda rows, i: values[rows, i].mean(), start=start)


def test_levels_of_volume() -> None:
    assert (V == 0.0).sum() > 20
    close_to(f"relative_volume_{W}", V / mean_of(V))
    close_to("volume_trend_10_40", mean_of(V, 10) / mean_of(V, 40) - 1.0)
    close_to(f"zero_volume_share_{W}", mean_of(1.0 * (V == 0.0)))
    close_to(f"dollar_volume_{W}", mean_of(C * V))
    traded = np.isfinite(LV)
    zscore = over_windows(
        traded, W, lambda rows, i: (LV[rows[-1], i] - LV[rows, i].mean()) / LV[rows, i].std()
    )
    close_to(f"volume_zscore_{W}", zscore, rtol=1e-7, atol=1e-9)
    close_to("volume_change_5", LV - before(LV, 5))


def test_amihud() -> None:
    impact = 1e6 * np.abs(R) / np.where(V > 0.0, C * V, np.nan)
    moved = np.isfinite(impact)
    close_to(f"amihud_{W}", mean_of(impact, W, moved))
    close_to("amihud_trend_10_40", mean_of(impact, 10, moved) / mean_of(impact, 40, moved) - 1.0)


def test_average_price_paid() -> None:
    money = (H + L + C) / 3.0 * V

    def paid(rows: np.ndarray, i: int) -> float:
        return float(money[rows, i].sum() / V[rows, i].sum())

    close_to(f"vwap_distance_{W}", C / over_windows(HERE, W, paid) - 1.0)


def test_flow_over_windows() -> None:
    signed = np.sign(C - before(C)) * V
    seen = np.isfinite(signed)
    close_to(
        f"obv_share_{W}",
        over_windows(seen, W, lambda rows, i: signed[rows, i].sum() / V[rows, i].sum(), start=1),
    )
    multiplied = np.where(H == L, 0.0, (2.0 * C - H - L) / np.where(H == L, 1.0, H - L)) * V
    close_to(
        f"cmf_{W}",
        over_windows(HERE, W, lambda rows, i: multiplied[rows, i].sum() / V[rows, i].sum(), start=1),
    )
    ease = (0.5 * (H + L) - before(0.5 * (H + L))) * (H - L) / (C * C * np.where(V > 0.0, V, np.nan))
    easy = np.isfinite(ease)
    close_to(
        f"ease_of_movement_{W}", mean_of(ease, W, easy, 1) * mean_of(V, W, easy, 1), rtol=1e-8, atol=1e-14
    )


def test_money_flow_leaves_out_bars_at_the_same_price() -> None:
    same = random_walk(BARS)
    for field in (*same.prices, same.shares):
        field[50::3] = field[49:-1:3]
    for series in (SERIES, same):
        typical = (series.high + series.low + series.close) / 3.0
        change = typical - before(typical)
        money = typical * series.shares

        def index(rows: np.ndarray, i: int, change: np.ndarray = change, money: np.ndarray = money) -> float:
            up, down = (money[rows, i][sign * change[rows, i] > 0.0].sum() for sign in (1.0, -1.0))
            return float(100.0 * up / (up + down))

        expected = over_windows(np.isfinite(change), W, index, start=1)
        np.testing.assert_allclose(one(f"mfi_{W}", series), expected, rtol=1e-9, atol=1e-9)
    assert (change == 0.0).sum() > 200


@pytest.mark.parametrize("family", ["obv", "accumulation"])
def test_cumulative_lines_with_gaps(family: str) -> None:
    change = C - np.where(np.isnan(last_seen(C)), 0.0, last_seen(C))
    multiplier = np.where(H == L, 0.0, (2.0 * C - H - L) / np.where(H == L, 1.0, H - L))
    flow = (np.sign(change) if family == "obv" else multiplier) * V
    line = np.where(np.isnan(flow), np.nan, np.nancumsum(flow, axis=0))
    close_to(family, line, atol=1e-6)
    zscore = over_windows(
        np.isfinite(line), W, lambda rows, i: (line[rows[-1], i] - line[rows, i].mean()) / line[rows, i].std()
    )
    close_to(f"{family}_zscore_{W}", zscore, rtol=1e-7, atol=1e-9)


def test_volume_and_price_together() -> None:
    growth = LV - before(LV)
    both = np.isfinite(growth + R)
    close_to(
        f"price_volume_correlation_{W}",
        over_windows(both, W, lambda rows, i: np.corrcoef(R[rows, i], growth[rows, i])[0, 1]),
        rtol=1e-7,
    )
    close_to(f"volume_volatility_{W}", over_windows(both, W, lambda rows, i: growth[rows, i].std(ddof=1)))


def test_force_index() -> None:
    force = (C - last_seen(C)) * V
    money = np.where(np.isfinite(force), C * V, np.nan)
    close_to("force_index_13", seeded(force, 13, 2.0 / 14.0) / seeded(money, 13, 2.0 / 14.0))


def test_corwin_schultz() -> None:
    k = 3.0 - 2.0 * np.sqrt(2.0)
    spread = np.full(C.shape, np.nan)
    for row in range(1, len(C)):
        for i in range(5):
            last, high, low = C[row - 1, i], H[row, i], L[row, i]
            if np.isnan(last + high):
                continue
            shift = last - high if last > high else last - low if last < low else 0.0
            high, low = high + shift, low + shift
            beta = np.log(high / low) ** 2 + np.log(H[row - 1, i] / L[row - 1, i]) ** 2
            gamma = np.log(max(high, H[row - 1, i]) / min(low, L[row - 1, i])) ** 2
            alpha = (np.sqrt(2.0 * beta) - np.sqrt(beta)) / k - np.sqrt(gamma / k)
            spread[row, i] = max(0.0, 2.0 * (np.exp(alpha) - 1.0) / (1.0 + np.exp(alpha)))
    close_to("corwin_schultz_spread_20", mean_of(spread, 20, np.isfinite(spread), 1))
