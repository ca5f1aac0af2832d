"""The default policy: pure, explainable from its sheet, invested, and not to be brought down by an agent."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from tuiconsole.agents.contract import Agent, AgentState, AgentView
from tuiconsole.agents.settings import AgentSettings
from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.errors import DataError
from tuiconsole.domain.forecast import Forecast
from tuiconsole.domain.instruments import Instrument, Universe
from tuiconsole.domain.market import Bars, ScreenedBars
from tuiconsole.domain.policy import Decision, DecisionInputs, PolicyState
from tuiconsole.domain.rng import generator
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.engine.pipeline import EnsemblePolicy
from tuiconsole.ensemble.settings import EnsembleSettings
from tuiconsole.features.feature_set import FeatureSet
from tuiconsole.market.panel import Panel
from tuiconsole.portfolio.settings import SizingSettings
from tuiconsole.regimes.bank import REGIME_NAMES, RegimeBank
from tuiconsole.regimes.settings import RegimeSettings

N = 6
EQUITY = 100_000.0


def make(n: int = N, members: Sequence[Agent] | None = None, **sizing: Any) -> EnsemblePolicy:
    universe = Universe.of([f"S{i}" for i in range(n)])
    return EnsemblePolicy(
        AgentSettings(), EnsembleSettings(), SizingSettings(**sizing), 252.0, universe, members
    )


def market(n_bars: int = 340, n: int = N) -> FloatArray:
    rng = generator(9, "pipeline")
    common = rng.normal(0.0004, 0.006, (n_bars, 1))
    own = rng.normal(0.0, 0.01, (n_bars, n)) + np.linspace(0.0015, -0.0005, n)
    return np.asarray(60.0 * np.exp(np.cumsum(common + own, axis=0)))


@dataclass
class Drive:
    """A policy, the market it saw, and an account whose orders fill at the next close without cost."""

    policy: EnsemblePolicy
    position: IntArray
    state: PolicyState
    inputs: DecisionInputs
    decision: Decision
    gross: list[float]


def drive(
    policy: EnsemblePolicy, close: FloatArray, each: Callable[[int, Drive], None] | None = None
) -> Drive:
    """Drive ``policy`` through ``close`` with the real features and regimes."""
    n = close.shape[1]
    features = FeatureSet(policy.needs, n)
    panel = Panel(n, max(2, features.panel_window))
    regimes = RegimeBank(RegimeSettings(), 252.0)
    state, position, cash = policy.initial_state(n), np.zeros(n, dtype=np.int64), EQUITY
    wanted, gross, run = position, [], None
    for t, row in enumerate(close):
        change = wanted - position
        cash -= float(change @ row)
        position = wanted
        equity = cash + float(position @ row)
        gross.append(float(np.abs(position) @ row) / equity)
        panel.push(ScreenedBars(Bars.close_only(t, t, row), row, np.zeros(n, dtype=np.int8)))
        features.update(panel)
        if t:
            regimes.update(np.log(row / close[t - 1]))
        inputs = DecisionInputs(
            ts=t,
            seq=t,
            price=row,
            price_scaled=np.rint(row * 1e6).astype(np.int64),
            tradable=np.ones(n, dtype=np.bool_),
            features=features.values.copy(),
            regime=regimes.probabilities,
            position=position,
            pending=np.zeros(n, dtype=np.int64),
            equity=equity,
            cash=cash,
            enabled=frozenset(policy.agent_names),
        )
        decision, after = policy.decide(inputs, state)
        run = Drive(policy, position, state, inputs, decision, gross)
        if each is not None:
            each(t, run)
        state = after
        wanted = np.where(decision.acting, decision.target, position)
    assert run is not None
    return run


@pytest.fixture(scope="module")
def warm() -> Drive:
    """The last bar of a market long enough for every agent, and the state before it."""
    return drive(make(), market())


class Named:
    """Rows and scalars of a decision by name."""

    def __init__(self, policy: EnsemblePolicy, decision: Decision) -> None:
        assert decision.sheet.shape[0] == len(policy.sheet_names) == len(set(policy.sheet_names))
        assert decision.scalars.shape == (len(policy.scalar_names),)
        assert len(set(policy.scalar_names)) == len(policy.scalar_names)
        self.row = dict(zip(policy.sheet_names, decision.sheet, strict=True))
        self.scalar = dict(zip(policy.scalar_names, decision.scalars.tolist(), strict=True))


def recomputed(
    names: Sequence[str], row: Mapping[str, float], scalar: Mapping[str, float]
) -> dict[str, float]:
    """The chain of the module's docstring for one symbol, from the sheet's column and the scalars alone."""
    horizon = max(1, round(sum(scalar[f"weight:{a}"] * scalar[f"horizon:{a}"] for a in names)))
    shares, means, variances = [], [], []
    for a in names:
        h = scalar[f"horizon:{a}"]
        calibrated = scalar[f"slope:{a}"] * row[f"mean:{a}"]
        assert calibrated == pytest.approx(row[f"calibrated:{a}"])
        means.append(calibrated * min(1.0, horizon / h))
        variances.append(row[f"sigma:{a}"] ** 2 * horizon / h)
        shares.append(scalar[f"weight:{a}"] / variances[-1])
    shares = [share / sum(shares) for share in shares]
    mean = sum(s * m for s, m in zip(shares, means, strict=True))
    variance = sum(s * (v + (m - mean) ** 2) for s, v, m in zip(shares, variances, means, strict=True))
    limit = scalar["name_limit"]
    kelly = min(limit, max(0.0, scalar["kelly_fraction"] * mean / variance))
    weight = min(limit, kelly * scalar["volatility_scale"]) * scalar["gross_scale"]
    lots = np.trunc(weight * scalar["equity"] / row["lot_value"])
    return {
        "blend_mean": mean,
        "blend_sigma": variance**0.5,
        "kelly_weight": kelly,
        "target_weight": weight,
        "target_lots": lots,
        "quantity": lots * row["lot"],
    }


def test_the_target_follows_from_the_sheet_and_the_scalars_alone() -> None:
    policy, checked = make(), []

    def check(t: int, run: Drive) -> None:
        if t < 260:
            return
        named = Named(policy, run.decision)
        assert named.scalar["blend_horizon"] == max(
            1,
            round(
                sum(named.scalar[f"weight:{a}"] * named.scalar[f"horizon:{a}"] for a in policy.agent_names)
            ),
        )
        for i in range(N):
            row = {name: float(values[i]) for name, values in named.row.items()}
            expected = recomputed(policy.agent_names, row, named.scalar)
            for name in ("blend_mean", "blend_sigma", "kelly_weight", "target_weight", "target_lots"):
                assert row[name] == pytest.approx(expected[name], rel=1e-9, abs=1e-15), name
            assert row["acting"] == run.decision.acting[i]
            if run.decision.acting[i]:
                assert run.decision.target[i] == expected["quantity"]
                checked.append(expected["quantity"])

    drive(policy, market(), check)
    assert len(checked) > 20
    assert sum(quantity > 0 for quantity in checked) > 10


def test_scalars_say_what_the_decision_used(warm: Drive) -> None:
    named = Named(warm.policy, warm.decision)
    assert named.scalar["equity"] == warm.inputs.equity
    assert [named.scalar[f"regime:{name}"] for name in REGIME_NAMES] == warm.inputs.regime.tolist()
    assert sum(named.scalar[f"weight:{name}"] for name in warm.policy.agent_names) == pytest.approx(1.0)
    np.testing.assert_array_equal(named.row["price"], warm.inputs.price)
    for k, name in enumerate(warm.policy.needs):
        np.testing.assert_array_equal(named.row[f"feature:{name}"], warm.inputs.features[k])
    assert named.scalar["gross"] == pytest.approx(np.nansum(named.row["target_weight"]))


def test_deciding_is_pure(warm: Drive) -> None:
    fields = ("price", "price_scaled", "tradable", "features", "regime", "position", "pending")
    inputs_before = encode_state([getattr(warm.inputs, name) for name in fields])
    state_before = encode_state(warm.state)
    answers = []
    for _ in range(2):
        decision, after = warm.policy.decide(warm.inputs, warm.state)
        answers.append(
            encode_state([decision.target, decision.acting, decision.sheet, decision.scalars, after])
        )
    assert answers[0] == answers[1]
    assert encode_state(warm.state) == state_before
    assert encode_state([getattr(warm.inputs, name) for name in fields]) == inputs_before
    overwritten = warm.inputs.features.copy()
    decision, after = warm.policy.decide(structs.replace(warm.inputs, features=overwritten), warm.state)
    overwritten[:] = -1.0
    assert (
        encode_state([decision.target, decision.acting, decision.sheet, decision.scalars, after])
        == answers[0]
    )


def test_a_restored_state_goes_on_bit_for_bit() -> None:
    policy = make()
    saved: list[Any] = [None]

    def compare(t: int, run: Drive) -> None:
        if t == 270:
            saved[0] = decode_state(encode_state(run.state))
        if t >= 270:
            decision, saved[0] = policy.decide(run.inputs, saved[0])
            assert encode_state(decision.sheet) == encode_state(run.decision.sheet)
            np.testing.assert_array_equal(decision.target, run.decision.target)
            saved[0] = decode_state(encode_state(saved[0]))

    drive(policy, market(300), compare)


def test_nothing_is_traded_before_the_agents_are_warm() -> None:
    def check(t: int, run: Drive) -> None:
        if t < 54:
            assert not run.decision.acting.any()
            assert run.decision.target.tolist() == run.inputs.position.tolist()

    drive(make(), market(80), check)


def test_symbols_that_cannot_be_traded_are_left_alone(warm: Drive) -> None:
    empty = structs.replace(warm.inputs, position=np.zeros(N, dtype=np.int64))
    usual, _ = warm.policy.decide(empty, warm.state)
    assert usual.acting.any()
    shut, _ = warm.policy.decide(structs.replace(empty, tradable=~usual.acting), warm.state)
    assert not shut.acting.any()
    assert shut.target.tolist() == [0] * N


def test_working_orders_count_as_held(warm: Drive) -> None:
    empty = structs.replace(warm.inputs, position=np.zeros(N, dtype=np.int64))
    first, _ = warm.policy.decide(empty, warm.state)
    second, _ = warm.policy.decide(
        structs.replace(empty, pending=np.where(first.acting, first.target, 0)), warm.state
    )
    assert not (second.acting & first.acting).any()


def test_lots_scales_and_multipliers_reach_the_target(warm: Drive) -> None:
    plain, coin = Instrument("A"), Instrument("B", quantity_decimals=3, lot=10, multiplier=5)
    universe = Universe(
        (coin, plain, plain, plain, plain, plain)[:1] + tuple(Instrument(f"P{i}") for i in range(5))
    )
    policy = EnsemblePolicy(AgentSettings(), EnsembleSettings(), SizingSettings(band=0.0), 252.0, universe)
    empty = structs.replace(warm.inputs, position=np.zeros(N, dtype=np.int64))
    decision, _ = policy.decide(empty, warm.state)
    weight = Named(policy, decision).row["target_weight"]
    assert weight[0] > 0.0
    assert decision.target[0] % 10 == 0
    value = decision.target * np.array([5.0 / 1000.0, 1, 1, 1, 1, 1]) * empty.price
    step = empty.price * np.array([0.05, 1, 1, 1, 1, 1])
    assert (value <= weight * empty.equity + 1e-6).all()
    assert (value > weight * empty.equity - step - 1e-6)[decision.acting].all()


def test_switched_off_agents_have_no_say_but_are_still_judged(warm: Drive) -> None:
    only = structs.replace(warm.inputs, enabled=frozenset({"low_volatility"}))
    decision, after = warm.policy.decide(only, warm.state)
    named, last = Named(warm.policy, decision), warm.policy.telemetry(after)
    assert named.scalar["weight:low_volatility"] == 1.0
    np.testing.assert_allclose(named.row["blend_mean"], named.row["calibrated:low_volatility"])
    np.testing.assert_allclose(named.row["blend_sigma"], named.row["sigma:low_volatility"])
    assert np.isfinite(last["means"]).all()
    decision, _ = warm.policy.decide(structs.replace(warm.inputs, enabled=frozenset()), warm.state)
    assert not decision.acting.any()
    assert Named(warm.policy, decision).scalar["gross"] == 0.0


def test_telemetry_has_what_screens_show(warm: Drive) -> None:
    _, after = warm.policy.decide(warm.inputs, warm.state)
    last, n_agents = warm.policy.telemetry(after), len(warm.policy.agent_names)
    for name in ("weights", "slopes", "information_coefficient", "hit_rate", "pnl"):
        assert last[name].shape == (n_agents,)
        assert np.isfinite(last[name]).all()
    for name in ("means", "sigmas"):
        assert last[name].shape == (n_agents, N)
    for name in ("mean", "sigma", "target_weight"):
        assert last[name].shape == (N,)
    assert 1 <= last["horizon_bars"] <= 20
    assert 0.0 < last["volatility_forecast"] < 0.3
    assert 0.0 < last["volatility_target"] <= 0.15
    assert set(warm.policy.telemetry(warm.policy.initial_state(N))) == set(last)


@dataclass(frozen=True)
class Scripted:
    """An agent that answers whatever a test wants."""

    answer: Callable[[int], Forecast]
    name: str = "scripted"
    title: str = "Scripted"
    needs: tuple[str, ...] = ("momentum_20_0",)
    horizon_bars: int = 5

    def initial_state(self, n_symbols: int) -> AgentState:
        return {"calls": n_symbols * 0}

    def forecast(self, view: AgentView, state: AgentState) -> tuple[Forecast, AgentState]:
        return self.answer(len(view.price)), {"calls": state["calls"] + 1}


def steady(mean: float = 0.01, sigma: float = 0.05) -> Callable[[int], Forecast]:
    return lambda n: Forecast(np.full(n, mean), np.full(n, sigma), 5)


def raising(error: Exception) -> Callable[[int], Forecast]:
    def answer(n: int) -> Forecast:
        raise error

    return answer


def one_odd(mean: float, sigma: float) -> Callable[[int], Forecast]:
    def answer(n: int) -> Forecast:
        forecast = steady()(n)
        forecast.mean[1], forecast.sigma[1] = mean, sigma
        return forecast

    return answer


BROKEN: dict[str, tuple[Callable[[int], Forecast], str]] = {
    "value": (raising(ValueError("no such window")), "ValueError: no such window"),
    "arithmetic": (raising(ZeroDivisionError("division by zero")), "ZeroDivisionError"),
    "key": (raising(KeyError("momentum_9_0")), "KeyError"),
    "shape": (
        lambda n: Forecast(np.zeros(n + 1), np.ones(n), 5),
        r"mean must be float64 \[6\], was float64 \[7\]",
    ),
    "scalar": (lambda n: Forecast(0.01, np.ones(n), 5), "AttributeError"),  # type: ignore[arg-type]
    "integers": (lambda n: Forecast(np.zeros(n), np.ones(n, dtype=np.int64), 5), "sigma must be float64"),
    "horizon": (lambda n: Forecast(np.zeros(n), np.ones(n), 6), "horizon must stay 5 bars, was 6"),
    "zero sigma": (one_odd(0.01, 0.0), "column 1 has mean 0.01 and sigma 0"),
    "negative sigma": (one_odd(0.01, -1.0), "column 1 has mean 0.01 and sigma -1"),
    "infinite mean": (one_odd(np.inf, 0.1), "column 1 has mean inf"),
    "mean without sigma": (one_odd(0.01, np.nan), "column 1 has mean 0.01 and sigma nan"),
    "sigma without mean": (one_odd(np.nan, 0.1), "column 1 has mean nan and sigma 0.1"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_an_agent_that_fails_is_named_and_the_others_go_on(how: str, warm: Drive) -> None:
    answer, sentence = BROKEN[how]
    policy = make(members=[Scripted(answer), Scripted(steady(), name="good")])
    inputs = bare(warm.inputs, policy)
    decision, after = policy.decide(inputs, policy.initial_state(N))
    assert list(after["failed"]) == ["scripted"]

    assert re.search(sentence, after["failed"]["scripted"])
    named = Named(policy, decision)
    assert (named.scalar["weight:scripted"], named.scalar["weight:good"]) == (0.0, 1.0)
    assert np.isnan(named.row["mean:scripted"]).all()
    np.testing.assert_allclose(named.row["blend_mean"], 0.01)
    assert decision.acting.any()
    encode_state(after)


def bare(inputs: DecisionInputs, policy: EnsemblePolicy) -> DecisionInputs:
    """The same bar for a policy with other needs; nothing held, a calm market."""
    rows = {f"realised_volatility_{63}": 0.2, "beta_63": 1.0, "residual_volatility_63": 0.15}
    features = np.array([np.full(N, rows.get(name, 0.01)) for name in policy.needs])
    nothing = np.zeros(N, dtype=np.int64)
    return structs.replace(inputs, features=features, position=nothing, enabled=frozenset(policy.agent_names))


def test_a_failed_agent_is_not_asked_again_until_it_is_switched_on(warm: Drive) -> None:
    calls: list[int] = []

    def answer(n: int) -> Forecast:
        calls.append(n)
        if len(calls) == 1:
            raise FloatingPointError("overflow")
        return steady()(n)

    policy = make(members=[Scripted(answer)])
    inputs = bare(warm.inputs, policy)
    _, state = policy.decide(inputs, policy.initial_state(N))
    _, state = policy.decide(inputs, state)
    assert len(calls) == 1
    decision, state = policy.decide(inputs, {**state, "failed": {}})
    assert len(calls) == 2
    assert state["failed"] == {}
    assert state["agents"]["scripted"] == {"calls": 1}
    assert decision.acting.any()


def test_the_state_must_fit_the_universe() -> None:
    with pytest.raises(ValueError, match="made for 6 symbols, not 7"):
        make().initial_state(7)


def test_needs_name_every_feature_once() -> None:
    policy = make()
    assert len(set(policy.needs)) == len(policy.needs)
    assert {"realised_volatility_63", "beta_63", "residual_volatility_63", "momentum_252_21"} <= set(
        policy.needs
    )
    assert "beta_100" in make(risk_window_bars=100).needs


def test_one_symbol_is_a_desk_too() -> None:
    run = drive(make(1), market(330, 1))
    assert np.isfinite(run.decision.scalars[: len(REGIME_NAMES)]).all()
    assert max(run.gross) <= 0.16


def test_the_default_desk_is_invested_on_real_prices() -> None:
    from tuiconsole.market.packaged import packaged_tape

    try:
        tape = packaged_tape()
    except DataError as error:
        pytest.skip(f"no packaged history: {error}")
    first = tape.index_from(np.datetime64("2004-01-02", "ns").astype(np.int64).item())
    close = np.array(tape.close[first - 300 : first + 500])
    trades = [0.0]

    def count(t: int, run: Drive) -> None:
        if t >= 300:
            change = np.where(run.decision.acting, run.decision.target - run.inputs.position, 0)
            trades[0] += float(np.abs(change) @ run.inputs.price) / run.inputs.equity

    run = drive(make(20), close, count)
    gross = np.array(run.gross[300:])
    assert 0.4 < np.median(gross) < 0.95
    assert np.mean(gross > 0.3) > 0.8
    assert gross.max() < 1.0
    one_way_turnover_per_year = trades[0] / 2.0 / (500 / 252)
    assert one_way_turnover_per_year < 8.0
