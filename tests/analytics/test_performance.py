"""Performance measures, drawdowns and tails against published figures, independent formulas and their identities."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tuiconsole.analytics import drawdowns as d
from tuiconsole.analytics import performance as p
from tuiconsole.analytics import relative, tails

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "reference" / "07_performance.json"
returns_of = hnp.arrays("<f8", st.integers(2, 60), elements=st.floats(-0.5, 1.0, width=32))


def reference(case: str) -> dict[str, Any]:
    if not SHARED.exists():
        pytest.skip("the shared reference figures (../shared/reference/07_performance.json) are not here")
    cases: list[dict[str, Any]] = json.loads(SHARED.read_text())["cases"]
    return next(entry for entry in cases if entry["id"] == case)


def test_bacon_24_months() -> None:
    """Bacon (2008), the 24 monthly returns of chapter 4."""
    case = reference("bacon_24m")
    returns, mar, expected = np.array(case["inputs"]["portfolio"]), case["inputs"]["MAR"], case["expected"]
    market = np.array(case["inputs"]["benchmark"])
    curve, annual = p.wealth(returns), p.annual_return(returns, 12)
    line = relative.regression(returns, market)
    found = {
        "mean": float(returns.mean()),
        "geo_ann": annual,
        "std_pop": p.volatility(returns) * math.sqrt(23 / 24),
        "std_ddof1": p.volatility(returns),
        "skew_pop": tails.skewness(returns),
        "exkurt_pop": tails.kurtosis(returns) - 3,
        "downside_dev_MAR05": tails.downside_deviation(returns, mar),
        "downside_potential": tails.downside_potential(returns, mar),
        "upside_risk": tails.upside_risk(returns, mar),
        "upside_potential": tails.upside_potential(returns, mar),
        "omega_MAR05": tails.omega(returns, mar),
        "omega_sharpe": tails.omega(returns, mar) - 1,
        "sortino_MAR05": p.sortino(returns, 1, mar),
        "kappa2": p.sortino(returns, 1, mar),
        "bernardo_ledoit": tails.omega(returns),
        "mean_abs_dev": tails.mean_absolute_deviation(returns),
        "max_drawdown": -d.max_drawdown(curve).depth,
        "pain_index": d.pain_index(curve),
        "ulcer_index": d.ulcer_index(curve),
        "martin": d.martin(annual, curve),
        "pain_ratio": d.pain_ratio(annual, curve),
        "volatility_skewness": tails.volatility_skewness(returns, mar),
        "variability_skewness": tails.upside_risk(returns, mar) / tails.downside_deviation(returns, mar),
        "d_ratio": tails.d_ratio(returns),
        "beta": line.beta,
        "alpha_period": line.alpha,
        "tracking_error_ann": relative.tracking_error(returns, market, 12),
        "sharpe_ann_geo": annual / p.volatility(returns, 12),
        "sharpe_ann_arith": p.sharpe(returns, 12),
        "info_ratio_PA": relative.information_ratio(returns, market, 12),
        "calmar": d.calmar(annual, curve),
        "sterling_10": d.sterling(annual, curve),
        "hit_rate": p.hit_rate(returns),
    }
    assert found == pytest.approx({name: expected[name] for name in found}, rel=case["rtol"])
    assert expected.keys() - found.keys() == {"published_PA"}
    published = {name: value for name, value in expected["published_PA"].items() if name in found}
    for name, value in published.items():
        printed = len(str(value).partition(".")[2])
        assert found[name] == pytest.approx(value, abs=10.0**-printed), name
    assert len(published) == 14


def sp500(column: str) -> tuple[list[str], np.ndarray]:
    """Dates and prices of the shared S&P 500 series."""
    path = SHARED.parent / "data" / "arch_sp500.csv"
    if not path.exists():
        pytest.skip("the shared S&P 500 series (../shared/reference/data/arch_sp500.csv) is not here")
    with path.open() as file:
        rows = list(csv.DictReader(file))
    return [row["Date"] for row in rows], np.array([float(row[column]) for row in rows])


def test_sp500_like_the_usual_package() -> None:
    case = reference("sp500_empyrical")
    _, price = sp500("Adj Close")
    returns = price[1:] / price[:-1] - 1
    found = {
        "annual_return": p.annual_return(returns, 252),
        "cum_return": p.total_return(returns),
        "annual_vol": p.volatility(returns, 252),
        "sharpe": p.sharpe(returns, 252),
        "sortino": p.sortino(returns, 252),
        "calmar": d.calmar(p.annual_return(returns, 252), p.wealth(returns)),
        "omega": tails.omega(returns),
        "max_drawdown": -d.max_drawdown(p.wealth(returns)).depth,
        "tail_ratio": tails.tail_ratio(returns),
        "VaR5": -tails.value_at_risk(returns),
        "CVaR5": -tails.expected_shortfall(returns),
        "stability": p.stability(returns),
        "downside_risk": tails.downside_deviation(returns) * math.sqrt(252),
        "skew": tails.skewness(returns),
        "kurt_raw": tails.kurtosis(returns),
    }
    assert found == pytest.approx({name: case["expected"][name] for name in found}, rel=case["rtol"])
    assert case["expected"].keys() == found.keys()


def test_sp500_drawdown_dates() -> None:
    expected = reference("drawdown_dates")["expected"]
    dates, price = sp500("Close")
    deepest = d.max_drawdown(price)
    assert -deepest.depth == pytest.approx(expected["depth"], rel=1e-9)
    assert deepest.recovery is not None
    assert [dates[i][:10] for i in (deepest.peak, deepest.trough, deepest.recovery)] == [
        expected["peak"],
        expected["trough"],
        expected["recovery"],
    ]


def test_a_small_series_by_hand() -> None:
    returns = np.array([0.1, -0.2, 0.05, 0.3])
    assert p.total_return(returns) == pytest.approx(1.1 * 0.8 * 1.05 * 1.3 - 1)
    assert p.annual_return(returns, 2) == pytest.approx((1.1 * 0.8 * 1.05 * 1.3) ** 0.5 - 1)
    assert p.wealth(returns) == pytest.approx([1, 1.1, 0.88, 0.924, 1.2012])
    deepest = d.max_drawdown(p.wealth(returns))
    assert (deepest.peak, deepest.trough, deepest.recovery) == (1, 2, 4)
    assert deepest.depth == pytest.approx(0.2)
    assert d.calmar(p.annual_return(returns, 2), p.wealth(returns)) == pytest.approx(
        p.annual_return(returns, 2) / 0.2
    )
    variance = sum((r - 0.0625) ** 2 for r in returns.tolist()) / 3
    assert p.volatility(returns, 4) == pytest.approx(2 * variance**0.5)
    assert p.sharpe(returns, 4, 0.01) == pytest.approx((0.0625 - 0.01) / variance**0.5 * 2)
    assert tails.downside_deviation(returns) == pytest.approx(0.1)
    assert p.sortino(returns, 4) == pytest.approx(0.625 * 2)
    assert p.hit_rate(returns) == 0.75


def test_a_loss_at_the_start_is_a_drawdown() -> None:
    deepest = d.max_drawdown(p.wealth(np.array([-0.1, 0.05])))
    assert deepest == d.Drawdown(pytest.approx(0.1), 0, 1, None)


def test_the_first_of_equal_drawdowns_counts() -> None:
    assert d.max_drawdown(np.array([2.0, 1.0, 2.0, 1.0])) == d.Drawdown(0.5, 0, 1, 2)


def test_moments_of_known_samples() -> None:
    assert tails.skewness(np.array([-1.0, 0.0, 1.0])) == 0.0
    assert tails.kurtosis(np.array([-1.0, 1.0])) == 1.0
    assert tails.skewness(np.array([0.0, 0.0, 0.0, 4.0])) == pytest.approx(2 / math.sqrt(3))


def test_what_is_not_defined_is_nan() -> None:
    none, one, flat = np.zeros(0), np.array([0.1]), np.zeros(5)
    undefined = [
        p.annual_return(none, 252),
        p.volatility(one),
        p.sharpe(none, 252),
        p.sharpe(flat, 252),
        p.sortino(none, 252),
        p.sortino(np.array([0.1, 0.2]), 252),
        tails.downside_deviation(none),
        d.calmar(0.1, np.array([1.0, 1.1])),
        tails.skewness(flat),
        tails.kurtosis(none),
        p.hit_rate(none),
        p.sharpe(np.full(50, 0.001), 252),
        tails.omega(np.array([0.1])),
        tails.tail_ratio(none),
        tails.value_at_risk(none),
        tails.expected_shortfall(none),
        tails.mean_absolute_deviation(none),
        tails.upside_risk(none),
        tails.upside_potential(none),
        tails.d_ratio(none),
        d.ulcer_index(np.ones(1)),
        d.pain_index(np.ones(1)),
        d.martin(0.1, np.ones(3)),
        d.max_drawdown(none).depth,
    ]
    assert all(math.isnan(value) for value in undefined)
    assert p.total_return(none) == 0.0
    assert p.annual_return(np.array([-1.0, 0.5]), 252) == -1.0


@given(returns_of)
def test_identities(returns: np.ndarray) -> None:
    curve = p.wealth(returns)
    assert curve[-1] - 1 == pytest.approx(p.total_return(returns))
    deepest = d.max_drawdown(curve)
    assert 0 <= deepest.depth < 1
    assert deepest.peak <= deepest.trough
    slow = max(1 - low / high for i, high in enumerate(curve) for low in curve[i:])
    assert deepest.depth == pytest.approx(slow, abs=1e-12)
    assert deepest.depth == pytest.approx(1 - curve[deepest.trough] / curve[deepest.peak])
    if deepest.recovery is not None:
        assert curve[deepest.recovery] >= curve[deepest.peak]
        assert (curve[deepest.trough : deepest.recovery] < curve[deepest.peak]).all() or deepest.depth == 0
    assert 0 <= p.hit_rate(returns) <= 1
    assert p.annual_return(returns, len(returns)) == pytest.approx(p.total_return(returns))
    assert tails.downside_deviation(returns) <= np.sqrt(np.mean(returns**2)) + 1e-15


@given(returns_of, st.floats(0.1, 10))
def test_ratios_do_not_change_with_scale(returns: np.ndarray, scale: float) -> None:
    if p.volatility(returns) < 1e-3 or tails.downside_deviation(returns) < 1e-3:
        return
    assert p.sharpe(returns * scale, 252) == pytest.approx(p.sharpe(returns, 252), rel=1e-6, abs=1e-9)
    assert p.sortino(returns * scale, 252) == pytest.approx(p.sortino(returns, 252), rel=1e-6, abs=1e-9)
    assert tails.skewness(returns * scale) == pytest.approx(tails.skewness(returns), rel=1e-6, abs=1e-6)
    assert tails.kurtosis(returns * scale) >= 1 - 1e-9


@given(returns_of, st.floats(0.5, 0.999))
def test_tails_are_what_they_say(returns: np.ndarray, confidence: float) -> None:
    worst = sorted(returns.tolist())
    count = int((len(worst) - 1) * (1 - confidence) + 1e-9) + 1
    assert tails.expected_shortfall(returns, confidence) == pytest.approx(
        -sum(worst[:count]) / count, abs=1e-12
    )
    assert tails.expected_shortfall(returns, confidence) >= tails.value_at_risk(returns, confidence) - 1e-12
    assert -worst[-1] <= tails.value_at_risk(returns, confidence) <= -worst[0]
    gains, losses = sum(r for r in worst if r > 0), -sum(r for r in worst if r < 0)
    if losses > 0:
        assert tails.omega(returns) == pytest.approx(gains / losses)
    assert tails.upside_potential(returns) - tails.downside_potential(returns) == pytest.approx(
        float(returns.mean()), abs=1e-12
    )


@given(returns_of)
def test_episodes_cover_every_bar_under_water(returns: np.ndarray) -> None:
    curve = p.wealth(returns)
    found = d.episodes(curve)
    depths = [fall.depth for fall in found]
    assert depths == sorted(depths, reverse=True)
    assert all(0 < depth < 1 for depth in depths)
    under = set()
    for fall in found:
        end = len(curve) if fall.recovery is None else fall.recovery
        assert fall.peak < fall.trough < end
        assert fall.depth == pytest.approx(1 - min(curve[fall.peak : end]) / curve[fall.peak])
        under |= set(range(fall.peak + 1, end))
    assert under == set(np.flatnonzero(d.drawdowns(curve) > 0).tolist())
    assert max(depths, default=0.0) == pytest.approx(d.max_drawdown(curve).depth)
    assert d.pain_index(curve) <= d.ulcer_index(curve) + 1e-12 <= d.max_drawdown(curve).depth + 2e-12
