"""The table of executions of a backtest: every order once, every cent of its costs, parents as one."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.sma_cross import SmaCross
from tests.engine.rig import market, settings
from tuiconsole.analytics.shortfall import EFFECTS
from tuiconsole.domain.clock import EventClock
from tuiconsole.domain.money import MONEY_SCALE
from tuiconsole.reports import tables
from tuiconsole.reports.html import content
from tuiconsole.reports.terminal import render
from tuiconsole.research import executions as module
from tuiconsole.research.backtests import backtest
from tuiconsole.research.capture import capture
from tuiconsole.research.executions import executions
from tuiconsole.research.runs import RunStore


def run_of(algo, volume=5e6):
    tape = market(620, n_symbols=8)
    volumes = np.random.default_rng(5).lognormal(10.0, 0.5, tape.close.shape)
    tape = replace(tape, volume=volumes if algo == "vwap" else None)
    base = settings(tape)
    execution = replace(base.execution, algo=algo, displayed_volume=volume, algo_horizon_bars=4)
    finished = backtest(replace(base, execution=execution), tape, EventClock())
    return capture(finished, EventClock()), finished, tape


@pytest.mark.parametrize(
    ("algo", "volume"), [("direct", 5e6), ("direct", 400.0), ("twap", 5e6), ("vwap", 5e6)]
)
def test_nothing_is_left_out_or_counted_twice(algo, volume):
    run, _, _ = run_of(algo, volume)
    found = run.executions
    assert len(found) > 40
    assert (found.parent > 0).all() == (algo != "direct")
    sums = {name: float(values.sum()) for name, values in found.effects.items()}
    costs = {name: float(values.sum()) for name, values in run.fills.costs.items()}
    assert sums["fees"] == pytest.approx(run.fills.fee.sum(), abs=1e-6)
    assert sums["spread"] == pytest.approx(costs["spread"], abs=1e-6)
    assert sums["permanent"] == pytest.approx(costs["permanent"], abs=1e-6)
    rest = ("temporary", "capacity", "adverse_selection")
    assert sums["temporary"] == pytest.approx(sum(costs[name] for name in rest), abs=1e-6)
    assert float(np.abs(found.filled).sum()) == pytest.approx(np.abs(run.fills.quantity).sum())
    if algo == "direct" and volume > 1e6:
        early = found.ts < run.track.ts[-1]  # what was decided at the last bar found no other to fill at
        np.testing.assert_array_equal(found.filled[early], found.quantity[early])
    # the whole, computed from fills and decisions alone
    decided = float((found.filled * found.decision_price).sum())
    whole = float(run.fills.value.sum() + run.fills.fee.sum()) - decided
    assert found.shortfall.sum() - sums["opportunity"] == pytest.approx(whole, abs=1e-4)


@pytest.mark.parametrize("volume", [5e6, 400.0])
@pytest.mark.parametrize("ranged", [False, True])
def test_whole_fills_together_equal_those_one_by_one(volume, ranged, monkeypatch):
    tape = market(620, n_symbols=8)
    if ranged:
        rng = np.random.default_rng(2)
        volumes = np.where(
            rng.random(tape.close.shape) < 0.1, np.nan, rng.lognormal(10.0, 0.5, tape.close.shape)
        )
        tape = replace(tape, open=tape.close, high=tape.close * 1.01, low=tape.close * 0.98, volume=volumes)
    base = settings(tape)
    base = replace(base, execution=replace(base.execution, displayed_volume=volume))
    result = backtest(base, tape, EventClock()).result
    arguments = (result.order_rows, result.filled, tape, len(tape) - 1)
    together = executions(*arguments)
    calls = []
    monkeypatch.setattr(module, "whole_fills", lambda *given: calls.append(given))
    alone = executions(*arguments)
    assert calls
    assert len(together) == len(alone) > 40
    by = np.argsort(alone.order, kind="stable")
    for name in ("ts", "symbol", "order", "parent", "quantity", "filled", "value", "decision_price"):
        np.testing.assert_array_equal(getattr(together, name), getattr(alone, name)[by], err_msg=name)
    np.testing.assert_allclose(together.average_price, alone.average_price[by], rtol=1e-15)
    for name, values in together.effects.items():
        np.testing.assert_array_equal(values, alone.effects[name][by], err_msg=name)
    for name, values in together.benchmarks.items():
        np.testing.assert_allclose(values, alone.benchmarks[name][by], rtol=1e-12, err_msg=name)


def test_an_exit_that_waits_misses_nothing_and_is_measured_from_where_it_was_met():
    tape = market(620, n_symbols=8)
    base = settings(tape)
    base = replace(base, protection=replace(base.protection, stop_atr=2.0, target_atr=3.0))
    result = backtest(base, tape, EventClock()).result
    found = executions(result.order_rows, result.filled, tape, len(tape) - 1)
    rows = result.order_rows.decided
    exits = {
        n
        for row in rows
        for n, p in zip(row.number.tolist(), row.purpose.tolist(), strict=True)
        if p == 2 and n
    }
    assert len(exits) > 20
    waited = np.isin(found.order, list(exits))
    assert 0 < waited.sum() < len(exits), "those that never traded have no row"
    for name in ("delay", "opportunity"):
        np.testing.assert_allclose(found.effects[name][waited], 0.0, atol=1e-3)
    np.testing.assert_array_equal(found.filled[waited], found.quantity[waited])
    fees = sum(int(record.fee.sum()) for record in result.filled) / MONEY_SCALE
    assert found.effects["fees"].sum() == pytest.approx(fees)


def test_a_direct_order_arrives_at_the_next_bar():
    run, _, tape = run_of("direct")
    found = run.executions
    row = int(np.flatnonzero(found.filled)[5])
    bar = int(np.searchsorted(tape.ts, found.ts[row]))
    arrival = tape.close[bar + 1, found.symbol[row]]
    assert found.benchmarks["arrival"][row] == pytest.approx(arrival, rel=1e-9)
    assert found.benchmarks["close"][row] == arrival
    moved = (arrival - tape.close[bar, found.symbol[row]]) * found.filled[row]
    assert found.effects["delay"][row] == pytest.approx(moved, abs=1e-4)
    assert found.effects["timing"][row] == 0.0


def test_working_an_order_moves_loss_from_impact_to_timing():
    """Against a thin market: what is sent at once pays impact, what is worked waits for the market."""
    direct, worked = run_of("direct", 20_000.0)[0], run_of("twap", 20_000.0)[0]
    assert set(direct.executions.effects) == set(EFFECTS)
    assert abs(worked.executions.effects["timing"].sum()) > abs(direct.executions.effects["timing"].sum())
    per_money = [
        run.executions.effects["temporary"].sum() / np.abs(run.executions.value).sum()
        for run in (direct, worked)
    ]
    assert per_money[1] < per_money[0]


def test_it_is_stored_and_reported(tmp_path):
    run, _, _ = run_of("twap")
    store = RunStore(tmp_path)
    back = store.load(store.save(run, {}).name)
    for name in ("ts", "order", "parent", "quantity", "filled", "average_price"):
        np.testing.assert_array_equal(getattr(back.executions, name), getattr(run.executions, name))
    assert [row.money for row in tables.shortfall(back)] == [row.money for row in tables.shortfall(run)]
    text = render(back)
    assert "Execution against the decisions' prices" in text
    assert "implementation shortfall" in text
    assert "slippage in bp against arrival +" in text
    page = content(back, None)
    assert [effect.kind for effect in page["effects"]] == [*EFFECTS, "implementation shortfall"]
    assert page["dearest"][0][2].startswith("parent ")
    assert tables.shortfall(replace(back, executions=None)) == []


def test_bars_taken_together_account_for_the_same_orders():
    """Where ordinary bars go by in stretches, decisions and fills come in columns; the table is the same."""
    tape = market(700, n_symbols=12)
    steps = np.random.default_rng(3).normal(0.0, 0.01, tape.close.shape)
    tape = replace(tape, close=np.round(50.0 * np.exp(steps.cumsum(axis=0)), 4))
    tables_ = []
    for how in ("always", "never"):
        base = settings(tape)
        base = replace(base, engine=replace(base.engine, machine_code=how))
        result = backtest(base, tape, EventClock(), policy=SmaCross(tape.universe)).result
        tables_.append(executions(result.order_rows, result.filled, tape, len(tape) - 1))
    together, alone = tables_
    assert len(together) > 50
    for name in ("ts", "symbol", "order", "quantity", "filled", "average_price"):
        np.testing.assert_array_equal(getattr(together, name), getattr(alone, name), err_msg=name)
    np.testing.assert_array_equal(together.shortfall, alone.shortfall)
