"""The cost model: base figures of the reference set, and a residual that is used only where it is proven."""

import builtins

import numpy as np
import pytest

from tests.execution.reference import case
from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.rng import generator
from tuiconsole.execution.costs import permanent_impact, temporary_impact
from tuiconsole.execution.residual import ResidualModel
from tuiconsole.execution.settings import ExecutionSettings
from tuiconsole.execution.slippage import CATEGORIES, SlippageModel, Trades, base_bps


def test_the_measured_impact_of_a_large_stock():
    """Almgren, Thum, Hauptmann and Li (2005), table 3, with the two laws that the venue uses."""
    known = case("almgren2005_IBM")
    given, wanted = known["inputs"], known["expected"]["values"]
    sigma, share = np.array([given["sigma_daily"]]), given["X_over_V"]
    lasting = permanent_impact(
        given["gamma"] * given["Theta_over_V"] ** given["delta"], sigma, np.array([share])
    )
    for days, row in zip(given["T_days"], wanted, strict=True):
        passing = temporary_impact(given["eta"], given["beta"], sigma, np.array([share / days]))
        bps = [1e4 * float(x[0]) for x in (lasting, passing, lasting / 2 + passing)]
        np.testing.assert_allclose(bps, [row["I_bp"], row["K_bp"], row["J_bp"]], rtol=1e-6)
        np.testing.assert_allclose(
            [lasting[0] / sigma[0], passing[0] / sigma[0]], [row["I_over_sig"], row["K_over_sig"]], rtol=1e-6
        )


def trades(rng, n):
    return Trades(
        venue=rng.integers(0, 2, n),
        style=rng.integers(0, 4, n),
        time_of_day=rng.random(n),
        spread_bps=rng.uniform(1.0, 12.0, n),
        queue=rng.random(n),
        sigma=rng.uniform(0.005, 0.03, n),
        participation=rng.uniform(0.0, 0.05, n),
    )


def known_residual(made):
    """Venue 1 is dearer, the open is dear, and a long queue costs a limit order."""
    return 4.0 * (made.venue == 1) + 6.0 * (made.time_of_day < 0.1) + 5.0 * made.queue * (made.style == 1)


def taught(seed, count, residual=known_residual, noise=4.0, block=50):
    rng, settings = generator(seed, "slippage"), ExecutionSettings()
    model, switches = SlippageModel(settings), []
    for _ in range(0, count, block):
        made = trades(rng, block)
        realised = base_bps(made, settings) + residual(made) + rng.normal(0.0, noise, block)
        switch = model.learn(made, realised)
        if switch is not None:
            switches.append(switch)
    return model, switches, rng


def test_a_known_residual_is_found_and_used():
    model, switches, rng = taught(1, 3000)
    assert [switch.on for switch in switches] == [True]
    assert switches[0].evidence.samples >= 500
    assert switches[0].evidence.t > 2.3
    assert "is used from now on" in switches[0].text
    fresh = trades(rng, 2000)
    base = base_bps(fresh, ExecutionSettings())
    truth = known_residual(fresh)
    found = model.expected_bps(fresh) - base
    assert np.mean((found - truth) ** 2) < 0.15 * np.mean(truth**2)
    for part, worth in ((fresh.venue == 1, 4.0), (fresh.time_of_day < 0.08, 6.0)):
        assert found[part].mean() - found[~part].mean() == pytest.approx(worth, abs=1.5)


def test_nothing_to_learn_is_never_used():
    """Noise alone, for thousands of fills: the base stays what is told."""
    model, switches, rng = taught(2, 4000, residual=lambda made: 0.0 * made.queue)
    assert switches == []
    assert not model.residual.in_use
    fresh = trades(rng, 100)
    np.testing.assert_array_equal(model.expected_bps(fresh), base_bps(fresh, ExecutionSettings()))
    assert model.residual.evidence.gain < 0.02


def test_it_is_never_used_before_enough_was_seen():
    model, switches, rng = taught(3, 700, noise=0.1)
    assert switches == []
    assert model.residual.evidence.samples < 500
    with pytest.raises(RuntimeError, match="not proven"):
        model.residual.predict(trades(rng, 3).columns())


def test_a_market_that_changed_switches_it_off():
    settings = ExecutionSettings()
    model, switches, rng = taught(4, 2500)
    model.residual._memory = 600
    for _ in range(40):
        made = trades(rng, 50)
        realised = base_bps(made, settings) - 3.0 * known_residual(made) + rng.normal(0.0, 1.0, 50)
        switch = model.learn(made, realised)
        if switch is not None:
            switches.append(switch)
            break
    assert [switch.on for switch in switches] == [True, False]
    assert "is no longer used" in switches[-1].text


def test_a_restart_predicts_the_same():
    model, _, rng = taught(5, 1500)
    again = SlippageModel(ExecutionSettings())
    again.restore(decode_state(encode_state(model.state())))
    fresh = trades(rng, 200)
    np.testing.assert_array_equal(model.expected_bps(fresh), again.expected_bps(fresh))
    made = trades(rng, 300)
    realised = base_bps(made, ExecutionSettings()) + known_residual(made)
    assert model.learn(made, realised) == again.learn(made, realised)
    np.testing.assert_array_equal(model.expected_bps(fresh), again.expected_bps(fresh))


def test_odd_fills_are_left_out():
    model = ResidualModel(CATEGORIES)
    rng = generator(6, "slippage")
    assert model.learn(trades(rng, 2).columns(), np.array([np.nan, np.inf])) is None
    assert model.evidence.samples == 0
    assert model.state()["seen"] is None


def test_a_spread_that_is_not_quoted_is_the_configured_one():
    rng = generator(7, "slippage")
    made = trades(rng, 3)._replace(spread_bps=np.array([np.nan, 4.0, 8.0]))
    same = made._replace(spread_bps=np.array([4.0, 4.0, 8.0]))
    np.testing.assert_array_equal(base_bps(made, ExecutionSettings()), base_bps(same, ExecutionSettings()))


def test_without_the_package_one_sentence_says_what_to_do(monkeypatch):
    load = builtins.__import__

    def without(name, *rest, **more):
        if name == "lightgbm":
            raise ImportError(name)
        return load(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match="needs the package lightgbm"):
        SlippageModel(ExecutionSettings())
