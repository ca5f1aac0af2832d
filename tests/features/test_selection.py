from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.rng import generator
from tuiconsole.features.selection import (
    Sample,
    SelectionRules,
    information,
    rank_correlations,
    sampled_bars,
    select,
)

N = 4000
NAMES = ("signal", "signal again", "noise", "curve", "turns", "scarce", "constant")


@pytest.fixture(scope="module")
def sample() -> Sample:
    rng = generator(3, "selection")
    signal, noise, curve, turns, outcome = rng.normal(size=(5, N))
    block = np.arange(N) * 5 // N
    outcome = (
        0.5 * outcome
        + 0.3 * signal
        + 0.3 * (curve * curve - 1.0)
        + 0.3 * np.where(block % 2, -1.0, 1.0) * turns
    )
    values = np.stack(
        (signal, np.exp(signal) + 1e-3 * noise, noise, curve, turns, signal, np.ones(N)), axis=1
    )
    values[rng.random((N, 7)) < 0.05] = np.nan
    values[: int(0.7 * N), 5] = np.nan
    return Sample(NAMES, values, outcome, block)


def test_one_of_each_cluster_in_order_of_merit(sample: Sample) -> None:
    found = select(sample, SelectionRules())
    by_name = {each.name: each for each in found}
    assert by_name["signal"].cluster == by_name["signal again"].cluster
    assert by_name["scarce"].cluster == by_name["constant"].cluster == 0
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    chosen = [each.name for each in found if each.chosen]
    assert len(chosen) == 4
    assert len({"signal", "signal again"} & set(chosen)) == 1
    assert by_name["signal"].stability == 1.0
    assert by_name["turns"].stability <= 0.6
    assert by_name["curve"].information > 20 * by_name["noise"].information
    assert abs(by_name["curve"].rank_correlation) < 0.05  # what rank correlation does not see
    assert by_name["signal"].rank_correlation > 0.3


def test_the_same_sample_gives_the_same_choice(sample: Sample) -> None:
    assert select(sample, SelectionRules()) == select(sample, SelectionRules())


def test_most_limits_the_choice(sample: Sample) -> None:
    found = select(sample, SelectionRules(most=2))
    assert [each.chosen for each in found].count(True) == 2
    assert found[0].chosen


def test_rank_correlations_are_those_of_the_common_rows(sample: Sample) -> None:
    values = sample.values[:, :3]
    seen = np.isfinite(values[:, 0]) & np.isfinite(values[:, 2])
    found = rank_correlations(values)[0, 2]
    assert found == pytest.approx(np.corrcoef(values[seen, 0], values[seen, 2])[0, 1], abs=1e-12)
    merits = {each.name: each for each in select(sample, SelectionRules())}
    seen = np.isfinite(values[:, 0])
    expected = spearmanr(values[seen, 0], sample.outcome[seen]).statistic
    assert merits["signal"].rank_correlation == pytest.approx(expected, abs=0.01)


def test_information_of_known_variables() -> None:
    rng = generator(5, "information")
    x, y = rng.normal(size=(2, 100_000))
    assert information(x, y) < 2e-4
    assert information(x, x) == pytest.approx(np.log(10.0), abs=1e-3)
    rho = 0.6
    gaussian = -0.5 * np.log(1.0 - rho * rho)
    found = information(x, rho * x + np.sqrt(1.0 - rho * rho) * y)
    assert 0.85 * gaussian < found < gaussian


def test_bars_are_drawn_evenly_and_always_the_same() -> None:
    bars = sampled_bars(100, 1100, 50, seed=4)
    assert bars.tolist() == sampled_bars(100, 1100, 50, seed=4).tolist()
    assert bars.tolist() != sampled_bars(100, 1100, 50, seed=5).tolist()
    assert ((bars - 100) // 20).tolist() == list(range(50))
    assert sampled_bars(3, 6, 50, seed=1).tolist() == [3, 4, 5]


def test_too_little_is_refused(sample: Sample) -> None:
    few = Sample(NAMES, sample.values[:99], sample.outcome[:99], sample.block[:99])
    with pytest.raises(UsageError, match="99 observations to choose from, 100 are needed"):
        select(few, SelectionRules())
    nothing = Sample(NAMES[:1], np.full((200, 1), np.nan), sample.outcome[:200], sample.block[:200])
    with pytest.raises(UsageError, match="No feature has values in 50% of the observations"):
        select(nothing, SelectionRules())
