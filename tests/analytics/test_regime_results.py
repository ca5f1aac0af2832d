"""Results by regime: every known bar counts once per group, under the regime known before it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiconsole.analytics.performance import sharpe, volatility
from tuiconsole.analytics.regime_results import REGIMES, results_by_regime
from tuiconsole.analytics.track import REGIME_LABELS


def named(equity, codes, capital=100.0):
    found = results_by_regime(np.array(equity), capital, np.array(codes, dtype=np.int8), 252.0)
    return {result.name: result for result in found}


def test_the_names_are_those_of_the_track():
    assert REGIMES == ("low volatility", "medium volatility", "high volatility", "trend", "range")
    assert REGIME_LABELS[4] == "high volatility, trend"


def test_a_return_belongs_to_the_regime_known_before_it():
    # codes: low/trend, then high/range; the fall of the third bar happened in what was known as low
    found = named([100.0, 110.0, 55.0, 66.0], [0, 0, 5, 5])
    assert found["low volatility"].bars == 2
    assert found["low volatility"].total_return == pytest.approx(1.1 * 0.5 - 1)
    assert found["low volatility"].max_drawdown == pytest.approx(0.5)
    assert found["high volatility"].total_return == pytest.approx(0.2)
    assert found["high volatility"].max_drawdown == 0.0
    assert found["trend"].bars == 2
    assert found["range"].share == pytest.approx(1 / 3)
    assert found["medium volatility"].bars == 0
    assert np.isnan(found["medium volatility"].sharpe)


def test_unknown_regimes_are_in_no_result():
    found = named([100.0, 110.0, 121.0, 133.1], [-1, -1, 2, 2])
    assert sum(result.bars for result in found.values()) == 2
    assert found["medium volatility"].share == 1.0


@given(
    moves=st.lists(st.floats(-0.05, 0.05), min_size=2, max_size=60),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=60, derandomize=True)
def test_the_groups_divide_the_whole(moves, seed):
    codes = np.random.default_rng(seed).integers(0, len(REGIME_LABELS), len(moves)).astype(np.int8)
    equity = 100.0 * np.cumprod(1.0 + np.array(moves))
    found = named(equity, codes)
    returns = equity[1:] / equity[:-1] - 1.0
    for group in (REGIMES[:3], REGIMES[3:]):
        assert sum(found[name].bars for name in group) == len(returns)
        growth = np.prod([1.0 + found[name].total_return for name in group])
        assert growth == pytest.approx(np.prod(1.0 + returns), rel=1e-9)
        for name in group:
            assert 0.0 <= found[name].max_drawdown < 1.0


def test_one_regime_alone_is_the_whole_curve():
    moves = np.random.default_rng(4).normal(0.001, 0.01, 300)
    equity = 100.0 * np.cumprod(1.0 + moves)
    found = named(equity, [1] * 300)["low volatility"]
    returns = equity[1:] / equity[:-1] - 1.0
    assert found.volatility == pytest.approx(volatility(returns, 252.0))
    assert found.sharpe == pytest.approx(sharpe(returns, 252.0))
