"""Attribution over many bars: by hand, and always adding up to the active return."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiconsole.analytics.attribution import SectorBars, sector_effects
from tuiconsole.domain.rng import generator


def test_one_bar_by_hand() -> None:
    """Two sectors and cash; figures worked out by the formulas of Brinson and Fachler."""
    held = SectorBars(np.array([[0.6, 0.2, 0.2]]), np.array([[0.06, 0.004, 0.0]]))
    market = SectorBars(np.array([[0.5, 0.5, 0.0]]), np.array([[0.04, 0.01, 0.0]]))
    found = sector_effects(("A", "B", "Cash"), held, market, np.array([0.063]))
    assert found.allocation == pytest.approx((0.1 * (0.08 - 0.05), -0.3 * (0.02 - 0.05), 0.2 * (0.0 - 0.05)))
    assert found.selection == pytest.approx((0.5 * 0.02, 0.0, 0.0))
    assert found.interaction == pytest.approx((0.1 * 0.02, 0.0, 0.0))
    assert (found.trading, found.active) == (pytest.approx(-0.001), pytest.approx(0.013))


@given(
    st.integers(1, 12),
    st.integers(1, 4),
    st.integers(0, 10_000),
    st.booleans(),
)
def test_effects_add_up_to_the_active_return(bars: int, sectors: int, seed: int, short: bool) -> None:
    rng = generator(seed, "attribution")
    shape = (bars, sectors)

    def side(weight: np.ndarray) -> SectorBars:
        weight = weight * (rng.random(shape) > 0.3)  # empty sectors
        earned = weight * rng.normal(0.0, 0.03, shape)
        cash = 1.0 - weight.sum(axis=1, keepdims=True)
        return SectorBars(np.hstack((weight, cash)), np.hstack((earned, np.zeros((bars, 1)))))

    portfolio = side(rng.normal(0.0, 0.4, shape) if short else rng.random(shape) / sectors)
    benchmark = side(rng.random(shape) / sectors)
    if short:  # long and short names of a sector that cancel still earn something
        portfolio.weight[0, 0], portfolio.earned[0, 0] = 0.0, 0.01
        portfolio.weight[0, -1] = 1.0 - portfolio.weight[0, :-1].sum()
    returns = portfolio.earned.sum(axis=1) + rng.normal(0.0, 0.001, bars)
    names = tuple(f"S{k}" for k in range(sectors + 1))
    found = sector_effects(names, portfolio, benchmark, returns)
    total = sum((*found.allocation, *found.selection, *found.interaction)) + found.trading
    market = benchmark.earned.sum(axis=1)
    assert found.active == pytest.approx(np.prod(1 + returns) - np.prod(1 + market))
    assert total == pytest.approx(found.active, abs=1e-9)
