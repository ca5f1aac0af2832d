"""The venue's estimates of volatility and volume: plain exponential weighting, from good bars alone."""

import math

import numpy as np
import pytest

from tests.execution.build import BAD, closes, ints, ranged
from tuiconsole.execution.liquidity import Liquidity
from tuiconsole.execution.settings import ExecutionSettings

CHOSEN = ExecutionSettings(memory_bars=10, initial_volatility=0.03, displayed_volume=5000.0)
BOTH = ints(0, 1)


def test_the_configured_values_stand_before_any_history():
    made = Liquidity(2, CHOSEN)
    assert made.sigma(BOTH).tolist() == [0.03, 0.03]
    assert made.volume(BOTH).tolist() == [5000.0, 5000.0]


def test_estimates_equal_the_recursion_written_out():
    rng = np.random.default_rng(0)
    made = Liquidity(2, CHOSEN)
    variance, volume, last = [9e-4, 9e-4], [None, None], [None, None]
    for ts in range(200):
        price, traded = 50 * np.exp(0.02 * rng.standard_normal(2)), 1000 * rng.random(2)
        quality = np.where(rng.random(2) < 0.2, BAD, 0)
        made.update(ranged(ts, price, price, price, price, traded, quality))
        for i in range(2):
            if quality[i]:
                continue
            if last[i] is not None:
                variance[i] += (math.log(price[i] / last[i]) ** 2 - variance[i]) / 10
            last[i] = price[i]
            volume[i] = traded[i] if volume[i] is None else volume[i] + (traded[i] - volume[i]) / 10
    np.testing.assert_allclose(made.sigma(BOTH) ** 2, variance, rtol=1e-12)
    np.testing.assert_allclose(made.volume(BOTH), volume, rtol=1e-12)


def test_close_only_bars_leave_the_displayed_volume():
    made = Liquidity(2, CHOSEN)
    bars = closes(1, (10.0, 20.0))
    made.update(bars)
    assert made.volume(BOTH).tolist() == [5000.0, 5000.0]
    assert made.bar_volume(bars.bars, BOTH).tolist() == [5000.0, 5000.0]


def test_a_dead_market_never_divides_by_nothing():
    made = Liquidity(1, ExecutionSettings(memory_bars=2))
    price = (10.0,)
    for ts in range(3000):
        made.update(ranged(ts, price, price, price, price, (0.0,)))
    assert made.sigma(ints(0))[0] == pytest.approx(1e-8)
    assert made.volume(ints(0))[0] == 1.0
