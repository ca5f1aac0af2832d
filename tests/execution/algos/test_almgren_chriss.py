"""The optimal schedule: the reference figures, the frontier, and what no schedule may do."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.execution.reference import case
from tuiconsole.execution.algos.almgren_chriss import Task, frontier, left_after, schedule, urgency

PAPER = Task(1e6, 5.0, 5, 0.95, 0.0625, 2.5e-7, 2.5e-6)


def task_of(inputs):
    names = ("X", "T", "N", "sig", "eps", "gam", "eta")
    return Task(*(inputs[name] for name in names))


def test_the_papers_case():
    known = case("ac2000_paper")
    task, rtol = task_of(known["inputs"]), known["rtol"]
    for risk_aversion, wanted in known["expected"]["by_lambda"].items():
        found = schedule(task, float(risk_aversion))
        assert task.eta_tilde == pytest.approx(wanted["eta_tilde"], rel=rtol)
        assert found.kappa == pytest.approx(wanted["kappa"], rel=rtol)
        if wanted["half_life_1_over_kappa"] is not None:
            assert found.half_life == pytest.approx(wanted["half_life_1_over_kappa"], rel=rtol)
        np.testing.assert_allclose(found.holdings, wanted["holdings"], rtol=rtol, atol=1e-6)
        np.testing.assert_allclose(found.trades, wanted["trades"], rtol=rtol)
        assert found.expected_cost == pytest.approx(wanted["E_cost"], rel=rtol)
        assert found.variance == pytest.approx(wanted["V_cost"], rel=rtol)
        assert math.sqrt(found.variance) == pytest.approx(wanted["std_cost"], rel=rtol)


def test_the_short_end_of_the_frontier():
    known = case("drip_short_end_table")
    found = frontier(task_of(known["inputs"]), known["inputs"]["lambdas"])
    for name, values in (
        ("E_M", [point.expected_cost / 1e6 for point in found]),
        ("V_M2", [point.variance / 1e12 for point in found]),
        ("half_life", [point.half_life for point in found]),
    ):
        np.testing.assert_allclose(values, known["expected"][name], rtol=1e-9)
    printed = known["expected"]["published_DRIP"]
    assert [round(point.expected_cost / 1e6, 4) for point in found] == printed["mean"]
    assert [round(point.half_life, 2) for point in found] == printed["half_life"]


def test_without_aversion_to_risk_it_is_a_straight_line():
    found = schedule(PAPER, 0.0)
    assert found.half_life == math.inf
    np.testing.assert_allclose(found.trades, 2e5, rtol=1e-15)
    assert found.value_at_risk() == pytest.approx(662_500 + 1.645 * math.sqrt(1.083e12))


tasks = st.builds(
    Task,
    st.floats(1.0, 1e7),
    st.floats(0.1, 50.0),
    st.integers(1, 60),
    st.floats(0.0, 5.0),
    st.floats(0.0, 1.0),
    st.floats(0.0, 1e-7),
    st.floats(1e-4, 1e-2),
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(task=tasks, low=st.floats(0.0, 1e-3), more=st.floats(0.0, 1e-2))
def test_what_holds_for_every_schedule(task, low, more):
    """Sums to the whole, never turns round, falls ever slower; more aversion costs more and risks less."""
    patient, urgent = frontier(task, (low, low + more))
    for found in (patient, urgent):
        assert found.holdings[0] == pytest.approx(task.quantity)
        assert found.holdings[-1] == 0.0
        assert found.trades.sum() == pytest.approx(task.quantity)
        assert (found.trades >= -1e-9 * task.quantity).all()
        assert (np.diff(found.trades) <= 1e-9 * task.quantity).all()
    assert urgent.expected_cost >= patient.expected_cost * (1 - 1e-12)
    assert urgent.variance <= patient.variance * (1 + 1e-12)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), aversion=st.sampled_from([0.0, 1e-7, 1e-6, 1e-5]))
def test_no_other_schedule_is_better(seed, aversion):
    """Any feasible change of the trades makes cost plus aversion times variance larger."""
    best = schedule(PAPER, aversion)
    step = np.random.default_rng(seed).normal(size=PAPER.intervals) * 1e4
    trades = best.trades + step - step.mean()
    left = PAPER.quantity - trades.cumsum()
    cost = 0.5 * PAPER.gamma * PAPER.quantity**2 + PAPER.epsilon * PAPER.quantity
    cost += PAPER.eta_tilde / PAPER.tau * (trades @ trades)
    variance = PAPER.sigma**2 * PAPER.tau * (left @ left)
    assert cost + aversion * variance >= best.expected_cost + aversion * best.variance


def test_great_urgency_does_not_overflow():
    left = left_after(1e4, 10.0, np.linspace(0.0, 10.0, 5))
    np.testing.assert_allclose(left, [1.0, 0.0, 0.0, 0.0, 0.0], atol=1e-12)
    assert np.isfinite(schedule(PAPER, 1e12).holdings).all()


@pytest.mark.parametrize(
    "wrong",
    [(0.0, 5.0, 5), (1.0, 0.0, 5), (1.0, 5.0, 0)],
)
def test_a_task_out_of_range_is_refused(wrong):
    with pytest.raises(ValueError, match="schedule needs"):
        Task(*wrong, 1.0, 0.0, 0.0, 1.0)


def test_impact_that_turns_round_is_refused():
    with pytest.raises(ValueError, match="eta must outweigh"):
        Task(1.0, 1.0, 1, 1.0, 0.0, 2.0, 1.0)
    with pytest.raises(ValueError, match="risk aversion"):
        urgency(PAPER, -1.0)
