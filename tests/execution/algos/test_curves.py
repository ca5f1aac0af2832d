"""Splits that add up exactly, and curves that end at the whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.execution.reference import case
from tuiconsole.execution.algos.apportion import apportion
from tuiconsole.execution.algos.curves import (
    participation_slice,
    shortfall_optimal,
    time_weighted,
    volume_weighted,
)
from tuiconsole.execution.algos.planning import due


def test_few_lots_are_spread_over_many_bars():
    sent = np.diff(due(270, time_weighted(600), 1), prepend=0)
    assert sent[:300].sum() == 135
    assert max(len(run) for run in "".join(map(str, sent)).split("0")) == 1


def test_the_integer_splits_of_the_reference_set():
    known = case("twap_vwap_integer")
    quantity, profile = known["inputs"]["Q"], np.array(known["inputs"]["volume_profile"], dtype=float)
    twap = apportion(quantity, np.ones(known["inputs"]["bins"]))
    assert sorted(twap.tolist(), reverse=True) == known["expected"]["twap_child_set"]
    assert twap.sum() == known["expected"]["twap_sum"]
    assert apportion(quantity, profile).tolist() == known["expected"]["vwap_largest_remainder"]


weights = st.lists(st.floats(0.0, 1e6), min_size=1, max_size=40)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(total=st.integers(-(10**14), 10**14), weights=weights, lot=st.sampled_from([1, 7, 100]))
def test_a_split_adds_up_in_whole_lots(total, weights, lot):
    parts = apportion(total, np.array(weights), lot)
    assert int(parts.sum()) == total
    assert (parts * np.sign(total) >= 0).all()
    assert np.count_nonzero(parts % lot) <= 1
    if sum(weights) > 0:
        assert not parts[np.array(weights) == 0.0].any()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(total=st.integers(0, 10**9), bins=st.integers(1, 60))
def test_equal_parts_differ_by_at_most_one(total, bins):
    parts = apportion(total, np.ones(bins))
    assert parts.max() - parts.min() <= 1
    assert (np.diff(parts) <= 0).all()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    total=st.integers(-5000, 5000),
    bars=st.integers(1, 60),
    kappa=st.floats(0.0, 2.0),
    lot=st.sampled_from([1, 10, 100]),
)
def test_what_is_due_follows_the_curve_to_the_whole(total, bars, kappa, lot):
    curve = shortfall_optimal(bars, kappa)
    sent = due(total, curve, lot)
    assert sent[-1] == total
    assert (np.diff(sent * np.sign(total), prepend=0) >= 0).all()
    assert np.count_nonzero(np.diff(sent, prepend=0) % lot) <= 1
    if abs(total) // lot < bars:
        assert (np.abs(sent[:-1] - total * curve[:-1]) <= lot * (1 + abs(total) % lot / lot) + 1e-6).all()


@pytest.mark.parametrize("wrong", [[], [1.0, np.nan], [1.0, -1.0], [np.inf]])
def test_weights_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match="weights must be"):
        apportion(5, np.array(wrong))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    bars=st.integers(1, 80),
    kappa=st.floats(0.0, 20.0),
    volume=st.lists(st.one_of(st.just(float("nan")), st.floats(-5.0, 1e9)), min_size=1, max_size=80),
)
def test_every_curve_rises_to_the_whole(bars, kappa, volume):
    for curve in (time_weighted(bars), shortfall_optimal(bars, kappa), volume_weighted(np.array(volume))):
        assert curve[-1] == 1.0
        assert curve[0] >= 0.0
        assert (np.diff(curve) >= -1e-12).all()


def test_patience_is_the_straight_line_and_urgency_is_ahead_of_it():
    np.testing.assert_allclose(shortfall_optimal(8, 0.0), time_weighted(8))
    assert (shortfall_optimal(8, 0.4)[:-1] > time_weighted(8)[:-1]).all()


def test_participation_follows_the_volume_and_catches_up_within_its_cap():
    assert participation_slice(10_000, 0, 0.0, 1000.0, 0.1, 0.2) == 100
    assert participation_slice(10_000, 100, 1000.0, 500.0, 0.1, 0.2) == 50
    assert participation_slice(10_000, 0, 5000.0, 1000.0, 0.1, 0.2) == 200, "600 behind, 20 % is the cap"
    assert participation_slice(30, 0, 5000.0, 1000.0, 0.1, 0.2) == 30
    assert participation_slice(30, 700, 5000.0, 1000.0, 0.1, 0.2) == 0, "ahead of the market it waits"


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    volumes=st.lists(st.floats(0.0, 1e6), min_size=1, max_size=40),
    total=st.integers(1, 10**7),
    rate=st.floats(0.01, 0.5),
)
def test_a_followed_market_is_never_outpaced(volumes, total, rate):
    sent, traded, most = 0, 0.0, min(1.0, 2 * rate)
    for volume in volumes:
        size = participation_slice(total - sent, sent, traded, volume, rate, most)
        assert 0 <= size <= most * volume
        sent += size
        traded += volume
        assert sent <= min(total, rate * traded + 1e-6)
