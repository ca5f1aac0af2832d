"""Probabilistic and deflated Sharpe ratios against the papers' own numbers, and what must hold whatever the numbers are."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.analytics.test_performance import SHARED, reference
from tuiconsole.analytics import significance as s

LEAKAGE = SHARED.with_name("13_rl_ml_leakage.json")
ratios = st.floats(-0.5, 0.5)


def leakage_case(name: str, path: Path = LEAKAGE) -> dict[str, Any]:
    if not path.exists():
        pytest.skip("the shared reference figures (../shared/reference/13_rl_ml_leakage.json) are not here")
    cases: list[dict[str, Any]] = json.loads(path.read_text())["cases"]
    return next(case for case in cases if case["id"] == name)


def test_the_numerical_example_of_the_paper() -> None:
    case = reference("dsr_paper")
    given_, expected = case["inputs"], case["expected"]
    daily = given_["SR_annual"] / math.sqrt(given_["periods"])
    variance = given_["V_trials_annual"] / given_["periods"]
    assert s.expected_best_sharpe(100, variance) == pytest.approx(expected["SR0_period"], abs=case["atol"])
    found = [
        s.deflated_sharpe(daily, given_["T"], each["skew"], each["kurt"], each["N"], variance)
        for each in given_["cases"]
    ]
    assert found == pytest.approx(expected["DSR"], abs=case["atol"])
    assert found == pytest.approx(expected["published"]["DSR"], abs=case["atol"])


def test_the_error_of_lo() -> None:
    case = reference("lo2002")
    found = s.sharpe_error(case["inputs"]["SR_monthly"], case["inputs"]["T"])
    assert found == pytest.approx(case["expected"]["se_iid"], rel=case["rtol"])


def test_the_best_of_a_hundred_noises() -> None:
    case = leakage_case("best_of_100_noise")
    years, trials = case["inputs"]["years"], case["inputs"]["trials"]
    found = s.expected_best_sharpe(trials, 1 / years)
    assert found == pytest.approx(case["expected"]["expected_best_annual_sharpe"], abs=1e-9)
    assert found == pytest.approx(case["expected"]["monte_carlo"], abs=case["atol"])
    noise = np.random.default_rng(5).normal(0.0, 1.0, (400, trials, 260))
    best = (noise.mean(axis=2) / noise.std(axis=2, ddof=1)).max(axis=1).mean()
    assert s.expected_best_sharpe(trials, 1 / 260) == pytest.approx(best, rel=0.03)


def test_the_track_record_that_is_needed() -> None:
    """With exactly as many bars as the minimum the probability is the confidence; one bar fewer is not enough."""
    needed = s.minimum_track_record(0.1, -0.5, 5.0, confidence=0.95)
    assert s.probabilistic_sharpe(0.1, round(needed), -0.5, 5.0) == pytest.approx(0.95, abs=1e-3)
    assert s.probabilistic_sharpe(0.1, math.ceil(needed) - 1, -0.5, 5.0) < 0.95
    assert s.probabilistic_sharpe(0.1, math.ceil(needed), -0.5, 5.0) >= 0.95
    assert s.minimum_track_record(0.0, 0.0, 3.0) == math.inf
    assert math.isnan(s.minimum_track_record(float("nan"), 0.0, 3.0))


def test_what_is_not_defined_is_nan() -> None:
    assert math.isnan(s.probabilistic_sharpe(0.1, 2, 0.0, 3.0))
    assert math.isnan(s.probabilistic_sharpe(float("nan"), 100, 0.0, 3.0))
    assert math.isnan(s.sharpe_error(2.0, 100, skewness=5.0))
    assert s.expected_best_sharpe(1, 0.5) == s.expected_best_sharpe(50, 0.0) == 0.0


@given(
    ratio=ratios,
    bars=st.integers(10, 5000),
    skew=st.floats(-2, 2),
    kurt=st.floats(5.1, 20),
    trials=st.integers(1, 10_000),
    variance=st.floats(0, 0.05),
)
def test_more_trials_never_make_a_result_better(
    ratio: float, bars: int, skew: float, kurt: float, trials: int, variance: float
) -> None:
    plain = s.probabilistic_sharpe(ratio, bars, skew, kurt)
    deflated = s.deflated_sharpe(ratio, bars, skew, kurt, trials, variance)
    more = s.deflated_sharpe(ratio, bars, skew, kurt, trials + 1, variance)
    assert 0 <= more <= deflated <= plain <= 1


@given(ratio=st.floats(0.01, 0.5), skew=st.floats(-2, 2), kurt=st.floats(5.1, 20), against=st.floats(0, 0.4))
def test_a_harder_claim_needs_a_longer_record(ratio: float, skew: float, kurt: float, against: float) -> None:
    assert s.minimum_track_record(ratio, skew, kurt, against) >= s.minimum_track_record(ratio, skew, kurt)
