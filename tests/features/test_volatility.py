"""Volatilities, their parts and bar shapes against their definitions, on series with gaps."""

from __future__ import annotations

import numpy as np
import pytest

from tests.features.drive import drive, one
from tests.features.plain import before, over_windows, seeded, thinned

SERIES = thinned()
OPEN, H, L, C = SERIES.prices
LO, LH, LL, LC = (np.log(field) for field in SERIES.prices)
R = LC - before(LC)
W = 20


def close_to(name: str, expected: np.ndarray, rtol: float = 1e-9, atol: float = 1e-12) -> None:
    assert np.isfinite(expected).sum() > 300
    np.testing.assert_allclose(one(name, SERIES), expected, rtol=rtol, atol=atol)


def yang_zhang(rows: np.ndarray, i: int) -> float:
    n = len(rows)
    over, day = (LO - before(LC))[rows, i], (LC - LO)[rows, i]
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    inside = ((LH - LO) * (LH - LC) + (LL - LO) * (LL - LC))[rows, i].mean()
    return float(np.sqrt(252.0 * (over.var(ddof=1) + k * day.var(ddof=1) + (1.0 - k) * inside)))


RANGE = {
    "parkinson": (LH - LL) ** 2 / (4.0 * np.log(2.0)),
    "garman_klass": 0.5 * (LH - LL) ** 2 - (2.0 * np.log(2.0) - 1.0) * (LC - LO) ** 2,
    "rogers_satchell": (LH - LO) * (LH - LC) + (LL - LO) * (LL - LC),
}


@pytest.mark.parametrize("family", RANGE)
def test_range_volatilities(family: str) -> None:
    term = RANGE[family]
    expected = over_windows(np.isfinite(C), W, lambda rows, i: np.sqrt(252.0 * term[rows, i].mean()))
    close_to(f"{family}_{W}", expected)


def test_yang_zhang() -> None:
    close_to(f"yang_zhang_{W}", over_windows(np.isfinite(LO - before(LC)), W, yang_zhang))


RETURN_PARTS = {
    "downside_volatility": lambda r: np.sqrt(252.0 * (np.minimum(r, 0.0) ** 2).mean()),
    "upside_volatility": lambda r: np.sqrt(252.0 * (np.maximum(r, 0.0) ** 2).mean()),
    "downside_share": lambda r: (np.minimum(r, 0.0) ** 2).sum() / (r**2).sum(),
    "mean_absolute_return": lambda r: np.abs(r).mean(),
    "zero_return_share": lambda r: (r == 0.0).mean(),
}


@pytest.mark.parametrize("family", RETURN_PARTS)
def test_parts_of_returns(family: str) -> None:
    expected = over_windows(np.isfinite(R), W, lambda rows, i: RETURN_PARTS[family](R[rows, i]), start=1)
    close_to(f"{family}_{W}", expected)


def test_pairs_of_returns() -> None:
    last = before(R)
    pairs = np.isfinite(R + last)

    def bipower(rows: np.ndarray, i: int) -> float:
        return float(0.5 * np.pi * (np.abs(R) * np.abs(last))[rows, i].mean())

    def roll(rows: np.ndarray, i: int) -> float:
        return float(2.0 * np.sqrt(max(0.0, -np.cov(R[rows, i], last[rows, i], ddof=0)[0, 1])))

    power = over_windows(pairs, W, bipower, start=1)
    close_to(f"bipower_volatility_{W}", np.sqrt(252.0 * power))
    close_to(f"roll_spread_{W}", over_windows(pairs, W, roll, start=1), rtol=1e-7, atol=1e-9)
    total = over_windows(np.isfinite(R), W, lambda rows, i: float((R[rows, i] ** 2).mean()), start=1)
    close_to(f"jump_share_{W}", np.maximum(0.0, 1.0 - power / total), atol=1e-10)


def test_volatility_against_itself() -> None:
    ratio, fast, slow = drive(
        ["volatility_ratio_10_40", "realised_volatility_10", "realised_volatility_40"], SERIES
    ).swapaxes(0, 1)
    np.testing.assert_allclose(ratio, fast / slow, rtol=1e-8)
    logs = np.log(fast)
    expected = over_windows(np.isfinite(logs), 30, lambda rows, i: logs[rows, i].std(), start=1)
    close_to("volatility_of_volatility_10_30", expected, rtol=1e-8, atol=1e-10)


def test_exponentially_weighted_volatility() -> None:
    close_to("ewma_volatility_33", np.sqrt(252.0 * seeded(R**2, 33, 2.0 / 34.0)))


def test_nights_and_days() -> None:
    over = LO - before(LC)
    nights = np.isfinite(over)
    close_to("overnight_return_10", over_windows(nights, 10, lambda rows, i: over[rows, i].mean()))
    close_to("overnight_return_1", over)
    zscore = over_windows(
        nights, W, lambda rows, i: (over[rows[-1], i] - over[rows, i].mean()) / over[rows, i].std()
    )
    close_to(f"overnight_zscore_{W}", zscore, rtol=1e-7, atol=1e-9)
    close_to(
        "intraday_return_10", over_windows(np.isfinite(C), 10, lambda rows, i: (LC - LO)[rows, i].mean())
    )
    close_to("lagged_return_3", np.where(np.isfinite(C), before(R, 3), np.nan))


def test_shapes_of_bars() -> None:
    flat = H == L
    width = np.where(flat, 1.0, H - L)
    shapes = {
        "balance_of_power": (C - OPEN) / width,
        "close_location": np.where(flat, 0.5, (C - L) / width),
        "upper_shadow": (H - np.maximum(OPEN, C)) / width,
        "lower_shadow": (np.minimum(OPEN, C) - L) / width,
    }
    assert flat.any()
    for family, shape in shapes.items():
        expected = over_windows(np.isfinite(C), 10, lambda rows, i, shape=shape: shape[rows, i].mean())
        close_to(f"{family}_10", expected, atol=1e-11)
