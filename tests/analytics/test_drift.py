"""Drift measures against the reference cases, scipy and their own invariants."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from tuiconsole.analytics.drift import Drift, drift_of, ks_distance, population_stability, psi
from tuiconsole.analytics.hampel import hampel
from tuiconsole.domain.rng import generator

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "reference"
samples = hnp.arrays(np.float64, st.integers(1, 80), elements=st.floats(-5, 5, width=16))


def case(name: str) -> dict[str, Any]:
    path = SHARED / "08_calibration_drift.json"
    if not path.exists():
        pytest.skip(f"the reference cases are not at {path}")
    found: dict[str, Any] = next(c for c in json.loads(path.read_text())["cases"] if c["id"] == name)
    return found


def test_psi_of_shares() -> None:
    found = case("psi_stable")
    expected, actual = (np.array(found["inputs"][key]) for key in ("expected", "actual"))
    assert population_stability(expected, actual) == pytest.approx(found["expected"]["psi"], rel=1e-9)
    assert population_stability(actual, expected) == pytest.approx(found["expected"]["psi"], rel=1e-9)


def test_the_crisis_of_2008_against_the_calm_before() -> None:
    found = case("sp500_regime_drift")["expected"]
    with (SHARED / "data" / "arch_sp500.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    close = np.array([float(row["Adj Close"]) for row in rows])
    days = np.array([row["Date"][:10] for row in rows][1:])
    returns = close[1:] / close[:-1] - 1.0
    before = returns[(days >= "2004-01-01") & (days <= "2006-12-31")]
    crisis = returns[(days >= "2008-01-01") & (days <= "2009-12-31")]
    assert psi(before, crisis) == pytest.approx(found["psi"], rel=1e-6)
    assert ks_distance(before, crisis) == pytest.approx(found["ks_stat"], rel=1e-6)
    assert drift_of("log_return_1", before, crisis, 100).flagged


def test_the_published_hampel_example() -> None:
    found = case("matlab_hampel")["expected"]
    values = np.sin(2 * np.pi * np.arange(100) / 100)
    values[5], values[19] = 2.0, -2.0
    outlier, repaired = hampel(values, 3, 3.0)
    assert np.flatnonzero(outlier).tolist() == found["outliers_0based"]
    np.testing.assert_allclose(repaired[outlier], found["replaced"], atol=1e-9)


def test_hampel_leaves_gaps_alone() -> None:
    values = np.array([1.0, np.nan, 1.1, 50.0, 1.2, np.nan, 1.0])
    outlier, repaired = hampel(values)
    assert np.flatnonzero(outlier).tolist() == [3]
    assert np.isnan(repaired[[1, 5]]).all()
    assert repaired[3] == pytest.approx(1.1)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(samples, samples)
def test_ks_is_scipys_and_symmetric(a: np.ndarray, b: np.ndarray) -> None:
    assert ks_distance(a, b) == pytest.approx(stats.ks_2samp(a, b).statistic, abs=1e-12)
    assert ks_distance(a, b) == pytest.approx(ks_distance(b, a), abs=1e-12)


@given(samples, samples)
def test_psi_is_never_negative_and_zero_against_itself(a: np.ndarray, b: np.ndarray) -> None:
    found = psi(a, b)
    assert np.isnan(found) or found >= 0.0
    same = psi(a, a)
    assert np.isnan(same) or same == 0.0


def test_two_samples_of_one_law_are_not_flagged_and_a_shift_is() -> None:
    rng = generator(1, "drift test")
    a, b = rng.normal(size=5_000), rng.normal(size=5_000)
    assert not drift_of("x", a, b, 100).flagged
    assert drift_of("x", a, b + 0.5, 100).flagged
    assert drift_of("x", a, 2.0 * b, 100).flagged


def test_a_small_sample_says_nothing() -> None:
    found = drift_of("x", np.arange(50.0), np.full(200, np.nan), 100)
    assert (found.reference, found.live, found.flagged) == (50, 0, False)
    assert Drift("x", 0.3, 0.0, 1, 1).flagged
    assert Drift("x", 0.0, 0.11, 1, 1).flagged
    assert not Drift("x", 0.25, 0.1, 1, 1).flagged
