"""The venue's estimates of volatility and volume: plain exponential weighting, from good bars alone."""

import math

import numpy as np
import pytest

from tests.execution.build import BAD, closes, ints, ranged
from tuiconsole.domain.codec import decode_state, encode_state
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


def mixed_market(bars=150, symbols=6, seed=4):
    """Prices as the defence gives them, volumes with holes, verdicts; the last symbol is listed late."""
    rng = np.random.default_rng(seed)
    raw = 50 * np.exp(np.cumsum(0.02 * rng.standard_normal((bars, symbols)), axis=0))
    quality = np.where(rng.random((bars, symbols)) < 0.1, BAD, 0).astype(np.int8)
    quality[:40] *= rng.random((40, 1)) < 0.5  # stretches in which all is good
    quality[:60, -1] = BAD
    price = np.full_like(raw, np.nan)
    for bar in range(bars):
        before = price[bar - 1] if bar else np.full(symbols, np.nan)
        price[bar] = np.where(quality[bar] == 0, raw[bar], before)
    volume = 1000 * rng.random((bars, symbols))
    volume[rng.random((bars, symbols)) < 0.05] = np.nan
    volume[rng.random((bars, symbols)) < 0.05] = 0.0
    volume[:30, 0] = np.nan
    return price, volume, quality


def calm_market(symbols, bars=150):
    """Every symbol has a good price and a volume at every bar."""
    rng = np.random.default_rng(5)
    price = 50 * np.exp(np.cumsum(0.02 * rng.standard_normal((bars, symbols)), axis=0))
    return price, 1000 * (1.0 + rng.random((bars, symbols))), np.zeros((bars, symbols), dtype=np.int8)


@pytest.mark.parametrize("with_volume", [True, False])
@pytest.mark.parametrize("market", [mixed_market(), calm_market(1), calm_market(3), calm_market(8)])
def test_a_block_has_the_bits_of_one_bar_at_a_time(market, with_volume):
    price, volume, quality = market
    bars, symbols = price.shape
    every = np.arange(symbols)
    single, lazy, blocks = (Liquidity(symbols, CHOSEN) for _ in range(3))
    ends = (1, 64, 65, bars)
    for ts in range(bars):
        row = price[ts]
        bar = ranged(ts, row, row, row, row, volume[ts], quality[ts])
        bar = bar if with_volume else closes(ts, row, quality[ts])
        single.sigma(every)  # an estimate asked for is worked out at once
        single.update(bar)
        lazy.update(bar)
        if ts + 1 in ends:
            first = max((end for end in (0, *ends) if end <= ts), default=0)
            rows = slice(first, ts + 1)
            blocks.update_block(price[rows], volume[rows] if with_volume else None, quality[rows])
            assert blocks.sigma(every).tobytes() == single.sigma(every).tobytes()
            assert blocks.volume(every).tobytes() == single.volume(every).tobytes()
    states = [encode_state(made.state()) for made in (single, lazy, blocks)]
    assert states[0] == states[1] == states[2]
    again = Liquidity(symbols, CHOSEN)
    again.restore(decode_state(states[0]))
    assert again.volume(every).tolist() == single.volume(every).tolist()


def test_a_source_may_gain_volume_in_between():
    made, once = Liquidity(2, CHOSEN), Liquidity(2, CHOSEN)
    for ts in range(90):
        price = 50 + np.array([ts % 7, ts % 5], dtype=np.float64)
        bar = closes(ts, price) if ts < 45 else ranged(ts, price, price, price, price, (100.0, 200.0))
        made.update(bar)
        once.update(bar)
        once.sigma(BOTH)
    assert encode_state(made.state()) == encode_state(once.state())
    np.testing.assert_allclose(made.volume(BOTH), [100.0, 200.0])


def test_stress_follows_recent_volatility_against_the_long_one():
    chosen = ExecutionSettings(memory_bars=10, long_memory_bars=1000)
    calm, steady, wild = (Liquidity(1, chosen) for _ in range(3))
    for made, later in ((calm, 0.005), (steady, 0.02), (wild, 0.05)):
        level = 0.0
        for ts in range(400):
            level += (0.02 if ts < 300 else later) * (1 if ts % 2 else -1)
            made.update(closes(ts, (50 * math.exp(level),)))
    assert calm.stress(ints(0))[0] == 0.7
    assert steady.stress(ints(0))[0] == pytest.approx(1.0, abs=1e-6)
    assert wild.stress(ints(0))[0] == 1.5
    for ts in range(400, 415):  # on the way down, in between
        level += 0.02 * (1 if ts % 2 else -1)
        wild.update(closes(ts, (50 * math.exp(level),)))
    assert 1.0 < wild.stress(ints(0))[0] < 1.5
