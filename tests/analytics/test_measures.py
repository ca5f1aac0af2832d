"""The table of figures: each equals its own formula, and what the data cannot carry is withheld with a reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.analytics.test_trades import table
from tuiconsole.analytics import performance as p
from tuiconsole.analytics.measures import UNITS, measures, plain_figures
from tuiconsole.analytics.significance import Trials, deflated_sharpe
from tuiconsole.analytics.tails import kurtosis, skewness
from tuiconsole.analytics.track import Track
from tuiconsole.domain.rng import generator


def track(equity: np.ndarray) -> Track:
    empty = Track.zeros(len(equity))
    return replace(
        empty, ts=np.arange(1, len(equity) + 1), equity=equity, gross=equity * 0.5, net=equity * 0.25
    )


def walk(n: int) -> np.ndarray:
    return 100.0 * np.cumprod(1 + generator(4, "walk").normal(0.0005, 0.01, n))


def test_every_figure_of_a_long_run() -> None:
    equity = walk(400)
    returns = np.diff(equity, prepend=100.0) / np.concatenate(([100.0], equity[:-1]))
    fills = table([(i + 1, 0, 1 if i % 2 == 0 else -1, 100.0 + i % 5, 0.25) for i in range(40)])
    trials = Trials(12, 0.002)
    found = measures(
        track(equity), fills, 100.0, 252, benchmark=walk(400)[::-1] / walk(400)[-1] * 100, trials=trials
    )
    assert list(found) == list(UNITS)
    assert {name: measure.unit for name, measure in found.items()} == UNITS
    figures = plain_figures(found)
    assert all(value is not None for value in figures.values())
    assert figures["annual_return"] == pytest.approx(p.annual_return(returns, 252))
    assert figures["sharpe"] == pytest.approx(p.sharpe(returns, 252))
    assert figures["exposure"] == pytest.approx(0.5)
    assert figures["net_exposure"] == pytest.approx(0.25)
    assert figures["costs"] == pytest.approx(10.0)
    assert figures["cost_share"] == pytest.approx(10.0 / (equity[-1] - 100.0 + 10.0))
    assert figures["holding_bars"] == pytest.approx(1.0)
    expected = deflated_sharpe(p.sharpe(returns, 1), 400, skewness(returns), kurtosis(returns), 12, 0.002)
    assert figures["deflated_sharpe"] == pytest.approx(expected)


def test_too_little_data_gives_a_reason_and_no_wild_number() -> None:
    found = measures(track(np.array([101.0, 103.0, 99.0])), table([]), 100.0, 252)
    assert found["total_return"].value == pytest.approx(-0.01)
    assert (found["annual_return"].value, found["annual_return"].reason) == (
        None,
        "needs 252 bars (a year), has 3",
    )
    assert found["sharpe"].reason == "needs 20 bars, has 3"
    assert found["value_at_risk_95"].reason == "needs 100 bars, has 3"
    assert found["win_rate"].reason == "needs 10 round trips, has 0"
    assert found["max_drawdown"].value == pytest.approx(4 / 103)
    assert found["cost_share"].reason == "no profit before costs to share"
    assert "beta" not in found
    none = measures(track(np.zeros(0)), table([]), 100.0, 252)
    assert {name for name, measure in none.items() if measure.value is not None} == {"total_return", "costs"}


def test_a_desk_that_never_traded_and_one_that_lost_everything() -> None:
    flat = measures(track(np.full(300, 100.0)), table([]), 100.0, 252)
    assert flat["sharpe"].reason == "nothing moved"
    assert flat["calmar"].reason == "never under water"
    assert flat["annual_return"].value == 0.0
    ruined = measures(track(np.concatenate((walk(300), [-5.0, 10.0]))), table([]), 100.0, 252)
    assert ruined["sharpe"].reason == ruined["max_drawdown"].reason == "equity fell to zero or below"
    assert ruined["total_return"].value == pytest.approx(-0.9)


@given(hnp.arrays("<f8", st.integers(0, 320), elements=st.floats(1.0, 1e6, width=32)), st.integers(1, 99))
def test_every_figure_is_finite_or_has_a_reason(equity: np.ndarray, trials: int) -> None:
    found = measures(track(equity), table([]), 1000.0, 252, trials=Trials(trials, 0.01))
    for measure in found.values():
        assert (measure.value is None) == bool(measure.reason)
        assert measure.value is None or np.isfinite(measure.value)
    depth = found["max_drawdown"].value
    assert depth is None or 0 <= depth < 1
    plain, deflated = found["probabilistic_sharpe"].value, found["deflated_sharpe"].value
    assert plain is None or (deflated is not None and 0 <= deflated <= plain <= 1)
