"""Simulated markets: the figures asked for come out, bars are possible ones, and the seed is all there is to it."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiconsole.domain.errors import ConfigError, DataError
from tuiconsole.market.calendar import from_utc
from tuiconsole.market.calibration import calibrated
from tuiconsole.market.packaged import packaged_tape
from tuiconsole.market.replay import open_tape
from tuiconsole.market.settings import FeedSettings, SimulationSettings
from tuiconsole.market.simulated import regime_path, simulated_tape

LONG = SimulationSettings(
    symbols=12,
    sectors=3,
    bars=24_000,
    jumps_per_year=0.0,
    tail_degrees=8.0,
    duration_bars=(80.0, 40.0, 20.0),
    start="1930-01-01",
)


@pytest.fixture(scope="module")
def market():
    tape = simulated_tape(LONG)
    return np.diff(np.log(tape.close), axis=0), regime_path(LONG)[1:]


def test_each_regime_has_its_volatility(market):
    moves, regime = market
    for state, asked in enumerate(LONG.volatility):
        found = np.sqrt(np.mean(moves[regime == state].var(axis=0)) * 252)
        assert found == pytest.approx(asked, rel=0.04)


def test_each_regime_has_its_correlation_and_sectors_have_more(market):
    moves, regime = market
    sector = np.arange(12) % 3
    other = sector[:, None] != sector
    same = ~other & ~np.eye(12, dtype=bool)
    for state, asked in enumerate(LONG.correlation):
        found = np.corrcoef(moves[regime == state].T)
        assert found[other].mean() == pytest.approx(asked, abs=0.06)
        assert found[same].mean() - found[other].mean() == pytest.approx(0.2 * (1 - asked), abs=0.06)


def test_each_regime_has_its_drift(market):
    moves, regime = market
    for state, asked in enumerate(LONG.drift):
        rows = np.expm1(moves[regime == state]).mean(axis=1)
        error = rows.std() / np.sqrt(len(rows)) * 252
        assert abs(rows.mean() * 252 - asked) < 3.5 * error


def test_regimes_last_and_follow_as_asked():
    path = regime_path(replace(LONG, bars=200_000))
    begins = np.flatnonzero(np.diff(path, prepend=-1))
    stay = np.diff(np.append(begins, len(path)))
    for state, asked in enumerate(LONG.duration_bars):
        assert stay[path[begins] == state].mean() == pytest.approx(asked, rel=0.10)
    assert not (path[begins][1:] == path[begins][:-1]).any()
    after_wild = path[begins][1:][path[begins][:-1] == 2]
    assert (after_wild == 0).mean() == pytest.approx(0.5, abs=0.05), "calm and normal have equal weights"


def test_volatility_clusters(market):
    moves, _ = market
    size = np.abs(moves.mean(axis=1))
    size -= size.mean()
    for lag in (1, 5, 10):
        assert (size[lag:] * size[:-lag]).mean() / size.var() > 0.05
    plain = moves.mean(axis=1) - moves.mean()
    assert abs((plain[1:] * plain[:-1]).mean() / plain.var()) < 0.03, "returns themselves do not"


def test_tails_are_fat_and_jumps_make_them_fatter(market):
    def kurtosis(settings_, state):
        tape = simulated_tape(settings_)
        moves = np.diff(np.log(tape.close), axis=0)[regime_path(settings_)[1:] == state]
        centred = moves - moves.mean(axis=0)
        return float(np.mean((centred**4).mean(axis=0) / (centred**2).mean(axis=0) ** 2))

    fat = kurtosis(LONG, 0)
    assert fat > 3.5
    assert kurtosis(replace(LONG, tail_degrees=100.0), 0) == pytest.approx(3.0, abs=0.2)
    assert kurtosis(replace(LONG, jumps_per_year=2.0), 0) > fat + 2.0


@given(
    seed=st.integers(0, 1000),
    gap=st.sampled_from([0.0, 0.2, 0.8]),
    missing=st.sampled_from([0.0, 0.2]),
    bar_seconds=st.sampled_from([300, 3600, 86_400]),
    price=st.sampled_from([0.02, 50.0]),
)
@settings(max_examples=25, derandomize=True, deadline=None)
def test_every_bar_is_possible(seed, gap, missing, bar_seconds, price):
    made = simulated_tape(
        SimulationSettings(
            seed=seed,
            symbols=5,
            bars=200,
            gap_share=gap,
            missing_share=missing,
            bar_seconds=bar_seconds,
            start_price=price,
        )
    )
    there = np.isfinite(made.close)
    for column in (made.open, made.high, made.low, made.volume):
        assert (np.isfinite(column) == there).all(), "a missing bar is missing as a whole"
    assert there.mean() == pytest.approx(1.0 - missing, abs=0.08)
    opened, high, low, close = (c[there] for c in (made.open, made.high, made.low, made.close))
    assert (low > 0).all()
    assert (low <= np.minimum(opened, close)).all()
    assert (high >= np.maximum(opened, close)).all()
    assert (made.volume[there] >= 1).all()
    if gap == 0.0 and missing == 0.0:
        np.testing.assert_allclose(made.open[1:], made.close[:-1], atol=1.1e-4)


def test_gaps_carry_their_share_of_the_variance():
    tape = simulated_tape(replace(LONG, gap_share=0.3, bars=8000))
    gap = np.log(tape.open[1:] / tape.close[:-1])
    whole = np.log(tape.close[1:] / tape.close[:-1])
    assert gap.var() / whole.var() == pytest.approx(0.3, abs=0.03)


def test_ranges_are_those_of_a_random_walk():
    tape = simulated_tape(
        replace(
            LONG,
            gap_share=0.0,
            tail_degrees=100.0,
            volatility=(0.2,),
            correlation=(0.3,),
            drift=(0.0,),
            duration_bars=(100.0,),
            entry_weight=(1.0,),
            bars=8000,
        )
    )
    parkinson = np.square(np.log(tape.high / tape.low)).mean() / (4.0 * np.log(2.0))
    close = np.diff(np.log(tape.close), axis=0).var()
    assert parkinson / close == pytest.approx(1.0, abs=0.12), (
        "Parkinson's estimate agrees with that of closes"
    )


def test_times_are_sessions_of_new_york():
    tape = simulated_tape(SimulationSettings(symbols=2, bars=780, bar_seconds=300, start="2020-03-05"))
    wall = from_utc(tape.ts, "America/New_York") // 10**9
    seconds = wall % 86_400
    assert (seconds.min(), seconds.max()) == (9 * 3600 + 35 * 60, 16 * 3600)
    days = wall // 86_400
    assert np.diff(days).max() == 3, "a weekend; the clocks changed in it"
    assert len(np.unique(days)) == 10
    with pytest.raises(ConfigError, match="expected an ISO date"):
        simulated_tape(SimulationSettings(start="soon"))


def test_another_seed_is_another_market():
    one, again, other = (
        simulated_tape(SimulationSettings(symbols=3, bars=300, seed=seed)).digest for seed in (1, 1, 2)
    )
    assert one == again != other


def test_the_digest_is_the_same_in_two_processes():
    code = (
        "from tuiconsole.market.settings import SimulationSettings as S\n"
        "from tuiconsole.market.simulated import simulated_tape\n"
        "print(simulated_tape(S(symbols=4, bars=500, missing_share=0.1)).digest)"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert len(runs[0].strip()) == 64


def test_more_regimes_than_figures_are_refused():
    with pytest.raises(ConfigError, match="one figure in each list, found: volatility 2, correlation 3"):
        SimulationSettings(volatility=(0.1, 0.2))
    with pytest.raises(ConfigError, match="above 0"):
        SimulationSettings(entry_weight=(0.0, 0.0, 0.0))


def test_one_regime_never_switches():
    alone = SimulationSettings(
        volatility=(0.2,),
        correlation=(0.3,),
        drift=(0.0,),
        duration_bars=(5.0,),
        entry_weight=(1.0,),
        bars=99,
    )
    assert not regime_path(alone).any()


def test_calibration_finds_the_market_again():
    truth = replace(
        LONG, volatility=(0.12, 0.25, 0.60), duration_bars=(250.0, 170.0, 150.0), entry_weight=(0.4, 0.4, 0.2)
    )
    found = calibrated(SimulationSettings(), simulated_tape(truth))
    assert np.array(found.volatility) == pytest.approx([0.12, 0.25, 0.60], rel=0.25)
    assert found.correlation == pytest.approx(LONG.correlation, abs=0.15)
    assert found.correlation[0] < found.correlation[1] < found.correlation[2]
    assert 4.0 < found.tail_degrees < 20.0
    assert found.mean_volume == pytest.approx(LONG.mean_volume, rel=0.4)
    assert sum(found.entry_weight) == pytest.approx(1.0)


def test_calibration_on_recorded_prices():
    tape = packaged_tape()
    found = calibrated(SimulationSettings(), tape)
    calm, normal, wild = found.volatility
    assert 0.10 < calm < normal < wild < 1.0
    again = np.diff(np.log(simulated_tape(replace(found, bars=8000)).close), axis=0)
    real = np.diff(np.log(tape.close), axis=0)
    assert np.nanmean(again.std(axis=0)) == pytest.approx(np.nanmean(np.nanstd(real, axis=0)), rel=0.2)
    with pytest.raises(DataError, match="too few to calibrate"):
        calibrated(SimulationSettings(), tape.tail(100))


def test_the_feed_opens_it():
    feed = FeedSettings(feed="simulated")
    simulation = SimulationSettings(symbols=3, bars=100)
    tape = open_tape(feed, None, simulation)
    assert tape.digest == simulated_tape(simulation).digest
    assert tape.has_ranges
    assert "not recorded" in tape.notes[0]
    fitted = open_tape(feed, None, replace(simulation, calibrate="packaged"))
    assert fitted.digest != tape.digest
